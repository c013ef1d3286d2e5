# SPDX-License-Identifier: GPL-3.0-or-later
"""tillstream query: what it prints is what the views hold."""
import csv
import io
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from decimal import Decimal

import pytest

AGGREGATES = ["window", "dimension", "key", "window_start", "window_end", "lines", "invoices",
              "customers", "units", "revenue", "revenue_micros", "return_lines", "return_units",
              "return_revenue", "return_revenue_micros", "min_line", "max_line", "mean_line",
              "sd_line", "p50_line", "p90_line", "p99_line", "final", "version"]
SUMS = ["lines", "units", "revenue_micros", "return_lines", "return_units",
        "return_revenue_micros"]


def views(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    return db


def select(path, sql, *parameters):
    db = views(path)
    try:
        return [dict(row) for row in db.execute(sql, parameters)]
    finally:
        db.close()


def sale(invoice, when, quantity=1, price=1.5, stock="85123A", customer="17850",
         country="United Kingdom"):
    return {"InvoiceNo": invoice, "StockCode": stock, "Quantity": quantity, "InvoiceDate": when,
            "UnitPrice": price, "CustomerID": customer, "Country": country}


def write_sales(path, sales):
    path.write_text("".join(json.dumps(s) + "\n" if isinstance(s, dict) else s + "\n"
                            for s in sales))
    return path


@pytest.fixture
def ask(tillstream, tmp_db):
    """ask("top", ...) -> the rows of the answer, from JSON."""

    def run(*args, db=None, **more):
        paths = db or [tmp_db]
        dbs = [word for path in paths for word in ("--db", path)]
        done = tillstream("query", *args, "--format", "json", *dbs, **more)
        return json.loads(done.stdout)

    return run


@pytest.fixture
def shop(tillstream, repo, tmp_db):
    """A database of the sample's 2,000 sales."""
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", tmp_db)
    return tmp_db


# ---- formats ----

@pytest.mark.parametrize("what, view, order", [
    ("customer", "customers", "revenue_micros DESC, customer"),
    ("invoice", "invoices", "revenue_micros DESC, invoice"),
    ("rejects", "rejects", "position"),
    ("late", "late", "position"),
    ("progress", "progress", "source"),
])
def test_json_and_csv_have_every_row_and_column_of_the_view(tillstream, tmp_path, repo, tmp_db,
                                                            ask, what, view, order):
    lines = (repo / "notebooks-data/sample.ndjson").read_text().splitlines()
    source = tmp_path / "mixed.ndjson"
    source.write_text("\n".join([*lines, lines[0], "{broken, \"", lines[1], "[\"\x1b[2J"]) + "\n")
    tillstream("run", source, "--db", tmp_db)
    wanted = select(tmp_db, f"SELECT * FROM {view} ORDER BY {order}")
    assert wanted
    assert ask(what) == wanted
    text = tillstream("query", what, "--format", "csv", "--db", tmp_db).stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == list(wanted[0])
    for got, want in zip(rows, wanted, strict=True):
        for name, value in want.items():
            if isinstance(value, float):
                assert float(got[name]) == value
            else:
                assert got[name] == ("" if value is None else str(value))


def test_aggregates_prints_the_view_exactly(shop, ask, tillstream):
    rows = ask("aggregates")
    assert list(rows[0]) == AGGREGATES
    wanted = select(shop, "SELECT * FROM aggregates")
    key = lambda r: (r["window"], r["dimension"], r["window_start"], r["key"])  # noqa: E731
    assert sorted(rows, key=key) == sorted(wanted, key=key)
    # Within a window and dimension: by start, then by the bytes of the key.
    hours = [(r["window_start"], r["key"].encode()) for r in rows
             if (r["window"], r["dimension"]) == ("hour", "stock_code")]
    assert hours == sorted(hours) and len(hours) > 1000
    text = tillstream("query", "aggregates", "--format", "csv", "--db", shop, binary=True).stdout
    assert text.count(b"\r\n") == len(rows) + 1


def test_amounts_are_exact_numbers(tillstream, tmp_path, tmp_db):
    source = write_sales(tmp_path / "big.ndjson", [
        sale("1", "2011-01-03T10:00:00Z", 999999999, 9000.000001),
        sale("1", "2011-01-03T10:00:00Z", 1, 0.1),
        sale("2", "2011-01-03T10:00:00Z", 1, 0.2)])
    tillstream("run", source, "--db", tmp_db)
    done = tillstream("query", "aggregates", "--window", "day", "--dimension", "all", "--format",
                      "json", "--db", tmp_db)
    row, = json.loads(done.stdout, parse_float=Decimal)
    assert row["revenue"] == Decimal(999999999) * Decimal("9000.000001") + Decimal("0.3")
    assert row["revenue_micros"] == int(row["revenue"] * 1000000)


def test_tables_are_aligned_and_grouped(shop, tillstream):
    done = tillstream("query", "progress", "--db", shop)
    assert "read 2,000 = aggregated 2,000 + late 0 + rejected 0 + pending 0\n" in done.stdout
    header, row = done.stdout.splitlines()[:2]
    end = header.index("aggregated") + len("aggregated")
    assert row[:end].endswith(" 2,000")
    assert tillstream("query", "rejects", "--db", shop).stdout == "(no rows)\n"


def test_a_table_never_sends_control_bytes_to_the_terminal(tillstream, tmp_path, tmp_db):
    source = tmp_path / "evil.ndjson"
    source.write_bytes(b'{"InvoiceNo":"\x1b]0;owned\x07\n\xff\xfe{]\n')
    tillstream("run", source, "--db", tmp_db)
    shown = tillstream("query", "rejects", "--db", tmp_db, binary=True).stdout
    assert b"\\x1b]0;owned" in shown
    assert not any(c < 32 and c != 10 for c in shown)
    shown.decode()


# ---- filters ----

def test_filters_mean_what_they_say(shop, ask):
    rows = ask("aggregates", "--window", "hour", "--dimension", "country", "--from", "2010-12-03",
               "--to", "2010-12-06T12:00")
    assert rows == select(
        shop, "SELECT * FROM aggregates WHERE window = 'hour' AND dimension = 'country' AND"
              " window_start >= '2010-12-03T00:00:00Z' AND window_start < '2010-12-06T12:00:00Z'"
              " ORDER BY window_start, CAST(key AS BLOB)")
    assert rows
    rows = ask("aggregates", "--window", "day", "--dimension", "customer", "--key", "")
    assert {r["key"] for r in rows} == {""}
    assert len(rows) > 3
    assert ask("aggregates", "--key", "no such key") == []
    assert {r["dimension"] for r in ask("aggregates", "--key", "*")} == {"all"}


def test_a_limit_keeps_the_newest_windows_and_says_what_is_left_out(shop, ask, tillstream):
    days = ask("aggregates", "--window", "day", "--dimension", "all")
    assert ask("aggregates", "--window", "day", "--dimension", "all", "--limit", "2") == days[-2:]
    done = tillstream("query", "aggregates", "--window", "day", "--dimension", "all", "--limit",
                      "2", "--db", shop)
    assert f"({len(days) - 2} more rows; --limit 0 shows all)\n" in done.stdout
    done = tillstream("query", "aggregates", "--limit", "0", "--db", shop)
    assert len(done.stdout.splitlines()) == 1 + len(ask("aggregates"))
    done = tillstream("query", "aggregates", "--db", shop)
    assert len(done.stdout.splitlines()) == 1 + 100 + 1


def test_ranking_by_a_measure(shop, ask):
    rows = ask("aggregates", "--window", "day", "--dimension", "stock_code", "--by", "units",
               "--limit", "5")
    units = [r["units"] for r in select(shop, "SELECT units FROM aggregates WHERE window = 'day'"
                                              " AND dimension = 'stock_code' ORDER BY 1 DESC"
                                              " LIMIT 5")]
    assert [r["units"] for r in rows] == units


def test_top_takes_the_newest_window_and_revenue(shop, ask):
    rows = ask("top")
    assert rows == select(shop, "SELECT * FROM aggregates WHERE window = 'last24h' AND"
                                " dimension = 'stock_code' ORDER BY revenue_micros DESC, key"
                                " LIMIT 10")
    rows = ask("top", "--window", "day", "--dimension", "country", "--by", "lines")
    assert rows == select(shop, "SELECT * FROM aggregates WHERE window = 'day' AND dimension ="
                                " 'country' AND window_start = (SELECT max(window_start) FROM"
                                " aggregates WHERE window = 'day') ORDER BY lines DESC, key")
    rows = ask("top", "--window", "hour", "--from", "2010-12-01", "--limit", "3")
    assert [r["revenue"] for r in rows] == [
        r["revenue"] for r in select(shop, "SELECT revenue FROM aggregates WHERE window = 'hour'"
                                           " AND dimension = 'stock_code' ORDER BY 1 DESC LIMIT 3")]


def test_one_customer_and_one_invoice(shop, ask, tillstream):
    customer, = ask("customer", "14862")
    assert [customer] == select(shop, "SELECT * FROM customers WHERE customer = '14862'")
    invoice, = ask("invoice", "--key", "536365")
    assert [invoice] == select(shop, "SELECT * FROM invoices WHERE invoice = '536365'")
    done = tillstream("query", "customer", "0", "--db", shop, status=1)
    assert 'there is no customer "0" in' in done.stderr
    returns = ask("customer", "--by", "return_revenue", "--limit", "3")
    assert [r["return_revenue_micros"] for r in returns] == sorted(
        r["return_revenue_micros"] for r in ask("customer"))[:3]


def test_dates_are_read_in_the_shops_zone(tillstream, tmp_path, tmp_db, ask):
    source = write_sales(tmp_path / "s.ndjson", [sale("1", "6/1/2011 0:30"),
                                                 sale("2", "6/1/2011 23:30")])
    zone = ("--set", "timezone=Europe/London")
    tillstream("run", source, "--db", tmp_db, *zone)
    assert len(ask("aggregates", "--window", "hour", "--dimension", "all", "--from", "2011-06-01",
                   "--to", "2011-06-02", *zone)) == 2
    assert len(ask("aggregates", "--window", "day", "--dimension", "all", "--from", "2011-06-01",
                   "--to", "2011-06-02", *zone)) == 1


def test_keys_with_quotes_are_found(tillstream, tmp_path, tmp_db, ask):
    key = "Côte d'Ivoire; DROP TABLE \"key\" --%s"
    source = write_sales(tmp_path / "s.ndjson", [sale("1", "2011-06-01T10:00:00Z", country=key)])
    tillstream("run", source, "--db", tmp_db)
    row, = ask("aggregates", "--window", "hour", "--dimension", "country", "--key", key)
    assert [row] == select(tmp_db, "SELECT * FROM aggregates WHERE dimension = 'country' AND"
                                   " window = 'hour'")


# ---- several databases ----

def test_rows_of_several_databases_are_added_up(tillstream, tmp_path, repo, shop, ask):
    lines = (repo / "notebooks-data/sample.ndjson").read_text().splitlines(keepends=True)
    parts = [tmp_path / "a.db", tmp_path / "b.db"]
    for i, part in enumerate(parts):
        source = tmp_path / f"part{i}.ndjson"
        source.write_text("".join(line for line in lines
                                  if int(json.loads(line)["InvoiceNo"][-1]) % 2 == i))
        tillstream("run", source, "--db", part)
    args = ("aggregates", "--window", "day")
    whole, merged = ask(*args), ask(*args, db=parts)
    assert len(whole) > 100
    for got, want in zip(merged, whole, strict=True):
        assert {n: got[n] for n in SUMS + ["key", "window_start", "window_end"]} == \
            {n: want[n] for n in SUMS + ["key", "window_start", "window_end"]}
        assert (got["min_line"], got["max_line"]) == (want["min_line"], want["max_line"])
        assert math.isclose(got["mean_line"], want["mean_line"], rel_tol=1e-12)
        assert math.isclose(got["sd_line"], want["sd_line"], rel_tol=1e-9, abs_tol=1e-9)
        assert got["invoices"] == want["invoices"]  # no invoice is in both
    # What is odd depends on what a model has seen, so judgements are those of the parts.
    judgements = {"score", "flagged", "cancels", "cancelled_by"}
    for what in ("customer", "invoice"):
        merged, whole = ([{n: row[n] for n in row if n not in judgements} for row in rows]
                         for rows in (ask(what, db=parts), ask(what)))
        assert merged == whole
    assert ask("customer", "14862", db=parts) == ask("customer", "14862")
    top = ask("top", "--window", "day", "--dimension", "stock_code", "--limit", "0", db=parts)
    assert [r["revenue"] for r in top] == [
        r["revenue"] for r in ask("top", "--window", "day", "--dimension", "stock_code",
                                  "--limit", "0")]


def test_lists_of_several_databases_name_the_database(tillstream, tmp_path, ask):
    paths = []
    for name in "ab":
        source = write_sales(tmp_path / f"{name}.ndjson",
                             [sale(name, "2011-01-03T10:00:00Z"), "{bad " + name])
        paths.append(str(tmp_path / f"{name}.db"))
        tillstream("run", source, "--db", paths[-1])
    rows = ask("rejects", db=paths)
    assert [(r["db"], r["raw"]) for r in rows] == list(zip(paths, ["{bad a", "{bad b"]))
    assert [r["db"] for r in ask("rejects", "--limit", "1", db=paths)] == paths[1:]
    dbs = ("--db", paths[0], "--db", paths[1])
    done = tillstream("query", "progress", *dbs)
    assert "read 4 = aggregated 2 + late 0 + rejected 2 + pending 0\n" in done.stdout
    assert "total" in done.stdout


# ---- being called wrongly ----

@pytest.mark.parametrize("args, status, words", [
    (["aggregates", "--window", "dya"], 2, ['"dya"', "did you mean day?", "last24h"]),
    (["top", "--dimension", "contry"], 2, ["did you mean country?"]),
    (["rejects", "--window", "day"], 2, ["query rejects takes no --window"]),
    (["progress", "--limit", "3"], 2, ["takes no --limit"]),
    (["late", "12"], 2, ['not "12"']),
    (["customer", "1", "--key", "1"], 2, ["either --key or"]),
    (["customer", "--by", "sd_line"], 2, ["can't be ordered --by sd_line"]),
    (["aggregates", "--from", "yesterday"], 2, ['--from: "yesterday" is no date', "2011-12-09"]),
    (["aggregates", "--from", "2011-01-02", "--to", "2011-01-02"], 2, ["is not before --to"]),
    (["customers"], 2, ["did you mean customer?"]),
    ([], 2, ["WHAT"]),
])
def test_wrong_questions_are_explained(shop, tillstream, args, status, words):
    done = tillstream("query", *args, "--db", shop, status=status)
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_missing_or_foreign_database_is_named(tillstream, tmp_path):
    missing = tmp_path / "missing.db"
    done = tillstream("query", "top", "--db", missing, status=1)
    assert str(missing) in done.stderr and "tillstream run" in done.stderr
    assert list(tmp_path.iterdir()) == []
    foreign = tmp_path / "foreign.db"
    db = sqlite3.connect(foreign)
    db.execute("CREATE TABLE t(x)")
    db.commit()
    db.close()
    done = tillstream("query", "top", "--db", foreign, status=1)
    assert "another program" in done.stderr
    text = tmp_path / "text.db"
    text.write_text("Invoice,Price\n" * 100)
    done = tillstream("query", "top", "--db", text, status=1)
    assert "not a SQLite database" in done.stderr


def test_a_database_without_sales_says_so(tillstream, tmp_path, tmp_db):
    empty = tmp_path / "empty.ndjson"
    empty.write_text("")
    tillstream("run", empty, "--db", tmp_db)
    done = tillstream("query", "top", "--db", tmp_db, status=None)
    assert done.returncode in (0, 1)
    assert "(no rows)" in done.stdout or "no windows yet" in done.stderr


# ---- beside a run ----

def test_a_query_creates_nothing(shop, tillstream, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(shop, copy / "x.db")
    tillstream("query", "top", "--db", copy / "x.db")
    assert [p.name for p in copy.iterdir()] == ["x.db"]


def test_a_running_and_a_killed_run_can_be_asked(program, environment, tmp_path, tmp_db, ask, repo):
    lines = (repo / "notebooks-data/sample.ndjson").read_text().splitlines(keepends=True)
    source = tmp_path / "live.ndjson"
    source.write_text("".join(lines[:1000]))
    run = subprocess.Popen([program, "run", source, "--follow", "--db", tmp_db],
                           env=environment(), stderr=subprocess.DEVNULL)
    try:
        for wanted in (1000, 2000):
            deadline = time.monotonic() + 20
            read = 0
            while read < wanted and time.monotonic() < deadline:
                rows = ask("progress", status=None) if os.path.exists(tmp_db) else []
                read = sum(r["read"] for r in rows)
            assert read == wanted
            if wanted == 1000:
                with source.open("a") as file:
                    file.write("".join(lines[1000:]))
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    row, = ask("aggregates", "--window", "day", "--dimension", "all", "--by", "lines", "--limit",
               "1")
    assert row["lines"] > 0
    assert sum(r["lines"] for r in ask("customer")) + sum(
        r["lines"] for r in ask("aggregates", "--window", "hour", "--dimension", "customer",
                                "--key", "")) == 2000
