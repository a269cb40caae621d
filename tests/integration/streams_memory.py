#!/usr/bin/env python3
"""What each further stream that is read slowly takes of the memory of both nodes, at 200 of them: less than 256 KiB, whether the file leaves as it is
or through a column plan.

usage: streams_memory.py BIN_DIR SOURCE_DIR
"""
import pathlib
import shutil
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from slow_readers import ACTIVITY, CROWD, HEADER, published, rows, slopes  # noqa: E402

COUNTS, LIMIT = (0, 100, 200), 256  # KiB
f = Federation(scratch("streams-memory"), binary=BIN / "sluis", base_port=24240, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]

try:
    f.begin()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    f.put(w, "large.csv", HEADER + rows(16))
    file = 'file = "large.csv"\n'
    for what, transfer in (("as it is", published(f, "large", file)),
                           ("through a plan", published(f, "large-small-cells", file, "suppress_small_cells = { min_cell_size = 25 }\n"))):
        for node in (w, d):  # what one run leaves in the allocator would hide what the next takes
            node.stop()
            node.start()
            node.wait_ready(30)
        for party, (slope, taken) in slopes(f, transfer, COUNTS).items():
            print(f"    {what}, {party}: {[round(kib / 1024, 1) for kib in taken]} MiB, {slope:.0f} KiB for each further stream")
            expect(f"{what}: {party} takes less than {LIMIT} KiB for each further stream", slope < LIMIT, True)
            expect(f"{what}: and {party} had those streams", taken[-1] > taken[0], True)
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
