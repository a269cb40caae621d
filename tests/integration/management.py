#!/usr/bin/env python3
"""Management from another machine: only with TLS, as somebody with a role who shows a token or a client certificate; who is put out
of the file of roles is out at the next call, and a file that cannot be read leaves nobody.

usage: management.py BIN_DIR SOURCE_DIR
"""
import hashlib
import http.client
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402

PORT = 19320
f = Federation(scratch("management"), binary=BIN / "sluis", base_port=PORT + 40, parties=("duinmeer",))
folder, log = f.folder / "waterrijk", f.folder / "waterrijk.log"
config, roles, roots = folder / "node.toml", folder / "roles.json", f.folder / "authority/root.pem"
URL = f"https://localhost:{PORT + 2}"
TLS = '[management.tls]\ncertificate = "tls/node.pem"\nkey = "tls/node.key"\nroots = "tls/roots.pem"\n'
LISTEN = f'listen = "127.0.0.1:{PORT + 2}"'
node = None


def own(*files):
    for file in files:
        if f.user:
            shutil.chown(file, f.user.pw_uid, f.user.pw_gid)


def settings(management):
    """node.toml with another section for management."""
    text = written.replace(LISTEN, management)
    assert text != written
    config.write_text(text)


def serve():
    global node
    node = subprocess.Popen([*f.leave_root, f.binary, "serve", "--config", config], stdout=subprocess.DEVNULL, stderr=open(log, "ab"))
    until = time.monotonic() + 10
    while f.sluis("status", "--config", config, "--role", "operator", check=False).returncode != 0:
        if node.poll() is not None or time.monotonic() > until:
            sys.exit(f"✗ the node does not answer\n{log.read_text()[-3000:]}")
        time.sleep(0.02)


class Caller:
    """One connection that is kept."""

    def __init__(self, shown=None):
        context = ssl.create_default_context(cafile=str(roots))
        if shown:
            context.load_cert_chain(*shown)
        self.connection = http.client.HTTPSConnection("localhost", PORT + 2, context=context, timeout=10)

    def ask(self, method, token=None):
        """Status, and the words of a refusal."""
        headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
        self.connection.request("POST", f"/sluis.v1.{method}", b"{}", headers)
        answer = self.connection.getresponse()
        body = json.loads(answer.read() or b"{}")
        return answer.status, body.get("message", "")


    def get(self, path, token=None):
        self.connection.request("GET", path, headers={"Authorization": token} if token else {})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def refused_settings():
    """What is not safe, or cannot be reached, is refused where it stands in the file."""
    line = next(number for number, text in enumerate(written.splitlines(), 1) if text == LISTEN)
    for what, management, at, said in (
            ("off loopback in clear", f'listen = "0.0.0.0:{PORT + 2}"', line, "without TLS"),
            ("a name that looks like loopback", f'listen = "127.0.0.1.example:{PORT + 2}"', line, "without TLS"),
            ("every address without a url", f'listen = "0.0.0.0:{PORT + 2}"\n{TLS}', line, "every address"),
            ("a url in clear", f'listen = "0.0.0.0:{PORT + 2}"\nurl = "http://localhost:{PORT + 2}"\n{TLS}', line + 1, "https://"),
            ("a url without TLS", f'{LISTEN}\nurl = "{URL}"', line + 1, "without TLS"),
            ("an IPv6 address without brackets", f'listen = "::1:{PORT + 2}"', line, "[::1]"),
            ("revocation lists that gRPC would not look at", f'{LISTEN}\ngrpc = "127.0.0.1:{PORT + 3}"\n{TLS}crl = "tls/crl.pem"\n', line + 1, "revocation lists"),
            ("a key that is no key", f'{LISTEN}\n{TLS.replace("roots", "rots")}', line + 4, "roots")):
        settings(management)
        done = f.sluis("config", "check", config, check=False)
        expect(f"{what}: refused in its line", (done.returncode, f"{config}:{at}:" in done.stderr, said in done.stderr), (1, True, True))
    settings(f'{LISTEN}\ngrpc = "0.0.0.0:{PORT + 3}"')
    served = subprocess.run([*f.leave_root, f.binary, "serve", "--config", config], capture_output=True, text=True, timeout=20)
    expect("gRPC in clear on the network", (served.returncode, "in clear" in served.stderr), (1, True))


def strangers():
    """What who shows no role learns from the network: whether the node is ready, and nothing else."""
    stranger = Caller()
    steward = (folder / "tokens/steward").read_text().strip()
    for path, told in (("/livez", (200, "ok\n")), ("/readyz", (200, "ok\n")), ("/metrics", (401, "show a role\n"))):
        expect(f"a stranger at {path}", stranger.get(path), told)
    status, text = stranger.get("/metrics", f"Bearer {steward}")
    expect("with a role", (status, "sluis_log_entries" in text, "membership" in stranger.get("/readyz", f"Bearer {steward}")[1]), (200, True, True))


def who_may():
    """Tokens and certificates over TLS."""
    steward = (folder / "tokens/steward").read_text().strip()
    expect("a token over TLS", Caller().ask("DatasetService/List", f"Bearer {steward}")[0], 200)
    expect("nothing shown", Caller().ask("DatasetService/List"),
           (401, "no role token was sent; send `Authorization: Bearer <token>` with the token of a role, or a client certificate that has one"))
    plain = http.client.HTTPConnection("localhost", PORT + 2, timeout=10)
    try:
        plain.request("POST", "/sluis.v1.DatasetService/List", b"{}", {"Authorization": f"Bearer {steward}"})
        expect("in clear", plain.getresponse().status, "no answer")
    except (OSError, http.client.HTTPException):
        expect("in clear", "no answer", "no answer")

    anna = certificate(f.folder, "anna")
    own(*anna)
    caller = Caller(anna)
    expect("a certificate without a role", caller.ask("DatasetService/List"), (401, "this client certificate has no role"))
    tried = f.sluis("role", "add", "--config", config, "--role", "privacy_officer", "--person", "Anna", "--certificate", anna[0], "--dry-run")
    expect("a dry run gives no role", ("would be" in tried.stderr, caller.ask("DeclarationService/Definitions")[0]), (True, 401))
    f.sluis("role", "add", "--config", config, "--role", "privacy_officer", "--person", "Anna", "--certificate", anna[0])
    expect("with a role, on the connection that was there", caller.ask("DeclarationService/Definitions")[0], 200)
    status, said = caller.ask("AgreementService/Approve")
    expect("but not what is another role's", (status, "role `privacy_officer` may not call" in said), (403, True))
    expect("a bad token is not mended by a good certificate", caller.ask("DatasetService/List", "Bearer " + "A" * 43), (401, "unknown token"))
    expect("nor another scheme", caller.ask("DatasetService/List", "Basic QTpi")[0], 401)
    status, said = caller.ask("DeclarationService/Declare", f"Bearer {steward}")
    expect("a token decides who somebody is", status in (400, 404), True)

    for what, made, said in (("expired", certificate(f.folder, "expired", expired=True), "certificate has expired"),
                             ("for servers", certificate(f.folder, "server", usage="serverAuth"), "unsuitable certificate purpose"),
                             ("signed by nobody", certificate(f.folder, "alone", None), "self-signed certificate")):
        added = f.sluis("role", "add", "--config", config, "--role", "dpo", "--person", f"Bo, {what}", "--certificate", made[0], check=False)
        expect(f"a role for a certificate {what}", (added.returncode, said in added.stderr), (1, True))
        der = ssl.PEM_cert_to_DER_cert(made[0].read_text().split("-----END")[0] + "-----END CERTIFICATE-----")
        listed = json.loads(roles.read_text())
        listed["roles"].append({"role": "dpo", "person": f"Bo, {what}", "certificate_sha256": hashlib.sha256(der).hexdigest()})
        roles.write_text(json.dumps(listed))
        time.sleep(1.1)  # the log has a line a second of those who are refused
        status, reason = Caller(made).ask("DatasetService/List")
        expect(f"a certificate {what}, though it has a role", (status, said in reason), (401, True))
    expect("the operator's log says so", any("certificate has expired" in line and '"management"' in line for line in log.read_text().splitlines()), True)
    twice = f.sluis("role", "add", "--config", config, "--role", "dpo", "--person", "Anna", "--certificate", anna[0], check=False)
    expect("one certificate has one role", (twice.returncode, "two roles" in twice.stderr), (1, True))
    return anna, caller


def command_line(anna):
    """As a person uses it."""
    at = "--url", URL, "--roots", roots
    by_certificate = "--certificate", anna[0], "--key", anna[1]
    expect("the node's own settings are enough", f.sluis("situation", "list", "--config", config, "--role", "dpo").returncode, 0)
    expect("a certificate and its key", f.sluis("situation", "list", *at, *by_certificate).returncode, 0)
    other = certificate(f.folder, "stranger", None)
    stranger = f.sluis("situation", "list", "--url", URL, "--roots", other[0], *by_certificate, check=False)
    expect("a server that others vouch for", (stranger.returncode, "the certificate of `localhost` is refused" in stranger.stderr), (1, True))
    alone = f.sluis("situation", "list", *at, "--certificate", anna[0], check=False)
    expect("a certificate without its key", (alone.returncode, "give both" in alone.stderr), (2, True))
    both = f.sluis("situation", "list", *at, *by_certificate, "--token-file", folder / "tokens/dpo", check=False)
    expect("a certificate and a token", (both.returncode, "give one of them" in both.stderr), (2, True))
    anna[1].chmod(0o640)
    seen = f.sluis("situation", "list", *at, *by_certificate, check=False)
    expect("a key that others can read", (seen.returncode, "can be read by others" in seen.stderr), (2, True))
    anna[1].chmod(0o600)
    contexts = f.folder / "contexts.toml"
    contexts.write_text(f'current = "w"\n[context.w]\nurl = "{URL}"\nroots = "authority/root.pem"\ncertificate = "anna.pem"\nkey = "anna.key"\n')
    expect("a context with a certificate", f.sluis("situation", "list", "--contexts", contexts).returncode, 0)


def put_out(anna, caller):
    """The end of a role is the end of it, also on a connection that was there."""
    auditor = f.folder / "auditor.token"
    endless = f.sluis("role", "add", "--config", config, "--role", "auditor", "--person", "Cas", "--token-file", auditor, check=False)
    expect("an auditor has an end", (endless.returncode, "`until`" in endless.stderr, auditor.exists()), (1, True, False))
    f.sluis("role", "add", "--config", config, "--role", "auditor", "--person", "Cas", "--until", "2099-01-01", "--token-file", auditor)
    word = f"Bearer {auditor.read_text().strip()}"
    kept = Caller()
    expect("an auditor's token", kept.ask("AuditService/Log", word)[0], 200)
    listed = f.sluis("role", "list", "--config", config).stdout.splitlines()
    expect("who has which role", ("auditor\tCas\ttoken\tuntil 2099-01-01T00:00:00Z" in listed, "privacy_officer\tAnna\tcertificate\twithout end" in listed),
           (True, True))
    f.sluis("role", "end", "--config", config, "--role", "auditor", "--person", "Cas")
    expect("an ended token", kept.ask("AuditService/Log", word), (401, "unknown token"))
    expect("whoever is not there", f.sluis("role", "end", "--config", config, "--role", "auditor", "--person", "Cas", check=False).returncode, 1)

    whole = roles.read_text()
    roles.write_text(whole[:-10])
    expect("a file that is not in order leaves nobody", (caller.ask("DeclarationService/Definitions"), kept.ask("DatasetService/List", word)[0]),
           ((401, "nobody has a role now; see the node's log"), 401))
    roles.write_text(whole)
    expect("mended, all are back", caller.ask("DeclarationService/Definitions")[0], 200)
    roles.chmod(0o000)
    blind = caller.ask("DeclarationService/Definitions")[0]
    roles.chmod(0o644)
    expect("a file that the node may not read, and may again", (blind, caller.ask("DeclarationService/Definitions")[0]), (401, 200))
    f.sluis("role", "end", "--config", config, "--role", "privacy_officer", "--person", "Anna")
    expect("an ended certificate, on its connection", caller.ask("DeclarationService/Definitions"), (401, "this client certificate has no role"))


f.make()
f.sluis("init", folder, "--participant", "did:web:waterrijk.example", "--name", "Waterrijk", "--class", "municipality", "--contact",
        "data@waterrijk.example", "--port", PORT, "--authority", f.folder / "authority", "--federation-key", f.folder / "federation.key.pub")
written = config.read_text()
try:
    refused_settings()
    settings(f'listen = "0.0.0.0:{PORT + 2}"\nurl = "{URL}"\ngrpc = "0.0.0.0:{PORT + 3}"\n{TLS}')
    serve()
    strangers()
    shown, kept_caller = who_may()
    command_line(shown)
    put_out(shown, kept_caller)
    node.terminate()
    expect("an orderly end", node.wait(20), 0)
    (folder / "demo").write_text("")
    shutil.rmtree(folder / "store")
    config.write_text(config.read_text().replace('waterrijk.example/log"', 'waterrijk.example/log-demo"'))
    demo = subprocess.run([*f.leave_root, f.binary, "serve", "--config", config], capture_output=True, text=True, timeout=20)
    expect("a demo node that is managed from the network", (demo.returncode, "loopback only" in demo.stderr), (1, True))
finally:
    if node and node.poll() is None:
        node.kill()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
