#!/usr/bin/env python3
"""Pulls through the gate beside nginx with the same client certificates and TLS settings, in turn, by one load generator: 100 KB
over 64 kept connections, 1 GB, and connections a second, new and resumed. The gate checks claims, decides, and records before it releases; nginx
writes its access log. One JSON object a line, medians of three.

usage: pull.py BIN_DIR SOURCE_DIR
"""
import pathlib
import shutil
import subprocess
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, scratch  # noqa: E402

f = Federation(scratch("bench-pull"), binary=BIN / "sluis", base_port=24640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
PORT = w.port + 20  # and the next one
ROW = "2023-06-01T00:00:00+01:00,Marktstraat-{:09d},120,70,50\n"


def make_data(folder):
    folder.mkdir(mode=0o755)
    head, block = "time,counter,total,in,out\n", "".join(ROW.format(i) for i in range(300_000))
    (folder / "small.csv").write_text(head + block[:100_000 // len(ROW.format(0)) * len(ROW.format(0))])
    with (folder / "large.csv").open("w") as out:
        out.write(head)
        for _ in range(1_000_000_000 // len(block)):
            out.write(block)


def collect_tls(folder):
    folder.mkdir()
    for node, name in ((w, "server"), (d, "client")):
        shutil.copy(node.folder / "tls/node.pem", folder / f"{name}.pem")
        shutil.copy(node.folder / "tls/node.key", folder / f"{name}.key")
    shutil.copy(w.folder / "tls/roots.pem", folder / "roots.pem")


def start_nginx(folder, tls, data):
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; worker_processes 2; error_log {folder}/error.log; user root;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log; sendfile off; keepalive_requests 1000000; root {data};
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key;
  ssl_client_certificate {tls}/roots.pem; ssl_verify_client on; ssl_verify_depth 3;
  ssl_protocols TLSv1.3; ssl_session_cache shared:kept:10m; ssl_ecdh_curve X25519:prime256v1;
  server {{ listen 127.0.0.1:{PORT} ssl; ssl_session_tickets on; location = /hello {{ return 200 "{{}}"; }} }}
  server {{ listen 127.0.0.1:{PORT + 1} ssl; ssl_session_tickets off; location = /hello {{ return 200 "{{}}"; }} }}
}}
""")
    return subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])


nginx = None
try:
    f.make()
    tls, data = f.folder / "tls", f.folder / "data"
    collect_tls(tls)
    make_data(data)
    nginx = start_nginx(f.folder / "nginx", tls, data)
    subprocess.run([BIN / "sluis_bench_pull", tls, str(PORT), data], check=True)
finally:
    if nginx:
        nginx.terminate()
        nginx.wait()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
