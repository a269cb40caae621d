"""Client certificates as a test needs them, made with the openssl command by a development authority."""
import subprocess


def certificate(folder, name, issuer="intermediate", expired=False, usage="clientAuth"):
    """Files of a new certificate and its key, signed by `authority/<issuer>` of the folder; by itself without issuer."""
    key, request, made = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))

    def openssl(*words, check=True):
        return subprocess.run(["openssl", *map(str, words)], check=check, capture_output=True)

    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", "/O=X/CN=x")
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"extendedKeyUsage={usage}\n")
    signed_by = ["-CA", folder / f"authority/{issuer}.pem", "-CAkey", folder / f"authority/{issuer}.key"] if issuer else ["-signkey", key]
    sign = "x509", "-req", "-in", request, *signed_by, "-extfile", extensions, "-out", made
    if not expired:
        openssl(*sign, "-days", "2")
    elif openssl(*sign, "-days", "-1", check=False).returncode != 0:  # OpenSSL 3.5 wants dates for that
        openssl(*sign, "-not_before", "20250101000000Z", "-not_after", "20250201000000Z")
    if issuer:
        made.write_text(made.read_text() + (folder / f"authority/{issuer}.pem").read_text())
    key.chmod(0o600)
    return made, key


def revocation_lists(folder, *revoked):
    """Lists of both authorities of the folder, PEM, in which these certificates are."""
    text = ""
    for name in ("root", "intermediate"):
        index, config, made = (folder / f"{name}.{end}" for end in ("index", "cnf", "crl"))
        index.write_text("")
        config.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=7\n")
        authority = ["-config", config, "-cert", folder / f"authority/{name}.pem", "-keyfile", folder / f"authority/{name}.key"]
        for certificate in revoked if name == "intermediate" else ():
            subprocess.run(["openssl", "ca", *authority, "-revoke", certificate], check=True, capture_output=True)
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
