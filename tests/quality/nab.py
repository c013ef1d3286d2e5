#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""nab.py PROGRAM: the score of models/rarity on the Numenta Anomaly Benchmark.

PROGRAM is tests/quality/nab.c, built. The environment variable RETAIL_DATA names the folder with
nab.tar.xz. Scoring is that of the benchmark (Lavin and Ahmad 2015): within a labelled window the
first alarm counts, the earlier the more; each alarm outside costs, the more the farther behind a
window; one threshold for the whole corpus, the best there is; 0 is no alarm at all, 100 perfect.

Two ways are shown. The benchmark tells each detector its probationary period, 15 % of the file
and at most 750 points: the first run takes the quiet start and the gate from that. The second
knows nothing of the file beforehand. Neither is told a range or a length.
"""
import csv
import datetime
import io
import json
import math
import os
import random
import subprocess
import sys
import tarfile

PROFILES = (("standard", .11, 1.0), ("reward_low_FP_rate", .22, 1.0), ("reward_low_FN_rate", .11, 2.0))
PUBLISHED = ("ARTime 74.9 / 65.1 / 80.4, Numenta HTM 70.1 / 63.1 / 74.3, CAD OSE 69.9 / 67.0 / 73.2,"
             " Random Cut Forest 51.7")


def sigmoid(x):
    return -1.0 if x > 3 else 2 / (1 + math.exp(5 * x)) - 1


LARGEST = sigmoid(-1.0)


def moment(text):
    return datetime.datetime.fromisoformat(text.split(".")[0])


class File:
    """Values of one series, what an alarm at each point is worth, the window it lies in."""

    def __init__(self, name, text, windows):
        rows = list(csv.DictReader(io.StringIO(text)))
        times = [moment(row["timestamp"]) for row in rows]
        self.name = name
        self.values = [row["value"] for row in rows]
        self.probation = min(int(.15 * len(rows)), 750)
        self.worth, self.window = [-1.0] * len(rows), [-1] * len(rows)
        self.windows = len(windows)
        first = {}
        for i, time in enumerate(times):
            first.setdefault(time, i)
        spans = [(first[moment(a)], first[moment(b)]) for a, b in windows]
        for k, (a, b) in enumerate(spans):
            for i in range(a, b + 1):
                self.window[i] = k
                self.worth[i] = sigmoid(-(b - i + 1) / (b - a + 1)) / LARGEST
        for k, (a, b) in enumerate(spans):
            end = min([s for s, _ in spans if s > b], default=len(rows))
            for i in range(b + 1, end):
                self.worth[i] = sigmoid((i - b) / (b - a))


def read(path):
    with tarfile.open(path) as archive:
        def text(name):
            return archive.extractfile("NAB/" + name).read().decode()
        labels = json.loads(text("labels/combined_windows.json"))
        return [File(name, text("data/" + name), labels[name]) for name in sorted(labels)]


def detect(program, file, quiet, gate):
    done = subprocess.run([program, str(quiet), str(gate)], input="\n".join(file.values) + "\n",
                          check=True, capture_output=True, text=True)
    scores = [float(line) for line in done.stdout.split()]
    return scores, [float(word) for word in done.stderr.split()]


def alarms(files, scores):
    """(score, file, point) outside of probation, the highest first."""
    found = [(s, k, i) for k, file in enumerate(files) for i, s in enumerate(scores[k])
             if i >= file.probation and s > 0]
    return sorted(found, key=lambda a: (-a[0], a[1], a[2]))


def total(files, found, false_cost, miss_cost, threshold=None):
    """The best sum over all thresholds, or that at one: (normal score, threshold, hit, false)."""
    windows = sum(file.windows for file in files)
    nothing = -miss_cost * windows
    current, best = nothing, (nothing, math.inf, 0, 0)
    held, false = {}, 0
    for n, (score, k, i) in enumerate(found):
        if threshold is not None and score < threshold:
            break
        file = files[k]
        if file.window[i] < 0:
            current += file.worth[i] * false_cost
            false += 1
        else:
            before = held.get((k, file.window[i]), -miss_cost)
            held[k, file.window[i]] = max(before, file.worth[i])
            current += held[k, file.window[i]] - before
        last = n + 1 == len(found) or found[n + 1][0] != score
        if last and (threshold is not None or current > best[0]):
            best = (current, score, len(held), false)
    return (100 * (best[0] - nothing) / ((1 + miss_cost) * windows),) + best[1:]


def halves(files, found, rounds=40):
    """The threshold from one half of the files, the score on the other; the mean of many."""
    chance, results = random.Random(1), []
    for _ in range(rounds):
        order = list(range(len(files)))
        chance.shuffle(order)
        half = set(order[:len(files) // 2])
        for train in (half, set(order) - half):
            def part(inside):
                keep = [k for k in range(len(files)) if (k in train) == inside]
                place = {k: n for n, k in enumerate(keep)}
                return [files[k] for k in keep], [(s, place[k], i) for s, k, i in found if k in place]
            threshold = total(*part(True), .11, 1.0)[1]
            results.append(total(*part(False), .11, 1.0, threshold)[0])
    return sum(results) / len(results)


def run(program, files, title, rule):
    scores, cost = [], []
    for file in files:
        s, c = detect(program, file, *rule(file))
        scores.append(s)
        cost.append((c[0] * len(s), c[1]))
    found = alarms(files, scores)
    norm = [total(files, found, false, miss) for _, false, miss in PROFILES]
    points = sum(len(s) for s in scores)
    print(f"{title}:")
    print("  standard {:.2f}   low false alarms {:.2f}   low misses {:.2f}".format(
        *(n[0] for n in norm)))
    print(f"  threshold {norm[0][1]:.2f}: {norm[0][2]} of {sum(f.windows for f in files)} windows,"
          f" {norm[0][3]} false points; threshold from one half of the files, score on the other:"
          f" {halves(files, found):.1f}")
    print(f"  {sum(c[0] for c in cost) / points / 1000:.2f} us a point, at most"
          f" {max(c[1] for c in cost) / 1024:.0f} KiB")
    return norm[0][0]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = os.path.join(os.environ.get("RETAIL_DATA", ""), "nab.tar.xz")
    if not os.path.exists(path):
        print(f"{path} is not here: 0 passed, 0 failed, 1 skipped")
        return
    files = read(path)
    print(f"{len(files)} files, {sum(len(f.values) for f in files)} points; published: {PUBLISHED}")
    told = run(sys.argv[1], files, "with the benchmark's probationary period",
               lambda f: (f.probation // 2, max(int(.35 * f.probation), 2)))
    alone = run(sys.argv[1], files, "without", lambda f: (200, 100))
    for goal, value, least in (("N1", told, 72), ("N1, ambition", told, 74.9), ("N1, alone", alone, 72)):
        print(f"  {'PASS ' if value >= least else 'BELOW'} {goal:14} {value:.2f}   goal >= {least}")


main()
