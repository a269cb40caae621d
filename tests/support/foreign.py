"""A node that knows a peer by the identity scheme `static`, as test kits and mock identities are known."""
import json
import os


def write(federation, path, text, mode=0o644):
    """A file that the nodes can read, and others as far as `mode` says."""
    path.write_text(text)
    os.chmod(path, mode)
    if federation.user:
        os.chown(path, federation.user.pw_uid, federation.user.pw_gid)


def configure(federation, node, made, values, script, listen="127.0.0.1", url=None, mode=0o600):
    """node.toml as `sluis init` made it, with the scheme and a script. `values`: what static.toml holds."""
    text = made.replace(f'listen = "127.0.0.1:{node.port}"', f'listen = "{listen}:{node.port}"')
    text = text.replace(f'url = "https://localhost:{node.port}"', f'url = "{url or f"http://127.0.0.1:{node.port}"}"')
    text = text.replace('other_offers = "refuse" ', 'other_offers = "steward"\nscript = "script.toml"')
    write(federation, node.folder / "node.toml", text + '\n[identity]\nscheme = "static"\nfile = "static.toml"\n')
    write(federation, node.folder / "static.toml", values, mode)
    write(federation, node.folder / "script.toml", script)


def list_peer(federation, node, participant, url):
    """The membership list, signed: the node, and a peer that has no certificate, no claims and no log."""
    own, peer = json.loads((node.folder / "party.json").read_text()), federation.folder / "peer.json"
    own["endpoints"][0]["url"] = f"http://127.0.0.1:{node.port}"
    write(federation, node.folder / "party.json", json.dumps(own))
    nothing = {"certificates": [], "claim_keys": [], "log_origins": [], "evidence": "none"}
    own.pop("oin", None)
    write(federation, peer, json.dumps({**own, "participant_id": participant, "name": "Peer", **nothing,
                                        "endpoints": [{"url": url, "from": own["endpoints"][0]["from"]}]}))
    federation.sluis("membership", "compose", federation.folder / "membership.json", "--federation", "Test", "--list-version", 1,
                     "--signer", federation.folder / "federation.key.pub", "--party", node.folder / "party.json", "--party", peer)
    federation.sluis("membership", "sign", federation.folder / "membership.json", "--key", federation.folder / "federation.key")
