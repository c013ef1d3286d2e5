# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop's sales with everything in it that may go wrong, as NDJSON, from a seed.

Lines of `tillstream generate --record-ids`, disturbed: neighbours out of order, sales held back
within and beyond the lateness, one stamped far ahead (it ends in the pen), a holiday of 20 days
(the pen confirms it), records sent twice, and records that are none. `SETTINGS` has a window of
every kind over them.
"""
import json
import random
import subprocess
from datetime import datetime, timedelta

SETTINGS = {
    "dimensions": ["all", "customer", "country", "stock_code", "country+stock_code"],
    "windows": [
        {"name": "hour", "type": "tumbling", "size": "1h"},
        {"name": "day", "type": "tumbling", "size": "1d", "keep": "8d"},
        {"name": "last24h", "type": "sliding", "size": "24h", "slide": "1h", "keep": "history",
         "dimensions": ["all", "country"]},
        {"name": "last7d", "type": "sliding", "size": "7d", "slide": "1d"},
        {"name": "today", "type": "cumulative", "step": "1h", "keep": "history",
         "dimensions": ["all", "country"]},
        {"name": "sofar", "type": "cumulative", "step": "1h", "dimensions": ["all", "stock_code"]},
        {"name": "visit", "type": "session", "gap": "30m",
         "dimensions": ["all", "customer", "country"]},
    ],
}

BROKEN = [
    b'{"InvoiceNo":"1","Quantity":1.5,"InvoiceDate":"12/1/2010 9:00","UnitPrice":1}',
    b'{"InvoiceNo":"2","Quantity":1,"InvoiceDate":"13/45/2010 9:00","UnitPrice":1}',
    b'{"InvoiceNo":"3","Quantity":1,"InvoiceDate":"12/1/2010 9:00"}',
    b'{"InvoiceNo":"4","Quantity":9000000000000000000,"InvoiceDate":"12/1/2010 9:00",'
    b'"UnitPrice":9000000000}',
    b'{"InvoiceNo":"5","Quantity":',
    b'\xff\xfe not a record \x00 at all',
]

AS_WRITTEN = "%m/%d/%Y %H:%M"


def text_of(sale):
    return json.dumps(sale, ensure_ascii=False, separators=(",", ":")).encode()


def shift(sale, **how_far):
    day = datetime.strptime(sale["InvoiceDate"], AS_WRITTEN) + timedelta(**how_far)
    return dict(sale, InvoiceDate=day.strftime(AS_WRITTEN))


def hold_back(sales, rng, share, lines):
    """Moves a share of the sales up to so many lines on."""
    places = [(i + rng.randint(1, lines) if rng.random() < share else i, i)
              for i in range(len(sales))]
    return [sales[i] for _, i in sorted(places)]


def disturbed(sales, rng):
    """Lines of the disturbed shop, without line ends."""
    half = len(sales) // 2
    sales = sales[:half] + [shift(s, days=20) for s in sales[half:]]
    for share, lines in ((0.1, 20), (0.01, 150), (0.005, 1500)):
        sales = hold_back(sales, rng, share, lines)
    ahead = len(sales) // 3
    sales[ahead:ahead] = [dict(shift(sales[ahead], days=9), RecordID="ahead")]
    for i, sale in enumerate(sales):
        yield text_of(sale)
        if rng.random() < 0.005:
            yield text_of(sales[max(0, i - rng.randint(0, 100))])
        if rng.random() < 0.002:
            yield rng.choice(BROKEN)


def write(program, path, lines, seed):
    """Writes the shop's file: `lines` sales, and what disturbs them."""
    made = subprocess.run([program, "generate", "--records", str(lines), "--seed", str(seed),
                           "--record-ids"], check=True, capture_output=True)
    rng = random.Random(seed)
    sales = [json.loads(line) for line in made.stdout.splitlines()]
    with open(path, "wb") as out:
        for line in disturbed(sales, rng):
            out.write(line + b"\n")


def write_settings(path):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(SETTINGS, out)
    return ["-c", str(path)]
