#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""detect_run.py BENCH_DETECT [--seeds N]: the invoice detector's figures, goals beside them.

Needs RETAIL_DATA (the folder of online_retail.csv.xz and of the labelled set). Then, as a check
against having learned the labelled set by heart, sets made by inject.py: the usual types, types
the weights were not fitted on, and customers never seen before; of both years.
"""
import argparse
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

import detect

HERE = os.path.dirname(os.path.abspath(__file__))
YEARS = (("II", "online_retail_II.csv", ["--until", "2010-12-01"]), ("I", "online_retail.csv", []))


def unpack(data, name, folder):
    path = os.path.join(folder, name)
    with lzma.open(os.path.join(data, name + ".xz")) as packed, open(path, "wb") as out:
        shutil.copyfileobj(packed, out)
    return path


def judge(program, source, folder):
    scores = os.path.join(folder, "scores_" + os.path.basename(source))
    subprocess.run([program, source, scores], check=True, stdout=subprocess.DEVNULL)
    return scores


def costs(program, source):
    """Nothing is written meanwhile: formatting scores costs more than making them."""
    out = subprocess.run([program, source], check=True, capture_output=True, text=True)
    figures = json.loads(out.stdout)
    micros, megabytes = figures["us_per_line"], figures["memory"] / 1e6
    detect.say("A9", f"{micros:.2f} us a line, {megabytes:.2f} MB in memory, "
               f"{figures['state'] / 1e6:.2f} MB saved; goal 1 us, 4 MB",
               micros <= 1 and megabytes <= 4)


def ours(program, folder, sources, seeds):
    for kind in ("usual", "unseen", "new"):
        for year, source, extra in sources:
            for seed in range(1, seeds + 1):
                out = os.path.join(folder, f"{kind}_{year}_{seed}")
                subprocess.run([sys.executable, os.path.join(HERE, "inject.py"), source, out,
                                str(1000 + seed), "--set", kind, *extra], check=True)
                scores = judge(program, out + ".csv", folder)
                known = [r["InvoiceNo"] for r in detect.read_column(out + "_known.csv")]
                f = detect.Figures(detect.read_scores(scores),
                                   detect.read_column(out + "_labels.csv"), known)
                print(f"{kind:7s} year {year:2s} seed {seed}: AP {f.ap:.3f} "
                      f"P@100 {f.precision_at(100):.2f} recall at 1.5 % {f.recall(.015):.3f}  " +
                      " ".join(f"{k}:{a / b:.2f}" for k, (a, b) in f.per_type(.015).items()),
                      flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=1, help="sets of each kind; 0: none")
    args = parser.parse_args()
    data = os.environ.get("RETAIL_DATA")
    if not data:
        sys.exit("RETAIL_DATA is not set: the folder of online_retail.csv.xz")
    with tempfile.TemporaryDirectory() as folder:
        dev = judge(args.program, unpack(data, "eval_dev.csv", folder), folder)
        real = unpack(data, "online_retail.csv", folder)
        base = judge(args.program, real, folder)
        subprocess.run([sys.executable, os.path.join(HERE, "detect.py"), dev,
                        os.path.join(data, "labels_dev_detail.csv"),
                        "--known", os.path.join(data, "known_real_anomalies.csv"),
                        "--controls", os.path.join(data, "controls_dev.csv"),
                        "--base", base, "--name", "labelled set"], check=True)
        costs(args.program, real)
        if args.seeds:
            unpack(data, "online_retail_II.csv", folder)
            sources = [(y, os.path.join(folder, s), e) for y, s, e in YEARS]
            ours(args.program, folder, sources, args.seeds)


if __name__ == "__main__":
    main()
