#!/usr/bin/env python3
"""Kills an appending process at random instants; after each the log must be whole and nothing acknowledged may be missing.

usage: kill_append.py BINARY [ROUNDS] [SEED]
"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

binary = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else (500 if os.environ.get("SLUIS_SOAK") else 50)
seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
dice = random.Random(seed)
acknowledged = ""
killed_busy = 0
with tempfile.TemporaryDirectory(prefix="sluis-kill-") as folder:
    for number in range(rounds):
        threads = dice.choice([1, 2, 8, 32])
        out = pathlib.Path(folder, "out")
        with out.open("wb") as stdout:
            process = subprocess.Popen([binary, "append", folder, str(threads), str(number * 1_000_000)], stdout=stdout)
            until = time.monotonic() + (10 if dice.random() < 0.7 else 0)  # in most rounds it is at work, however busy the machine
            while out.stat().st_size == 0 and process.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(dice.uniform(0.01, 0.12))
            if process.poll() is not None:
                sys.exit(f"seed {seed} round {number}: the program ended by itself with {process.returncode}")
            process.kill()
            process.wait()
        lines = out.read_text()
        lines = lines[: lines.rfind("\n") + 1]  # a line that was cut by the kill was not acknowledged
        killed_busy += bool(lines)
        acknowledged += lines
        result = subprocess.run([binary, "check", folder, "1"], input=acknowledged, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"seed {seed} round {number}: {result.stdout}{result.stderr}")
if killed_busy < rounds // 3:
    sys.exit(f"seed {seed}: only {killed_busy} of {rounds} kills met a process that had acknowledged anything")
print(f"seed {seed}: {rounds} kills, {killed_busy} of them at work; {result.stdout.strip()}")
