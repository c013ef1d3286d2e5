#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""forecast.py PROGRAM: figures and goals of the forecasts on real sales.

PROGRAM is tests/quality/forecast.c, built. The environment variable RETAIL_DATA names the folder
with online_retail.csv.xz and online_retail_II.csv.xz. Every figure is prequential: a forecast is
made, then the truth comes, then it is learned. Four weeks of trading days are not counted.

MASE is the mean absolute error over that of the same hour (or weekday) a week before. The
Winkler score of a 90 % band is its width plus 20 times what lies outside of it.
"""
import collections
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

Row = collections.namedtuple(
    "Row", "horizon start made predicted lower upper actual naive holt")
STRETCH = 250


def call(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read(program, path):
    """Rows by series, words by first word, of one file of sales."""
    series, words = collections.defaultdict(list), collections.defaultdict(list)
    out = call(program, path) + call(program, path, "quiet")
    for line in out.splitlines():
        column = line.split(",")
        if column[0] in ("drift", "score", "cost"):
            words[column[0]].append(column[1:])
        elif column[11] == "1":
            numbers = [float(c) for c in column[5:11]]
            numbers[3] = max(numbers[3], 0.0)  # returns may exceed sales; nobody forecasts that
            series[column[1] or column[0]].append(
                Row(column[2], int(column[3]), int(column[4]), *numbers))
    return series, words


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def errors(rows, field):
    return mean(abs(getattr(r, field) - r.actual) for r in rows)


def mase(rows, field="predicted"):
    return errors(rows, field) / errors(rows, "naive")


def covered(rows):
    return [r.lower <= r.actual <= r.upper for r in rows]


def worst_stretch(flags):
    n = sum(flags[:STRETCH])
    worst = n
    for i in range(STRETCH, len(flags)):
        n += flags[i] - flags[i - STRETCH]
        worst = min(worst, n)
    return worst / STRETCH


def winkler(rows):
    return mean(r.upper - r.lower + 20 * max(r.lower - r.actual, r.actual - r.upper, 0)
                for r in rows)


def seasonal_winkler(rows):
    """The same band made of last week's hour and the errors of 300 such forecasts."""
    past, scores = [], []
    for r in rows:
        if len(past) == 300:
            order = sorted(past)
            low, high = max(r.naive + order[14], 0), r.naive + order[285]
            scores.append(high - low + 20 * max(low - r.actual, r.actual - high, 0))
            past.pop(0)
        past.append(r.actual - r.naive)
    return mean(scores)


class Report:
    def __init__(self):
        self.passed = self.below = 0

    def line(self, goal, text, value, best, low=None, beside=""):
        """`value` is to be at most `best`, or within [low, best]."""
        good = value <= best + 5e-10 and (low is None or value >= low - 5e-10)
        self.passed += good
        self.below += not good
        wanted = f"<= {best:g}" if low is None else f"{low:g} .. {best:g}"
        print(f"  {'PASS ' if good else 'BELOW'} {goal:3} {text:34} {value:9.4g}   goal {wanted:12}"
              f" {beside}")


def of(rows, horizon):
    return [r for r in rows if r.horizon == horizon]


def hours(report, rows, goals):
    rows = of(rows, "hour")
    flags = covered(rows)
    report.line("F1", f"next hour, MASE of {len(rows)}", mase(rows), goals["hour"],
                beside=f"last week 1, Holt-Winters {mase(rows, 'holt'):.3f};"
                       f" MAE {errors(rows, 'predicted'):.0f}")
    report.line("F2", "band of 90 %: coverage", mean(flags), .91, .89)
    report.line("F2", f"worst stretch of {STRETCH}, missed", 1 - worst_stretch(flags), .15)
    report.line("F2", "Winkler score", winkler(rows), goals["winkler"],
                beside=f"last week's {seasonal_winkler(rows):.0f}")


def nowcast(report, rows):
    by_hour = collections.defaultdict(list)
    for r in of(rows, "nowcast"):
        by_hour[max(round((r.made - r.start) / 3600), 0)].append(r)

    def mape(rows, field="predicted"):
        return mean(abs(getattr(r, field) - r.actual) / max(r.actual, 1) for r in rows)

    for hour, goal in ((12, .21), (15, .13)):
        at = by_hour[hour]
        report.line("F3", f"total of the day at {hour}:00, MAPE", mape(at), goal,
                    beside=f"so far + usual rest {mape(at, 'naive'):.3f};"
                           f" MAE {errors(at, 'predicted'):.0f} ({errors(at, 'naive'):.0f});"
                           f" coverage {mean(covered(at)):.3f}")
    print("        MAPE by hour: " + "  ".join(
        f"{h}:00 {mape(by_hour[h]):.3f}" for h in sorted(by_hour) if len(by_hour[h]) > 200))


def days(report, series, goals):
    for name, rows in sorted(series.items(), key=lambda item: -mean(r.actual for r in item[1])):
        rows = of(rows, "day")
        text = f"next day, {name}, MASE of {len(rows)}"
        beside = (f"Holt-Winters {mase(rows, 'holt'):.3f}; MAE {errors(rows, 'predicted'):.0f};"
                  f" coverage {mean(covered(rows)):.3f}")
        if name in goals:
            report.line("F4", text, mase(rows), goals[name], beside=beside)
        else:
            print(f"            {text:34} {mase(rows):9.4g}   {'':17} {beside}")


SETS = {
    "online_retail": {"hour": .705, "winkler": 13200, "days": {
        "all": .78, "United Kingdom": .806, "Netherlands": .595, "EIRE": .663, "Germany": .751,
        "France": .731, "Australia": .515}},
    "online_retail_II": {"hour": .70, "winkler": 13200, "days": {
        "all": .735, "United Kingdom": .738, "Netherlands": .577, "EIRE": .650, "Germany": .744,
        "France": .714, "Australia": .512}},
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = os.environ.get("RETAIL_DATA", "")
    report = Report()
    for name, goals in SETS.items():
        packed = os.path.join(data, name + ".csv.xz")
        if not os.path.exists(packed):
            print(f"{packed} is not here: 0 passed, 0 failed, 1 skipped")
            return
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            with lzma.open(packed) as source:
                shutil.copyfileobj(source, file)
            file.flush()
            series, words = read(sys.argv[1], file.name)
        lines, records, nanos, memory, saved, parts = words["cost"][1]
        print(f"{name}: {lines} lines, {records} records, {nanos} ns a line,"
              f" {int(memory) // 1024} KiB, state {int(saved) // 1024} KiB in {parts} parts")
        hours(report, series["all"], goals)
        nowcast(report, series["all"])
        days(report, series, goals["days"])
        for drift in words["drift"]:
            print("        drift: " + " ".join(w for w in drift if w))
    print(f"{report.passed} goals met, {report.below} below")


main()
