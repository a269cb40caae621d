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
