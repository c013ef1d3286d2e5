# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window keeps: all of its history, or what began within a duration of the watermark.

Compared with sums made by hand, whatever batches, checkpoints and threads.
"""
import csv
import io
import json
import sqlite3
from collections import defaultdict
from datetime import datetime, timedelta, timezone

import pytest

DAYS, A_DAY, CUSTOMERS = 10, 12, 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OUT_OF_ORDER = timedelta(minutes=5)
START = datetime(2010, 12, 1, tzinfo=timezone.utc)
TUNINGS = [
    [], ["threads=0"], ["batch_bytes=1", "checkpoint_records=1", "threads=0"],
    ["batch_bytes=200", "checkpoint_records=7"], ["batch_bytes=3000", "checkpoint=50ms"],
    ["batch_bytes=1", "checkpoint=1h"], ["checkpoint_records=50", "threads=0"],
]


def text(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def sales():
    """(time, customer, units): twelve a day, some of them out of order within five minutes."""
    for i in range(DAYS * A_DAY):
        time = START + i * DAY / A_DAY + timedelta(minutes=i * 7 % 60)
        yield time, str(i % CUSTOMERS), 1 + i % 3
        if i % 10 == 5:
            yield time - timedelta(minutes=4), str(i % 3), 2


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    path = tmp_path_factory.mktemp("keep") / "till.ndjson"
    with open(path, "w", encoding="utf-8") as out:
        for number, (time, customer, units) in enumerate(sales()):
            out.write(json.dumps({
                "InvoiceNo": str(500000 + number), "StockCode": "A", "Quantity": units,
                "InvoiceDate": text(time), "UnitPrice": 1.5, "CustomerID": customer,
                "Country": "France"}) + "\n")
    return path


def grid(size):
    """The instances of a tumbling window that hold a time."""
    def of(time):
        start = START + (time - START) // size * size
        return [(start, start + size)]
    return of


def slides(size, slide):
    def of(time):
        first = START + (time - START) // slide * slide
        return [(first - i * slide, first - i * slide + size) for i in range(size // slide)]
    return of


def so_far(step):
    def of(time):
        midnight = START + (time - START) // DAY * DAY
        ends = [midnight + (i + 1) * step for i in range(DAY // step)]
        return [(midnight, end) for end in ends if time < end]
    return of


def wanted(instances, keep=None):
    rows = defaultdict(lambda: [0, 0])
    highest = max(time for time, _, _ in sales())
    for time, customer, units in sales():
        for start, end in instances(time):
            if keep and start < highest - OUT_OF_ORDER - keep:
                continue
            for place in (("all", "*"), ("customer", customer)):
                row = rows[(*place, text(start), text(end))]
                row[0] += 1
                row[1] += units
    return {place: tuple(row) for place, row in rows.items()}


WINDOWS = {
    "hours for two days": ({"type": "tumbling", "size": "1h", "keep": "2d"},
                           grid(HOUR), 2 * DAY),
    "hours for an hour and a half": ({"type": "tumbling", "size": "1h", "keep": "90m"},
                                     grid(HOUR), 1.5 * HOUR),
    "days for three": ({"type": "tumbling", "size": "1d", "keep": "3d"}, grid(DAY), 3 * DAY),
    "a sliding day for two": ({"type": "sliding", "size": "1d", "slide": "6h", "keep": "2d"},
                              slides(DAY, 6 * HOUR), 2 * DAY),
    "so far, for ever": ({"type": "cumulative", "step": "1h", "keep": "history"},
                         so_far(HOUR), None),
    "so far, for two days": ({"type": "cumulative", "step": "6h", "keep": "2d"},
                             so_far(6 * HOUR), 2 * DAY),
}


def rows_of(db):
    with sqlite3.connect(db) as c:
        rows = c.execute("SELECT dimension, key, window_start, window_end, lines, units, final"
                         " FROM aggregates").fetchall()
    assert all(row[6] == 1 for row in rows)
    made = {row[:4]: row[4:6] for row in rows}
    assert len(made) == len(rows)
    return made


@pytest.fixture
def run(tillstream, till, tmp_db):
    """run(window, tuning) -> the rows of that window."""

    def run_one(window, tuning=(), source=till):
        windows = json.dumps([{"name": "w", **window}])
        tillstream("run", source, "-q", "--db", tmp_db, "--set", "dimensions=all,customer",
                   "--set", f"windows={windows}", *(f"--set={t}" for t in tuning))
        return rows_of(tmp_db)

    return run_one


@pytest.mark.parametrize("tuning", TUNINGS, ids=lambda t: " ".join(t) or "usual")
@pytest.mark.parametrize("window", WINDOWS)
def test_what_is_kept(window, tuning, run):
    setting, instances, keep = WINDOWS[window]
    assert run(setting, tuning) == wanted(instances, keep)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_same_after_a_file_that_grew(window, run, till, tmp_path):
    setting, instances, keep = WINDOWS[window]
    lines = till.read_text(encoding="utf-8").splitlines(keepends=True)
    source = tmp_path / "growing.ndjson"
    for first, end in ((0, 37), (37, 90), (90, len(lines))):
        with open(source, "a", encoding="utf-8") as out:
            out.writelines(lines[first:end])
        rows = run(setting, source=source)
    assert rows == wanted(instances, keep)


def query(tillstream, what, *args):
    answer = tillstream("query", what, "--format", "csv", "--dimension", "all", *args).stdout
    return [(r["window_start"], r["window_end"], int(r["lines"]), int(r["units"]))
            for r in csv.DictReader(io.StringIO(answer))]


def expected(setting):
    rows = wanted(WINDOWS[setting][1], WINDOWS[setting][2])
    return sorted((*place[2:], *row) for place, row in rows.items() if place[0] == "all")


def test_queries_of_instances_that_share_their_start(run, tillstream, tmp_db):
    run(WINDOWS["so far, for ever"][0])
    rows = expected("so far, for ever")
    third, fourth = text(START + 2 * DAY), text(START + 3 * DAY)
    db = ["--db", tmp_db]
    assert query(tillstream, "aggregates", "--limit", "0", *db) == rows
    assert query(tillstream, "aggregates", "--limit", "7", *db) == rows[-7:]
    assert query(tillstream, "aggregates", "--from", third, "--to", fourth, "--limit", "0", *db) == [
        row for row in rows if third <= row[0] < fourth]
    assert query(tillstream, "top", *db) == rows[-1:]


def test_instances_that_share_their_start_in_several_databases(till, tillstream, tmp_path):
    lines = till.read_text(encoding="utf-8").splitlines(keepends=True)
    window = json.dumps([{"name": "w", **WINDOWS["so far, for two days"][0], "keep": "history"}])
    dbs = []
    for half in range(2):  # by customer, so that each has every instance
        source = tmp_path / f"half{half}.ndjson"
        source.write_text("".join(line for line in lines
                                  if int(json.loads(line)["CustomerID"]) % 2 == half))
        dbs += ["--db", tmp_path / f"half{half}.db"]
        tillstream("run", source, "-q", *dbs[-2:], "--set", "dimensions=all,customer",
                   "--set", f"windows={window}")
    rows = wanted(so_far(6 * HOUR))
    both = sorted((*place[2:], *row) for place, row in rows.items() if place[0] == "all")
    assert query(tillstream, "aggregates", "--limit", "0", *dbs) == both
    assert query(tillstream, "top", *dbs) == both[-1:]


def test_a_merged_late_sale_counts_in_the_instances_that_hold_it(run, till, tillstream, tmp_path,
                                                                 tmp_db):
    late = START + 7 * HOUR
    sale = {"InvoiceNo": "1", "StockCode": "A", "Quantity": 9, "InvoiceDate": text(late),
            "UnitPrice": 1.5, "CustomerID": "0", "Country": "France"}
    source = tmp_path / "late.ndjson"
    source.write_text(till.read_text(encoding="utf-8") + json.dumps(sale) + "\n")
    run(WINDOWS["so far, for ever"][0], source=source)
    tillstream("late", "--merge", "--db", tmp_db)
    rows = wanted(so_far(HOUR))
    held = [(text(start), text(end)) for start, end in so_far(HOUR)(late)]
    for place, (lines, units) in rows.items():
        if place[1] in "*0" and place[2:] in held:
            rows[place] = lines + 1, units + 9
    assert rows_of(tmp_db) == rows
    with sqlite3.connect(tmp_db) as c:
        again = c.execute("SELECT window_start, window_end FROM aggregates WHERE version = 2"
                          " AND dimension = 'all' ORDER BY 2").fetchall()
        versions = c.execute("SELECT DISTINCT version FROM aggregates ORDER BY 1").fetchall()
    assert again == sorted(held)
    assert versions == [(1,), (2,)]
