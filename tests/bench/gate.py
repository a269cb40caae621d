#!/usr/bin/env python3
"""The gate beside nginx with the same certificate and TLS settings, in turn: 100 KB objects over 64 keep-alive connections, and one
pull of 1 GB. The gate decides, counts and records each release; open data, so that one load generator serves both. One JSON
object a line, medians of three.

usage: gate.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation  # noqa: E402

RUNS = 3
f = Federation(tempfile.mkdtemp(prefix="sluis-bench-gate-"), binary=BIN / "sluis", base_port=19140, parties=("waterrijk",))
w = f.nodes["waterrijk"]
NGINX_PORT = w.port + 9
ROW = "2023-06-01T00:00:00+01:00,Marktstraat-{:09d},120,70,50\n"


def rows(size):
    """A CSV of about that many bytes."""
    text = ["time,counter,total,in,out\n"]
    text += [ROW.format(i) for i in range(size // len(ROW.format(0)))]
    return "".join(text)


def publish(name, size):
    block = rows(min(size, 1 << 24))
    head, body = block.split("\n", 1)
    path = w.folder / "datasets" / f"{name}.csv"
    with path.open("w") as out:
        out.write(head + "\n")
        for _ in range(max(1, size // len(block))):
            out.write(body)
    path.chmod(0o644)
    if f.user:
        shutil.chown(path, f.user.pw_uid, f.user.pw_gid)
    toml = f.dataset("open-counts", "2027-06-01T00:00:00Z").replace("open-counts", name)
    toml = toml.replace('groups = ["total = in + out"]\n', "").replace(", counts = true", "").replace("traceable_to_small_groups = true", "traceable_to_small_groups = false")
    toml = toml[: toml.index("[terms.suppress_small_cells]")]
    w.call("DatasetService/Publish", {"toml": toml, "file": f"{name}.toml"})
    return path


def start_nginx():
    folder = f.folder / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; worker_processes 2; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile off; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{NGINX_PORT} ssl;
    ssl_certificate {w.folder}/tls/node.pem; ssl_certificate_key {w.folder}/tls/node.key;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off; ssl_session_tickets off; ssl_ecdh_curve X25519:prime256v1;
    root {w.folder}/datasets;
  }}
}}
""")
    return subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])


def requests_a_second(url):
    done = subprocess.run(["wrk", "-t1", "-c64", "-d3s", url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in done:
        raise SystemExit(f"{url}: {done}")
    return float(done.split("Requests/sec:")[1].split()[0])


def megabytes_a_second(url):
    done = subprocess.run(["curl", "-sf", "--cacert", str(w.folder / "tls/roots.pem"), "-o", "/dev/null", "-w", "%{speed_download}", url],
                          capture_output=True, text=True, check=True)
    return float(done.stdout) / 1e6


def compare(name, unit, measure, path):
    ours, theirs = [], []
    for _ in range(RUNS):  # in turn: the machine's mood is shared
        ours.append(measure(f"https://localhost:{w.port + 1}/open/urn:waterrijk:{path.stem}"))
        theirs.append(measure(f"https://localhost:{NGINX_PORT}/{path.name}"))
    ratio = statistics.median(o / t for o, t in zip(ours, theirs))
    print(json.dumps({"name": name, "value": round(statistics.median(ours), 1), "unit": unit,
                      "against": f"nginx: {statistics.median(theirs):.1f}", "ratio": round(ratio, 2)}), flush=True)


nginx = None
try:
    f.make()
    f.start()
    f.join()
    small, large = publish("bench-small", 100_000), publish("bench-large", 1_000_000_000)
    nginx = start_nginx()
    compare("gate.100_kB_64_connections", "requests/s", requests_a_second, small)
    compare("gate.1_GB_pull", "MB/s", megabytes_a_second, large)
finally:
    if nginx:
        nginx.terminate()
        nginx.wait()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
