#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""inject.py IN.csv OUT SEED [--set usual|unseen|new] [--until YYYY-MM-DD] [--each N]

Puts labelled anomalous invoices, and normal ones as controls, into real sales at their event
time: OUT.csv, OUT_labels.csv (InvoiceNo,type,event,detail), OUT_controls.csv, OUT_known.csv
(real invoices that are odd by fixed rules: to count neither way). Reads Online Retail and Online
Retail II. Every injected invoice is a changed copy of a real one of the same customer (some of
its lines), at a time at which the shop traded, after the first 60 days. Standard library only.

Sets: usual, the types that the weights were fitted on; unseen, types they were not fitted on;
new, both kinds but of customers never seen before.
"""
import argparse
import collections
import csv
import datetime
import random

Line = collections.namedtuple("Line", "no code text qty time price cust country")


def parse_time(text):
    if "/" in text:
        date, clock = text.split(" ")
        month, day, year = map(int, date.split("/"))
        hour, minute = map(int, clock.split(":"))
        return datetime.datetime(year, month, day, hour, minute)
    return datetime.datetime.fromisoformat(text)


class Shop:
    """The real sales, and what is put in."""

    def __init__(self, path, until, seed):
        self.dice = random.Random(seed)
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            self.header = next(rows)
            self.slash, lines = None, []
            cache = {}
            for r in rows:
                if self.slash is None:
                    self.slash = "/" in r[4]
                t = cache.get(r[4])
                if t is None:
                    t = cache[r[4]] = parse_time(r[4])
                if until and t >= until:
                    continue
                lines.append(Line(r[0], r[1], r[2], int(r[3]), t, float(r[5]), r[6], r[7]))
        self.lines = lines
        self.invoices = collections.OrderedDict()
        for line in lines:
            self.invoices.setdefault(line.no, []).append(line)
        self.start = lines[0].time + datetime.timedelta(days=60)
        self.end = max(line.time for line in lines)
        self.sales = collections.defaultdict(list)  # by customer
        self.bought = collections.defaultdict(set)
        for no, many in self.invoices.items():
            if many[0].cust and no[0].isdigit() and all(x.qty > 0 and x.price > 0 for x in many):
                self.sales[many[0].cust].append(no)
                self.bought[many[0].cust] |= {x.code for x in many}
        self.times = [many[0].time for no, many in self.invoices.items()
                      if many[0].cust and no[0].isdigit() and many[0].time > self.start]
        self.customers = sorted(c for c, nos in self.sales.items() if len(nos) >= 3)
        self.number = max(int(no) for no in self.invoices if no.isdigit()) + 1
        self.added, self.labels, self.controls, self.known = [], [], [], set()
        self.person = 90000

    def new_number(self, letter=""):
        self.number += 1
        return letter + str(self.number)

    def source(self, least=1, most=200, new=False):
        """A real invoice and a later time: (lines, time, customer)."""
        while True:
            cust = self.dice.choice(self.customers)
            nos = self.sales[cust]
            no = self.dice.choice(nos[:-1])
            time = self.dice.choice(self.times)
            many = self.invoices[no]
            if not (many[0].time < time and least <= len(many) <= most):
                continue
            if len([n for n in nos if self.invoices[n][0].time < time]) < 3:
                continue
            keep = [x for x in many if self.dice.random() < 0.8] or many[:1]
            if len(keep) < least:
                keep = many
            if new:
                self.person += 1
                cust = str(self.person) + (".0" if cust.endswith(".0") else "")
            return keep, time, cust

    def put(self, kind, event, lines, time, cust, detail="", letter="", country=None):
        no = self.new_number(letter)
        for x in lines:
            self.added.append(x._replace(no=no, time=time, cust=cust,
                                         country=country or x.country))
        if kind == "control":
            self.controls.append(no)
        else:
            self.labels.append((no, kind, event, detail))
        return no


def one_line(shop, change, least=1, new=False):
    """A copy with one line changed: (lines, time, customer, detail), or None."""
    lines, time, cust = shop.source(least, new=new)
    k = shop.dice.randrange(len(lines))
    changed = change(shop, lines[k])
    if changed is None:
        return None
    detail = (f"{lines[k].code} {lines[k].qty} at {lines[k].price} -> "
              f"{changed.qty} at {changed.price}")
    return lines[:k] + [changed] + lines[k + 1:], time, cust, detail


def price(factor):
    def change(_, x):
        return x._replace(price=max(round(x.price * factor, 2), 0.01)) if x.price > .3 else None
    return change


def drift(shop, x):
    return x._replace(price=round(x.price * shop.dice.uniform(3, 6), 2)) if x.price > .3 else None


def drift_down(shop, x):
    return x._replace(price=round(x.price / shop.dice.uniform(3, 6), 2)) if x.price > 1 else None


def free(_, x):
    return x._replace(price=0.0)


def quantity(factor):
    def change(_, x):
        return x._replace(qty=max(1, round(x.qty * factor)))
    return change


def digit(shop, x):
    """A digit typed twice or lost, in price or quantity."""
    if shop.dice.random() < .5:
        text = f"{x.price:.2f}"
        digits = text.replace(".", "")
        k = shop.dice.randrange(len(digits) - 2) if len(digits) > 2 else 0
        value = int(digits[:k + 1] + digits[k:]) / 100
        return x._replace(price=value) if value > 3 * x.price else None
    text = str(x.qty)
    k = shop.dice.randrange(len(text))
    return x._replace(qty=int(text[:k + 1] + text[k:])) if x.qty > 3 else None


def sign(_, x):
    return x._replace(qty=-x.qty)


ONE_LINE = {
    "price_x10": price(10), "price_x100": price(100), "price_div100": price(.01),
    "price_zero": free, "qty_x100": quantity(100),
    "price_drift": drift, "price_drop": drift_down, "price_div10": price(.1),
    "qty_x10": quantity(10), "digit_slip": digit, "sign_flip": sign,
    "qty_x1000": quantity(1000),
}


def many_invoices(shop, kind, event, count, minutes, new):
    lines, time, cust = shop.source(new=new)
    pool = [x for no in shop.dice.sample(list(shop.invoices), 60) for x in shop.invoices[no]
            if 0 < x.price < 5 and x.qty > 0]
    for offset in sorted(shop.dice.uniform(0, minutes) for _ in range(count)):
        x = shop.dice.choice(pool)._replace(qty=1, country=lines[0].country)
        at = time + datetime.timedelta(minutes=int(offset))
        shop.put(kind, event, [x], at, cust, f"{count} invoices in {minutes} min")


def inject(shop, kind, event, new=False):
    """One event of a type; False: this draw did not do."""
    dice = shop.dice
    if kind in ONE_LINE:
        made = one_line(shop, ONE_LINE[kind], new=new)
        if made:
            shop.put(kind, event, *made)
        return bool(made)
    if kind == "card_testing":
        many_invoices(shop, kind, event, dice.randint(5, 10), 10, new)
        return True
    if kind == "slow_burst":
        many_invoices(shop, kind, event, dice.randint(6, 10), dice.choice((60, 120, 240)), new)
        return True
    lines, time, cust = shop.source(3 if "dup" in kind else 1, new=new)
    if kind == "control":
        shop.put(kind, event, lines, time, cust)
    elif kind == "night":
        night = time.replace(hour=dice.randint(2, 4), minute=dice.randrange(60))
        shop.put(kind, event, lines, night, cust, f"at {night}")
    elif kind == "new_country":
        country = dice.choice(("France", "Germany", "Spain", "EIRE", "Belgium", "Greece"))
        if country == lines[0].country:
            return False
        shop.put(kind, event, lines, time, cust, country, country=country)
    elif kind == "big_basket":
        usual = sorted(len(shop.invoices[no]) for no in shop.sales[lines[0].cust])
        count = min(300, 20 * usual[len(usual) // 2])
        if count < 40:
            return False
        pool = [x for no in dice.sample(list(shop.sales), 400) for x in
                shop.invoices[shop.sales[no][0]]]
        shop.put(kind, event, [x._replace(country=lines[0].country) for x in
                               dice.sample(pool, count)], time, cust, f"{count} lines")
    elif kind == "dup_burst":
        no = dice.choice(shop.sales[lines[0].cust])
        whole = shop.invoices[no]
        if len(whole) < 3 or whole[0].time < shop.start:
            return False
        at = whole[0].time
        shop.known.add(no)
        for _ in range(dice.randint(3, 8)):
            at += datetime.timedelta(minutes=dice.randint(1, 3))
            shop.put(kind, event, whole, at, whole[0].cust, f"copy of {no}")
    elif kind == "dup_replay":
        times = dice.randint(4, 10)
        shop.put(kind, event, [x for x in lines for _ in range(times)], time, cust,
                 f"{times} times {len(lines)} lines")
    elif kind == "fake_return":
        other = dice.choice(shop.customers)
        pool = [x for x in shop.invoices[dice.choice(shop.sales[other])]
                if x.code not in shop.bought[lines[0].cust]]
        if not pool:
            return False
        pool = dice.sample(pool, min(len(pool), dice.randint(1, 6)))
        shop.put(kind, event, [x._replace(qty=-x.qty, country=lines[0].country) for x in pool],
                 time, cust, "never bought", letter="C")
    else:
        raise SystemExit(f"unknown type {kind}")
    return True


USUAL = ("big_basket card_testing dup_burst dup_replay new_country night price_div100 price_x10 "
         "price_x100 price_zero qty_x100").split()
UNSEEN = ("price_drift price_drop price_div10 digit_slip qty_x10 qty_x1000 sign_flip fake_return "
          "slow_burst").split()
NEW = "price_x10 price_x100 qty_x100 price_drift price_zero sign_flip night card_testing".split()
# Events of one type; those of several invoices are fewer.
EACH = {"card_testing": 8, "dup_burst": 7, "slow_burst": 5, "dup_replay": 12}


def rules(shop):
    """Real invoices that are odd by fixed rules."""
    fees = {"AMAZONFEE", "B", "BANK CHARGES", "CRUK"}
    starts = collections.defaultdict(list)
    for no, many in shop.invoices.items():
        first = many[0]
        repeated = max(collections.Counter((x.code, x.qty, x.price) for x in many).values())
        odd = (any(x.price == 0 or x.price < 0 or x.code in fees or abs(x.qty) >= 3000 or
                   (x.code in ("M", "m") and abs(x.price * x.qty) >= 1000) or
                   (x.code == "DOT" and x.price >= 2000) or
                   (x.qty < 0 and no[0].isdigit()) for x in many)
               or len(many) >= 500 or not 6 <= first.time.hour < 21 or repeated >= 6)
        if odd:
            shop.known.add(no)
        if first.cust and no[0].isdigit():
            starts[first.cust].append((first.time, no))
    for many in starts.values():
        many.sort()
        for k in range(4, len(many)):
            if (many[k][0] - many[k - 4][0]).total_seconds() <= 600:
                shop.known |= {no for _, no in many[k - 4:k + 1]}


def write(shop, out):
    def time_text(t):
        if shop.slash:
            return f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02d}"
        return t.isoformat(" ")
    merged = [(x.time, k, x) for k, x in enumerate(shop.added)]
    merged.sort(key=lambda m: m[:2])
    with open(out + ".csv", "w", encoding="utf-8", newline="") as file:
        w = csv.writer(file, lineterminator="\n")
        w.writerow(shop.header)
        k = 0
        last = None
        for x in shop.lines:
            while x.no != last and k < len(merged) and merged[k][0] <= x.time:
                y = merged[k][2]
                w.writerow((y.no, y.code, y.text, y.qty, time_text(y.time), f"{y.price:.10g}",
                            y.cust, y.country))
                k += 1
            last = x.no
            w.writerow((x.no, x.code, x.text, x.qty, time_text(x.time), f"{x.price:.10g}",
                        x.cust, x.country))
        for _, _, y in merged[k:]:
            w.writerow((y.no, y.code, y.text, y.qty, time_text(y.time), f"{y.price:.10g}",
                        y.cust, y.country))
    for name, header, rows in (("labels", "InvoiceNo,type,event,detail", shop.labels),
                               ("controls", "InvoiceNo", [(c,) for c in shop.controls]),
                               ("known", "InvoiceNo", [(n,) for n in sorted(shop.known)])):
        with open(f"{out}_{name}.csv", "w", encoding="utf-8", newline="") as file:
            w = csv.writer(file, lineterminator="\n")
            w.writerow(header.split(","))
            w.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("out")
    parser.add_argument("seed", type=int)
    parser.add_argument("--set", choices=("usual", "unseen", "new"), default="usual")
    parser.add_argument("--until", type=datetime.datetime.fromisoformat)
    parser.add_argument("--each", type=int, default=26)
    args = parser.parse_args()
    shop = Shop(args.source, args.until, args.seed)
    rules(shop)
    kinds = {"usual": USUAL, "unseen": UNSEEN, "new": NEW}[args.set]
    for kind in kinds:
        for event in range(EACH.get(kind, args.each)):
            while not inject(shop, kind, f"{kind}-{event}", args.set == "new"):
                pass
    for _ in range(100):
        inject(shop, "control", "")
    write(shop, args.out)


if __name__ == "__main__":
    main()
