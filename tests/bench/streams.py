#!/usr/bin/env python3
"""Memory of both nodes for each further stream that is read slowly: a file as it is, a file through a column plan, and a service of the organisation's
own. Beside it the limit of 256 KiB. One JSON object a line.

usage: streams.py BIN_DIR SOURCE_DIR [COUNT]
"""
import http.server
import json
import pathlib
import shutil
import sys
import threading

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 200
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from federation import Federation, scratch  # noqa: E402
from slow_readers import ACTIVITY, CROWD, HEADER, from_service, published, rows, slopes  # noqa: E402

LIMIT, CALLS = 256, 16  # KiB; so many calls of a service run at once for one party
f = Federation(scratch("bench-streams"), binary=BIN / "sluis", base_port=24440, parties=("waterrijk", "duinmeer"))
PORT = 24440 + 95


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        try:
            self.wfile.write(self.body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def say(what, transfer, counts):
    for party, (slope, all_of_it) in slopes(f, transfer, counts).items():
        for count, kib in zip(counts, all_of_it):
            print(json.dumps({"name": f"streams.{what}.{party}.{count}", "value": round(kib / 1024, 1), "unit": "MiB", "against": "", "ratio": None}), flush=True)
        print(json.dumps({"name": f"streams.{what}.{party}.each_further", "value": round(slope, 1), "unit": "KiB", "against": LIMIT,
                          "ratio": round(slope / LIMIT, 2)}), flush=True)


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Service)
try:
    f.begin()
    f.nodes["duinmeer"].call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    text = HEADER + rows(32)
    Service.body = text.encode()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    f.put(f.nodes["waterrijk"], "large.csv", text)
    file = 'file = "large.csv"\n'
    say("as_it_is", published(f, "large", file), (0, COUNT // 2, COUNT))
    say("through_a_plan", published(f, "large-small-cells", file, "suppress_small_cells = { min_cell_size = 25 }\n"), (0, COUNT // 2, COUNT))
    say("of_a_service", published(f, "large-service", from_service(PORT)), (0, CALLS // 2, CALLS))
finally:
    f.stop()
    server.shutdown()
    shutil.rmtree(f.folder, ignore_errors=True)
