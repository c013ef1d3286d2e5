# SPDX-License-Identifier: GPL-3.0-or-later
"""allowed_lateness may change between two runs: rows of windows that had been let go stay whole."""
import json
from datetime import datetime, timedelta, timezone

import pytest

import views

START = datetime(2010, 12, 1, tzinfo=timezone.utc)
WINDOWS = [
    {"name": "hour", "type": "tumbling", "size": "1h"},
    {"name": "last6h", "type": "sliding", "size": "6h", "slide": "1h", "keep": "history"},
    {"name": "sofar", "type": "cumulative", "step": "1h"},
    {"name": "visit", "type": "session", "gap": "25m"},
]
LONG = "allowed_lateness=3d"
COMPARED = ("window", "dimension", "key", "window_start", "window_end", "lines", "invoices",
            "customers", "units", "revenue_micros", "p50_line", "final")


def sale(number, time):
    return json.dumps({"InvoiceNo": str(1000 + number), "StockCode": f"A{number % 3}",
                       "Quantity": 1 + number % 4, "InvoiceDate": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                       "UnitPrice": 1.25, "CustomerID": number % 5, "Country": "France"})


def busy_days(first, days):
    """A sale each 20 minutes, in the hours of the day."""
    return [START + timedelta(days=first + day, minutes=480 + 20 * i)
            for day in range(days) for i in range(36)]


@pytest.fixture
def shop(tillstream, tmp_path):
    """shop(name, times): a file of sales; shop.run(db, name, ...): a run over it."""

    class Shop:
        count = 0

        def write(self, name, times):
            with open(tmp_path / name, "w", encoding="utf-8") as out:
                for time in times:
                    Shop.count += 1
                    out.write(sale(Shop.count, time) + "\n")

        def join(self, name, *parts):
            (tmp_path / name).write_bytes(b"".join((tmp_path / p).read_bytes() for p in parts))

        def run(self, db, name, *settings):
            (tmp_path / "shop.json").write_text(json.dumps({"windows": WINDOWS}))
            tillstream("run", tmp_path / name, "--quiet", "--db", tmp_path / db,
                       "-c", tmp_path / "shop.json",
                       *(word for setting in settings for word in ("--set", setting)))

        def merge(self, db):
            """Which writes the state of all windows: from then on slices let go are gone."""
            tillstream("late", "--merge", "--db", tmp_path / db)

        def rows(self, db):
            reader = views.connect(tmp_path / db)
            found = reader.execute(f"SELECT {', '.join(COMPARED)} FROM aggregates").fetchall()
            reader.close()
            return sorted(found)

    return Shop()


# Within three days of the last sale, and far behind an hour.
LATE = [START + timedelta(days=2, hours=9, minutes=30), START + timedelta(days=1, hours=12),
        START + timedelta(days=2, hours=15, minutes=5), START + timedelta(days=1, hours=23)]


@pytest.fixture
def days(shop):
    shop.write("days", busy_days(0, 3) + [START + timedelta(hours=12)])  # the last is late
    shop.write("late", LATE)
    shop.write("more", busy_days(3, 2))
    shop.join("all", "days", "late", "more")
    return shop


def test_when_it_grows_sales_join_the_rows_of_their_windows(days):
    days.run("grown.db", "days")
    days.merge("grown.db")
    days.run("grown.db", "late", LONG)
    days.run("grown.db", "more", LONG)
    days.run("always.db", "all", LONG)
    assert days.rows("grown.db") == days.rows("always.db")


def test_when_it_shrinks_what_was_accepted_stays(days):
    days.run("shrunk.db", "days", LONG)
    days.run("shrunk.db", "late", LONG)
    for _ in range(2):
        days.run("shrunk.db", "more")
    days.run("always.db", "all", LONG)
    assert days.rows("shrunk.db") == days.rows("always.db")


def test_it_may_grow_and_shrink_again_and_again(days):
    days.run("changing.db", "days")
    days.merge("changing.db")
    days.run("changing.db", "late", LONG)
    days.run("changing.db", "late", "allowed_lateness=1h")
    days.run("changing.db", "more", "allowed_lateness=2d")
    days.run("changing.db", "more", "allowed_lateness=1h")
    days.run("always.db", "all", LONG)
    assert days.rows("changing.db") == days.rows("always.db")
