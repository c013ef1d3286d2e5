#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""consumer.py FILE.ndjson [DATABASE]: the windows of a sales stream in plain Python.

What tillstream is measured against: the consumer that one would write in an afternoon, and
write well. json.loads, cells in dicts, dates worked out once per minute and cached.

With DATABASE, per customer, country and stock code:

    hour, day    tumbling; rows written once, when the window is over
    last24h      the last 24 full hours, moved every hour   one row per key, written again
    last7d       the last 7 full days, moved every day      when it changes

with lines, units, revenue, returns and (hour and day) distinct invoices. Rows go to SQLite by
executemany, a transaction per batch, WAL. Amounts are whole thousandths, so that what leaves a
sliding window can be subtracted. It has no restart, no rejects, no late sales beyond five
minutes, no quantiles, no total over all; tillstream has.

Without DATABASE only the hours are kept, with lines, units and revenue, and thrown away: the
least that windows cost in Python.

Prints {"records": n, "rows": n}.
"""
import json
import sqlite3
import sys
from datetime import datetime, timezone

OUT_OF_ORDER = 300
HOUR, DAY = 3600, 86400
DIMENSIONS = ("customer", "country", "stock_code")
BATCH_ROWS = 20000
WINDOWS = ("hour", "day", "last24h", "last7d")
INSERT = "INSERT OR REPLACE INTO {} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
DELETE = "DELETE FROM {} WHERE dimension = ? AND key = ?"


def add_cell(cells, key, cell):
    """Adds lines, units, revenue, returned units, returned revenue of one cell to another."""
    into = cells.get(key)
    if into is None:
        cells[key] = cell[:5]
        return
    for i in range(5):
        into[i] += cell[i]


class Sliding:
    """The last `n` steps of each dimension, as running totals."""

    def __init__(self, name, n):
        self.name, self.n = name, n
        self.steps = []  # (start, cells per dimension), oldest first
        self.totals = [{} for _ in DIMENSIONS]

    def move(self, start, step, cells, out):
        """Takes in the step that ended, lets go of old ones, gives changed rows to `out`."""
        changed = [set(c) for c in cells]
        for totals, new in zip(self.totals, cells):
            for key, cell in new.items():
                add_cell(totals, key, cell)
        self.steps.append((start, cells))
        oldest = start - (self.n - 1) * step
        while self.steps[0][0] < oldest:
            _, gone = self.steps.pop(0)
            for keys, totals, old in zip(changed, self.totals, gone):
                keys.update(old)
                for key, cell in old.items():
                    into = totals[key]
                    for i in range(5):
                        into[i] -= cell[i]
        for name, keys, totals in zip(DIMENSIONS, changed, self.totals):
            for key in keys:
                total = totals[key]
                if total[0]:
                    out.replace(self.name, (name, key), (name, key, oldest, *total, None))
                else:
                    del totals[key]
                    out.replace(self.name, (name, key), None)


class Rows:
    """Rows on their way into the database. Of a sliding window's row only the last counts."""

    def __init__(self, path):
        self.history = {"hour": [], "day": []}
        self.newest = {"last24h": {}, "last7d": {}}  # key: row, or None for one to delete
        self.n = self.written = 0
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        for name in WINDOWS:
            key = "start, dimension, key" if name in self.history else "dimension, key"
            self.db.execute(
                f"CREATE TABLE {name} (dimension TEXT, key TEXT, start INTEGER, lines INTEGER, "
                "units INTEGER, revenue INTEGER, return_units INTEGER, return_revenue INTEGER, "
                f"invoices INTEGER, PRIMARY KEY ({key})) WITHOUT ROWID")

    def put(self, window, row):
        self.history[window].append(row)
        self.n += 1

    def replace(self, window, key, row):
        self.newest[window][key] = row
        self.n += 1

    def flush(self):
        self.db.execute("BEGIN")
        for window, rows in self.history.items():
            self.db.executemany(INSERT.format(window), rows)
        for window, rows in self.newest.items():
            self.db.executemany(INSERT.format(window), (r for r in rows.values() if r))
            self.db.executemany(DELETE.format(window), (k for k, r in rows.items() if not r))
        self.db.execute("COMMIT")
        for rows in (*self.history.values(), *self.newest.values()):
            rows.clear()
        self.written += self.n
        self.n = 0

    def close(self):
        self.flush()
        self.db.close()


class Times:
    """Dates as seconds since 1970, each worked out once."""

    def __init__(self):
        self.known = {}

    def parse(self, date):
        if len(self.known) > 10000:
            self.known.clear()
        at = datetime.strptime(date, "%m/%d/%Y %H:%M").replace(tzinfo=timezone.utc)
        self.known[date] = int(at.timestamp())
        return self.known[date]


def hours_alone(lines):
    times, hours = Times(), {}
    known, records, rows, newest = times.known, 0, 0, 0
    for line in lines:
        sale = json.loads(line)
        records += 1
        date = sale["InvoiceDate"]
        hour = (known.get(date) or times.parse(date)) // HOUR
        cells = hours.get(hour)
        if cells is None:
            cells = hours[hour] = ({}, {}, {})
            newest = max(newest, hour)
            for old in [h for h in hours if h < newest - 1]:
                rows += sum(map(len, hours.pop(old)))
        quantity = sale["Quantity"]
        value = quantity * sale["UnitPrice"]
        for of_keys, key in zip(cells, (sale["CustomerID"], sale["Country"], sale["StockCode"])):
            cell = of_keys.get(key)
            if cell is None:
                of_keys[key] = [1, quantity, value]
            else:
                cell[0] += 1
                cell[1] += quantity
                cell[2] += value
    return records, rows + sum(len(keys) for cells in hours.values() for keys in cells)


class Consumer:
    def __init__(self, path):
        self.rows = Rows(path)
        self.open = {"hour": {}, "day": {}}  # start: cells per dimension
        self.sliding = {"hour": Sliding("last24h", 24), "day": Sliding("last7d", 7)}
        self.records = self.late = 0

    def close_windows(self, watermark):
        for name, step in (("hour", HOUR), ("day", DAY)):
            windows = self.open[name]
            for start in sorted(s for s in windows if s + step <= watermark):
                cells = windows.pop(start)
                for dimension, of_keys in zip(DIMENSIONS, cells):
                    for key, cell in of_keys.items():
                        self.rows.put(name, (dimension, key, start, *cell[:5], len(cell[5])))
                self.sliding[name].move(start, step, cells, self.rows)
        if self.rows.n >= BATCH_ROWS:
            self.rows.flush()

    def count(self, cells, keys, quantity, value, invoice):
        for of_keys, key in zip(cells, keys):
            cell = of_keys.get(key)
            if cell is None:
                cell = of_keys[key] = [0, 0, 0, 0, 0, set()]
            cell[0] += 1
            cell[1] += quantity
            cell[2] += value
            if quantity < 0:
                cell[3] += quantity
                cell[4] += value
            cell[5].add(invoice)

    def run(self, lines):
        times, newest, next_edge = Times(), 0, 0
        hours, days = self.open["hour"], self.open["day"]
        for line in lines:
            sale = json.loads(line)
            self.records += 1
            date = sale["InvoiceDate"]
            time = times.known.get(date) or times.parse(date)
            if time > newest:
                newest = time
                if newest - OUT_OF_ORDER >= next_edge:
                    self.close_windows(newest - OUT_OF_ORDER)
                    next_edge = (newest - OUT_OF_ORDER) // HOUR * HOUR + HOUR
            hour, day = time // HOUR * HOUR, time // DAY * DAY
            if hour + HOUR <= newest - OUT_OF_ORDER:
                self.late += 1
                continue
            quantity = sale["Quantity"]
            value = quantity * round(sale["UnitPrice"] * 1000)
            keys = (sale["CustomerID"] or "", sale["Country"], sale["StockCode"])
            for windows, start in ((hours, hour), (days, day)):
                cells = windows.get(start)
                if cells is None:
                    cells = windows[start] = ({}, {}, {})
                self.count(cells, keys, quantity, value, sale["InvoiceNo"])
        self.close_windows(newest + 2 * DAY)
        self.rows.close()
        return self.records, self.rows.written


def main():
    count = Consumer(sys.argv[2]).run if len(sys.argv) > 2 else hours_alone
    with open(sys.argv[1], "rb", buffering=1 << 20) as lines:
        records, rows = count(lines)
    print(json.dumps({"records": records, "rows": rows}))


if __name__ == "__main__":
    main()
