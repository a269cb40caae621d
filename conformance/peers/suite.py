#!/usr/bin/env python3
"""How a newcomer checks a partner's connector: a node of our own, for the time of the run, plays the Dataspace Protocol with it and tells each
step. `--help` and README.md say how.

usage: suite.py BIN_DIR SOURCE_DIR --peer URL --participant ID --as ID --scheme static|tls --offer ID [--purpose P] …
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import ssl
import sys
import tomllib
import urllib.parse

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(pathlib.Path(__file__).resolve().parent)]
import foreign  # noqa: E402
import steps  # noqa: E402
from federation import Federation, Node, Refused, scratch  # noqa: E402
from table import Table  # noqa: E402


class WrongUse(Exception):
    pass


def read_options():
    parser = argparse.ArgumentParser(prog="conformance/run peers", description="plays the Dataspace Protocol with another's connector")
    add = parser.add_argument
    add("--peer", required=True, metavar="URL", help="the connector's address: what stands before /.well-known/dspace-version")
    add("--participant", required=True, metavar="ID", help="the peer's participant id")
    add("--as", required=True, dest="own", metavar="ID", help="our participant id, as the peer knows it: did:web:<host>")
    add("--scheme", required=True, choices=("static", "tls"))
    add("--offer", required=True, metavar="ID", help="of an offer in its catalogue, or of a dataset")
    add("--purpose", default="", metavar="P", help="what for: narrows the offer to it; else the offer is asked for as it is")
    add("--purposes", type=pathlib.Path, metavar="FILE", help="the federation's own purposes, where terms name them")
    add("--values", type=pathlib.Path, metavar="FILE", help="static: TOML with `in` and `out`, values of Authorization from and to the peer")
    add("--certificate", type=pathlib.Path, metavar="FILE", help="tls: ours, as PEM, with its intermediates")
    add("--key", type=pathlib.Path, metavar="FILE", help="tls: of that certificate")
    add("--roots", type=pathlib.Path, metavar="FILE", help="tls: who signs the peer's, and the peer's clients'")
    add("--peer-certificate", type=pathlib.Path, metavar="FILE", help="tls: with which the peer calls; what its server shows, unless given")
    add("--class", default="municipality", dest="party_class", help="of our party, where terms ask for it")
    add("--port", type=int, default=22900, help="our node's exchange listener; it takes the next two as well")
    add("--listen", default="127.0.0.1", metavar="ADDRESS", help="tls: of the exchange listener; on loopback unless given")
    add("--url", metavar="URL", help="tls: our address as the peer reaches it; https://localhost:PORT unless given")
    add("--wait", type=int, default=30, metavar="SECONDS", help="for each word of the peer")
    return check(parser.parse_args(sys.argv[3:]))


def check(options):
    options.peer = options.peer.rstrip("/")
    address = urllib.parse.urlsplit(options.peer)
    if options.scheme == "static":
        if not options.values or address.scheme != "http" or address.hostname not in ("127.0.0.1", "::1"):
            raise WrongUse("with `static` a peer is asked at http://127.0.0.1:PORT, and --values says by which Authorization each knows the other")
        if options.listen != "127.0.0.1" or options.url:
            raise WrongUse("with `static` all stays on this machine: no --listen, no --url")
        options.url = f"http://127.0.0.1:{options.port}"
    else:
        missing = [f"--{name}" for name in ("certificate", "key", "roots") if not getattr(options, name)]
        if missing or address.scheme != "https":
            raise WrongUse(f"with `tls` a peer is asked at https://…, with {', '.join(missing or ['--certificate', '--key', '--roots'])}")
        options.url = (options.url or f"https://localhost:{options.port}").rstrip("/")
    for name in ("values", "key"):
        file = getattr(options, name)
        if file and file.exists() and file.stat().st_mode & 0o077:
            raise WrongUse(f"others can read the secret `{file}`: chmod 600 {file}")
    for name in ("values", "certificate", "key", "roots", "peer_certificate", "purposes"):
        file = getattr(options, name)
        if file and not file.is_file():
            raise WrongUse(f"no file `{file}`")
    options.authorization = read_values(options.values) if options.scheme == "static" else None
    return options


def read_values(file):
    try:
        values = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file}: {error}") from None
    if sorted(values) != ["in", "out"] or not all(isinstance(one, str) and one and one.isascii() and one.isprintable() and "'" not in one for one in values.values()):
        raise WrongUse(f"{file}: it has `in`, what the peer sends, and `out`, what is sent to it: each a text in printable ASCII, without an apostrophe")
    return values


class Own(Node):
    """Our node. It is made anew for each run, so that nothing is left of one before."""
    def __init__(self, federation, options):
        self.federation, self.key, self.options = federation, "own", options
        self.participant, self.name, self.party_class, self.oin = options.own, "The one who checks", options.party_class, ""
        self.port, self.folder, self.process = options.port, federation.folder / "own", None

    def init(self):
        purposes = []
        if self.options.purposes:
            foreign.write(self.federation, self.federation.folder / "own-purposes.tsv", self.options.purposes.read_text())
            purposes = ["--purposes", self.federation.folder / "own-purposes.tsv"]
        self.federation.sluis("init", self.folder, "--participant", self.participant, "--name", self.name, "--class", self.party_class,
                              "--contact", "data@waterrijk.example", "--port", self.port, "--authority", self.federation.folder / "authority",
                              "--federation-key", self.federation.folder / "federation.key.pub", *purposes)

    def configure(self):
        made = (self.folder / "node.toml").read_text()
        peer, own = self.options.participant, self.options
        if own.scheme == "static":
            values = f"[[inbound]]\nparty = '{peer}'\nauthorization = '{own.authorization['in']}'\n" \
                     f"[[outbound]]\nparty = '{peer}'\nauthorization = '{own.authorization['out']}'\n"
            return foreign.configure(self.federation, self, made, values, "", url=own.url)
        made = made.replace(f'listen = "127.0.0.1:{self.port}"', f'listen = "{own.listen}:{self.port}"').replace(f'url = "https://localhost:{self.port}"', f'url = "{own.url}"')
        foreign.write(self.federation, self.folder / "node.toml", made)
        for name, source, mode in (("node.pem", own.certificate, 0o644), ("node.key", own.key, 0o600), ("roots.pem", own.roots, 0o644)):
            foreign.write(self.federation, self.folder / "tls" / name, source.read_text(), mode)


def fingerprint(pem):
    """Of the first certificate."""
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:pem.index(end) + len(end)])).hexdigest()


def certificate_rules(pem, since):
    return [{"sha256": fingerprint(pem), "from": since}] if pem else []


def make_list(federation, own, options, shown):
    """The signed membership list of this run: the two."""
    mine = json.loads((own.folder / "party.json").read_text())
    since = mine["endpoints"][0]["from"]
    mine["endpoints"][0]["url"] = options.url
    nothing = {"claim_keys": [], "log_origins": [], "evidence": "none"}
    theirs = {**mine, **nothing, "participant_id": options.participant, "name": "The peer", "certificates": [], "endpoints": [{"url": options.peer, "from": since}]}
    if options.scheme == "tls":
        mine["certificates"] = certificate_rules(options.certificate.read_text(), since)
        theirs["certificates"] = certificate_rules(options.peer_certificate.read_text() if options.peer_certificate else shown, since)
    for path, party in ((own.folder / "party.json", mine), (federation.folder / "peer.json", theirs)):
        foreign.write(federation, path, json.dumps(party))
    path = federation.folder / "membership.json"
    federation.sluis("membership", "compose", path, "--federation", "A run of conformance/run peers", "--list-version", 1, "--signer",
                     federation.folder / "federation.key.pub", "--party", own.folder / "party.json", "--party", federation.folder / "peer.json")
    federation.sluis("membership", "sign", path, "--key", federation.folder / "federation.key")
    return path.read_text()


class Two(Federation):
    """Of our node alone; the list, which has the peer too, is made when both are known."""
    def membership(self, *_, **__):
        return None


def begin(federation, own, options, asking):
    """A node that knows the peer, and is ready."""
    federation.nodes = {"own": own}
    federation.make()
    own.configure()
    document = make_list(federation, own, options, asking.shown_certificate())
    own.start()
    own.wait_ready()
    own.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")


def main():
    try:
        options = read_options()
    except WrongUse as wrong:
        print(wrong, file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    federation = Two(scratch("peers"), binary=BIN / "sluis", base_port=options.port, parties=())
    own = Own(federation, options)
    asking = steps.Asking(options)
    table = Table(sys.stdout)
    try:
        begin(federation, own, options, asking)
        steps.play(own, asking, options, table)
    except (RuntimeError, Refused, OSError) as error:  # ours: the peer has nothing to do with it
        print(f"our own node cannot be made: {error}", file=sys.stderr)
        return 2
    finally:
        own.stop()
        shutil.rmtree(federation.folder, ignore_errors=True)
    return table.close()


if __name__ == "__main__":
    sys.exit(main())
