#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""detect.py SCORES LABELS [--known FILE ...] [--controls FILE] [--name NAME] [--base SCORES]

How well the scores of bench_detect find labelled invoices. The protocol: one row per InvoiceNo,
its largest score; the first 60 days are warm-up; known real anomalies and other --known ones
count neither way; labels as InvoiceNo,type[,event]. --base: scores of the same file without
anything put in, to see how the real giants rank. Standard library only.
"""
import argparse
import csv
import datetime
import math
import random

STATS = ("price_up price_down quantity spend lines free sign repeat reopen echo return country "
         "burst hour value units kind").split()
# What a person would name for a type; a caught label whose strongest reason is among them is
# explained rightly.
REASON = {
    "price_x10": {"price_up"}, "price_x100": {"price_up"}, "price_div100": {"price_down"},
    "price_zero": {"free", "price_down"}, "qty_x100": {"quantity"}, "big_basket": {"lines"},
    "card_testing": {"burst"}, "dup_burst": {"echo", "burst"}, "dup_replay": {"repeat"},
    "new_country": {"country"}, "night": {"hour"},
}
GIANTS = "581483 578841 C581484 C541433 541431 556444 C556445".split()
DAY = 86400


def read_scores(path, warm_up=60):
    """InvoiceNo -> (largest score, first time, flagged, strongest, second), warm-up left out."""
    rows, start = {}, None
    with open(path, encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            t = datetime.datetime.fromisoformat(r["time"].rstrip("Z")).timestamp()
            start = t if start is None else min(start, t)
            rows.setdefault(r["InvoiceNo"], []).append(
                (float(r["score"]), t, int(r["flagged"]), int(r["top"]), int(r["second"])))
    out = {}
    for number, many in rows.items():
        many = [m for m in many if m[1] >= start + warm_up * DAY]
        if many:
            best = max(many)
            out[number] = (best[0], min(m[1] for m in many), max(m[2] for m in many), *best[3:])
    return out


def read_column(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def average_precision(ranked):
    hits, total = 0, 0.0
    for k, y in enumerate(ranked, 1):
        if y:
            hits += 1
            total += hits / k
    return total / hits if hits else 0.0


def bootstrap(ranked, rounds=200):
    """A 95 % interval of the average precision, invoices drawn with replacement."""
    dice, values = random.Random(1), []
    for _ in range(rounds):
        times = [0] * len(ranked)
        for i in dice.choices(range(len(ranked)), k=len(ranked)):
            times[i] += 1
        hits = seen = 0
        total = 0.0
        for y, n in zip(ranked, times):
            for _ in range(n):
                seen += 1
                if y:
                    hits += 1
                    total += hits / seen
        values.append(total / max(1, hits))
    values.sort()
    return values[int(0.025 * rounds)], values[int(0.975 * rounds) - 1]


class Figures:
    """The figures of one labelled set."""

    def __init__(self, scores, labels, known=(), controls=()):
        self.label = {r["InvoiceNo"]: r["type"] for r in labels}
        self.event = {r["InvoiceNo"]: r.get("event") or r["InvoiceNo"] for r in labels}
        known = set(known) - set(self.label)
        self.n = len(scores)
        rows = [(s[0], no, s) for no, s in scores.items() if no not in known]
        rows.sort(key=lambda r: -r[0])
        self.rows = rows
        self.hit = [r[1] in self.label for r in rows]
        self.positives = sum(self.hit)
        self.ap = average_precision(self.hit)
        self.controls = set(controls)

    def cut(self, rate):
        return math.ceil(rate * self.n)

    def precision_at(self, k):
        return sum(self.hit[:k]) / k

    def recall(self, rate):
        return sum(self.hit[:self.cut(rate)]) / max(1, self.positives)

    def event_recall(self, rate):
        events = {self.event[r[1]] for r in self.rows if r[1] in self.label}
        found = {self.event[r[1]] for r in self.rows[:self.cut(rate)] if r[1] in self.label}
        return len(found) / max(1, len(events))

    def per_type(self, rate):
        total, found = {}, {}
        for i, r in enumerate(self.rows):
            kind = self.label.get(r[1])
            if kind:
                total[kind] = total.get(kind, 0) + 1
                found[kind] = found.get(kind, 0) + (i < self.cut(rate))
        return {k: (found[k], total[k]) for k in sorted(total)}

    def controls_flagged(self, rate):
        return sum(r[1] in self.controls for r in self.rows[:self.cut(rate)])

    def online(self):
        """F1 and share of the flags that the detector raised on its own."""
        flags = [r for r in self.rows if r[2][2]]
        hits = sum(r[1] in self.label for r in flags)
        f1 = 2 * hits / max(1, len(flags) + self.positives)
        return f1, hits / max(1, len(flags)), hits / max(1, self.positives), len(flags) / self.n

    def reasons(self, rate):
        """Right strongest reason, and right among the two strongest, of the caught labels."""
        first = second = of = 0
        for r in self.rows[:self.cut(rate)]:
            wanted = REASON.get(self.label.get(r[1]))
            if wanted:
                names = [STATS[k] for k in r[2][3:5] if k >= 0]
                of += 1
                first += bool(names) and names[0] in wanted
                second += bool(wanted & set(names))
        return first / max(1, of), second / max(1, of), of


def say(goal, text, good):
    print(f"{goal:4s} {'PASS ' if good else 'BELOW'} {text}")


def giants(path):
    scores = read_scores(path, 0)
    order = sorted(scores, key=lambda no: -scores[no][0])
    return {g: order.index(g) + 1 for g in GIANTS if g in scores}


def report(f, args):
    low, high = bootstrap(f.hit)
    p = {k: f.precision_at(k) for k in (50, 100, 200)}
    say("A1", f"average precision {f.ap:.3f} (95 % {low:.3f}-{high:.3f}), goal .93", f.ap >= .93)
    say("A2", f"P@50 {p[50]:.2f} P@100 {p[100]:.2f} P@200 {p[200]:.2f}, goal P@100 .97",
        p[100] >= .97)
    recall = [f.recall(r) for r in (.005, .01, .015, .02)]
    say("A2", "recall at .5/1/1.5/2 % {:.3f} {:.3f} {:.3f} {:.3f}, goal .93 at 1.5, .99 at 2"
        .format(*recall), recall[2] >= .93 and recall[3] >= .99)
    print("             events found at .5/1/1.5/2 % " +
          " ".join(f"{f.event_recall(r):.2f}" for r in (.005, .01, .015, .02)))
    types = f.per_type(.015)
    say("A3", "caught within 1.5 %, goal .9 of each type", min(
        a / b for a, b in types.values()) >= .9)
    for name, (found, total) in types.items():
        print(f"             {name:20s} {found:3d} of {total:3d}  {found / total:.2f}")
    f1, precision, found, rate = f.online()
    say("A4", f"its own threshold: F1 {f1:.3f} precision {precision:.2f} recall {found:.2f} "
        f"flags {100 * rate:.2f} %, goal F1 .84 and .75-2.25 %",
        f1 >= .84 and .0075 <= rate <= .0225)
    if args.base:
        rank = giants(args.base)
        say("A5", "ranks of the real giants " + " ".join(f"{g}:{r}" for g, r in rank.items()) +
            ", goal 60", max(rank.values(), default=999) <= 60)
    if f.controls:
        n = f.controls_flagged(.015)
        say("A7", f"{n} of {len(f.controls)} controls within 1.5 %, goal 3", n <= 3)
    first, second, of = f.reasons(.015)
    if of:
        say("A8", f"strongest reason right {first:.3f}, one of two {second:.3f} of {of} caught, "
            "goal .97", first >= .97)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores")
    parser.add_argument("labels")
    parser.add_argument("--known", nargs="*", default=[])
    parser.add_argument("--controls")
    parser.add_argument("--base")
    parser.add_argument("--name", default="")
    parser.add_argument("--brief", action="store_true", help="one line")
    args = parser.parse_args()
    known = [r["InvoiceNo"] for path in args.known for r in read_column(path)]
    controls = [r["InvoiceNo"] for r in read_column(args.controls)] if args.controls else []
    f = Figures(read_scores(args.scores), read_column(args.labels), known, controls)
    if args.brief:
        caught = " ".join(f"{k}:{a / b:.2f}" for k, (a, b) in f.per_type(.015).items())
        print(f"{args.name} AP {f.ap:.3f} P@100 {f.precision_at(100):.2f} recall "
              f"{f.recall(.015):.3f}/{f.recall(.02):.3f} F1 {f.online()[0]:.3f}  {caught}")
        return
    print(f"{args.name or args.scores}: {f.n} invoices after warm-up, {f.positives} labelled")
    report(f, args)


if __name__ == "__main__":
    main()
