"""Certificates as a test needs them, made with the openssl command by a development authority."""
import base64
import subprocess


def openssl(*words, check=True, data=None):
    return subprocess.run(["openssl", *map(str, words)], check=check, capture_output=True, input=data)


def certificate(folder, name, issuer="intermediate", expired=False, usage="clientAuth", subject="/O=X/CN=x", names="", authority=False):
    """Files of a new certificate and its key, signed by `authority/<issuer>` of the folder, or by the pair of such files; by itself without
    issuer. `names`: as openssl writes subjectAltName. The chain follows, where the issuer's file has it."""
    key, request, made = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", subject)
    extensions = folder / f"{name}.ext"
    lines = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"] if authority else [f"extendedKeyUsage={usage}"]
    extensions.write_text("\n".join(lines + [f"subjectAltName={names}"] * bool(names)) + "\n")
    if isinstance(issuer, str):
        issuer = folder / f"authority/{issuer}.pem", folder / f"authority/{issuer}.key"
    signed_by = ["-CA", issuer[0], "-CAkey", issuer[1]] if issuer else ["-signkey", key]
    sign = "x509", "-req", "-in", request, *signed_by, "-extfile", extensions, "-out", made
    if not expired:
        openssl(*sign, "-days", "2")
    elif openssl(*sign, "-days", "-1", check=False).returncode != 0:  # OpenSSL 3.5 wants dates for that
        openssl(*sign, "-not_before", "20250101000000Z", "-not_after", "20250201000000Z")
    if issuer:
        made.write_text(made.read_text() + issuer[0].read_text())
    key.chmod(0o600)
    return made, key


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + content


def inside(data):
    """What the outermost value of this DER holds, and what follows it."""
    length, at = data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at], "big")
    return data[at:at + length], data[at + length:]


def altered(made, issuer_key, old, new):
    """The same certificate with other bytes of the same length in it, which openssl's command would not write, signed again."""
    leaf, end, rest = made[0].read_text().partition("-----END CERTIFICATE-----\n")
    content, _ = inside(base64.b64decode("".join(leaf.splitlines()[1:])))
    _, behind = inside(content)
    signed = content[:len(content) - len(behind)]
    _, signature = inside(behind)
    algorithm = behind[:len(behind) - len(signature)]
    if len(old) != len(new) or old not in signed:
        raise ValueError("nothing to alter")
    signed = signed.replace(old, new)
    whole = der(0x30, signed + algorithm + der(0x03, b"\0" + openssl("dgst", "-sha256", "-sign", issuer_key, data=signed).stdout))
    text = base64.encodebytes(whole).decode()
    made[0].write_text(f"-----BEGIN CERTIFICATE-----\n{text}{end}{rest}")
    return made


def revocation_lists(folder, *revoked, reason=""):
    """Lists of both authorities of the folder, PEM, in which these certificates are. Their numbers count on. `reason`: as openssl names them."""
    text = ""
    for name in ("root", "intermediate"):
        index, config, made, number = (folder / f"{name}.{end}" for end in ("index", "cnf", "crl", "number"))
        index.write_text("")
        if not number.exists():
            number.write_text("01\n")
        config.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={index}\ncrlnumber={number}\ndefault_md=sha256\ndefault_crl_days=7\n")
        authority = ["-config", config, "-cert", folder / f"authority/{name}.pem", "-keyfile", folder / f"authority/{name}.key"]
        for certificate in revoked if name == "intermediate" else ():
            subprocess.run(["openssl", "ca", *authority, "-revoke", certificate, *(["-crl_reason", reason] if reason else [])], check=True, capture_output=True)
        subprocess.run(["openssl", "ca", *authority, "-gencrl", "-out", made], check=True, capture_output=True)
        text += made.read_text()
    return text


def of_party(folder, name, organisation, oin):
    """The same for a node: for client and server, with the organisation's number, and the name `localhost`."""
    key, request, made, extensions = (folder / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
    number = f"/serialNumber={oin}" if oin else ""
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                    "-subj", f"/O={organisation}{number}/CN={name}.example"], check=True, capture_output=True)
    extensions.write_text("extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    authority = folder / "authority/intermediate"
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-extfile", extensions,
                    "-out", made, "-days", "90"], check=True, capture_output=True)
    made.write_text(made.read_text() + (folder / "authority/intermediate.pem").read_text())
    key.chmod(0o600)
    return made, key
