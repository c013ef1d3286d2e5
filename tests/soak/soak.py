#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""soak.py [--minutes 60] [--rate 200]: a run that follows a file for a long time.

Lines of a generated shop are written to a file at an even rate and a run follows it. Another
process asks the database all the time how much is counted, so each line's way from the file to
where a query sees it is timed. Prints the latency (median, p90, p99), resident memory and open
files over time; fails if a line is not counted, or memory or files still grow in the last half.
"""
import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.environ.get("TILLSTREAM", "build/release/tillstream")
GROWTH = 1.10  # of memory from the middle of the time to its end
LONG = 30  # minutes from which on memory must have come to rest


class Seen:
    """When how many lines were counted, as a reader of the database sees it."""

    def __init__(self, db):
        self.db, self.moments, self.stop = db, [], False
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not os.path.exists(self.db) and not self.stop:
            time.sleep(0.01)
        reading = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=5)
        before = 0
        while not self.stop:
            try:
                counted = reading.execute("SELECT total(aggregated) FROM progress").fetchone()[0]
            except sqlite3.OperationalError:
                counted = before
            if counted > before:
                self.moments.append((time.monotonic(), int(counted)))
                before = counted
            time.sleep(0.0005)
        reading.close()


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def write_lines(lines, path, rate, until, watch):
    """Writes at an even rate; the times of writing, in order."""
    written, began = [], time.monotonic()
    with open(path, "ab", buffering=0) as file:
        for i, line in enumerate(lines):
            due = began + i / rate
            while (now := time.monotonic()) < due:
                time.sleep(min(due - now, 0.005))
            if now > until:
                break
            file.write(line)
            written.append(time.monotonic())
            watch(now)
    return written


def latencies(written, moments):
    """Milliseconds from writing to being counted, of each line."""
    found, k = [], 0
    for i, at in enumerate(written):
        while k < len(moments) and moments[k][1] <= i:
            k += 1
        if k == len(moments):
            break
        found.append((moments[k][0] - at) * 1e3)
    return found


def soak(minutes, rate, folder):
    path, db = os.path.join(folder, "till.ndjson"), os.path.join(folder, "till.db")
    records = int(minutes * 60 * rate) + rate
    shop = subprocess.run([PROGRAM, "generate", "--records", str(records), "--seed", "9"],
                          check=True, capture_output=True).stdout.splitlines(keepends=True)
    open(path, "wb").close()
    run = subprocess.Popen([PROGRAM, "run", "--follow", path, "--db", db, "-q"])
    seen, samples = Seen(db), []
    seen.thread.start()
    began = time.monotonic()

    def watch(now):
        if not samples or now - samples[-1][0] >= 5:
            samples.append((now, resident(run.pid), len(os.listdir(f"/proc/{run.pid}/fd"))))

    written = write_lines(shop, path, rate, began + minutes * 60, watch)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not seen.moments or
                                           seen.moments[-1][1] < len(written)):
        time.sleep(0.05)
    seen.stop = True
    seen.thread.join()
    run.terminate()
    return written, seen.moments, samples, run.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        written, moments, samples, status = soak(options.minutes, options.rate, folder)
    took = latencies(written, moments)
    counted = moments[-1][1] if moments else 0
    cut = statistics.quantiles(took, n=100) if len(took) > 1 else [0] * 99
    half = samples[len(samples) // 2:]
    print(json.dumps({"written": len(written), "counted": counted, "status": status,
                      "latency_ms": {"median": round(cut[49], 2), "p90": round(cut[89], 2),
                                     "p99": round(cut[98], 2), "most": round(max(took), 1)},
                      "rss_mb": [round(s[1] / 1e6, 1) for s in samples[::len(samples) // 8 or 1]],
                      "files": sorted({s[2] for s in half})}))
    wrong = []
    if counted != len(written) or status != 0:
        wrong.append("not every line was counted")
    if options.minutes >= LONG and half[-1][1] > half[0][1] * GROWTH:
        wrong.append("memory grows")
    if half[-1][2] > half[0][2]:
        wrong.append("open files grow")
    for sentence in wrong:
        print(f"soak: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
