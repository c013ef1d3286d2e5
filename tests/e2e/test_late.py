# SPDX-License-Identifier: GPL-3.0-or-later
"""tillstream late: sales that came too late, counted after all, exactly once.

The yardstick is a run over the same sales that waits for all of them (allowed_lateness 300d):
once everything late is merged, it must show the same rows, but for `version`.
"""
import datetime
import json
import random
import signal
import sqlite3
import subprocess
import time

import pytest

START = datetime.datetime(2011, 1, 1)
MEASURES = ("window, dimension, key, window_start, window_end, lines, invoices, customers, units,"
            " revenue_micros, return_lines, return_units, return_revenue_micros, min_line,"
            " max_line, sd_line, p50_line, p90_line, p99_line, final")
# An invoice's or customer's customer and country are those of its first or latest sale: these
# depend on the order of acceptance.
SAME = [f"SELECT {MEASURES} FROM aggregates ORDER BY 1, 2, 4, 3",
        "SELECT invoice, first_time, last_time, lines, units, revenue_micros, n_customers,"
        " n_countries FROM invoices ORDER BY 1",
        "SELECT customer, first_time, last_time, lines, invoices, units, revenue_micros,"
        " return_revenue_micros FROM customers ORDER BY 1"]
VIEWS = ["aggregates", "invoices", "customers", "rejects", "late", "progress"]
CLOCK = {"seen_at", "updated_at", "millis_behind"}
WINDOWS = [
    {"name": "hour", "type": "tumbling", "size": "1h"},
    {"name": "month", "type": "tumbling", "size": "1mo"},
    {"name": "six", "type": "sliding", "size": "6h", "slide": "1h", "keep": "history"},
    {"name": "odd", "type": "sliding", "size": "90m", "slide": "35m", "keep": "history"},
    {"name": "last24h", "type": "sliding", "size": "24h", "slide": "1h"},
    {"name": "today", "type": "cumulative", "size": "1d", "step": "1h"},
    {"name": "visit", "type": "session", "gap": "30m"},
    {"name": "stay", "type": "session", "gap": "5h"},
    {"name": "brief", "type": "tumbling", "size": "1h", "keep": "2d"},
]


def at(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sale(seconds, invoice="1", quantity=2, price=1.25, customer="17850", country="France",
         stock="85123A"):
    return {"InvoiceNo": invoice, "StockCode": stock, "Quantity": quantity,
            "InvoiceDate": at(seconds), "UnitPrice": price, "CustomerID": customer,
            "Country": country}


def write(path, sales, mode="w"):
    with open(path, mode) as file:
        file.writelines(json.dumps(s) + "\n" for s in sales)
    return path


def select(db, sql):
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def views(db):
    """What every view holds but the clock columns, in no order."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        out = {}
        for view in VIEWS:
            rows = connection.execute(f"SELECT * FROM {view}")
            keep = [i for i, column in enumerate(rows.description) if column[0] not in CLOCK]
            out[view] = sorted(tuple(row[i] for i in keep) for row in rows)
        return out
    finally:
        connection.close()


def assert_balanced(db):
    for read, *parts in select(db, "SELECT read, aggregated, late, rejected, pending FROM progress"):
        assert read == sum(parts)


@pytest.fixture
def configure(tmp_path):
    """configure("name", allowed_lateness="1h", ...) -> path of a configuration."""

    def make(name, **settings):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"dimensions": ["all", "customer", "country+stock_code"],
                                    "max_ahead": "30d", **settings}))
        return path

    return make


def random_sales(rng, n):
    now = rng.randrange(86400 * 3)
    for _ in range(n):
        now += rng.choice([0, 60, 600, 600, 1800, 3600, 7200]) * rng.randrange(4)
        if rng.random() < 0.02:
            now += 86400 * rng.randint(1, 9)
        late = rng.choice([0, 0, 0, 36000, 4 * 86400])
        yield sale(max(0, now - rng.randrange(late + 1)), str(rng.randrange(12)),
                   rng.randint(-3, 9), rng.choice([1.25, 2.55, 0.000001, 99]),
                   rng.choice(["", "17850", "13047", "\u00e9\"\\"]),
                   rng.choice(["France", "United Kingdom"]), rng.choice(["85123A", "POST"]))


@pytest.mark.parametrize("seed", range(12))
def test_merged_sales_give_what_a_patient_run_gives(tillstream, tmp_path, configure, seed):
    rng = random.Random(seed)
    settings = {"windows": rng.sample(WINDOWS, rng.randint(1, len(WINDOWS))),
                "out_of_order": rng.choice(["0s", "5m"])}
    hasty = configure("hasty", allowed_lateness=rng.choice(["0s", "1h", "6h"]), **settings)
    patient = configure("patient", allowed_lateness="300d", **settings)
    for part in range(3):
        source = write(tmp_path / f"{part}.ndjson", random_sales(rng, rng.randint(1, 90)))
        tillstream("run", source, "--db", tmp_path / "hasty.db", "-c", hasty)
        tillstream("run", source, "--db", tmp_path / "patient.db", "-c", patient)
        if part == 2 or rng.random() < 0.5:
            tillstream("late", "--merge", "--db", tmp_path / "hasty.db")
    assert select(tmp_path / "hasty.db", "SELECT count(*) FROM late WHERE merged_at IS NULL"
                  ) == [(0,)]
    for sql in SAME:
        assert select(tmp_path / "hasty.db", sql) == select(tmp_path / "patient.db", sql)
    assert_balanced(tmp_path / "hasty.db")


@pytest.fixture
def shop(tillstream, tmp_path, tmp_db):
    """A database of five days with two late sales of one closed hour and one of another."""
    sales = [sale(h * 3600 + 60, f"{h // 5}", customer=str(h % 3)) for h in range(120)]
    sales += [sale(7200 + 300, "late1", 3), sale(7200 + 400, "late1", -1, customer="7"),
              sale(90000 + 10, "2")]
    tillstream("run", write(tmp_path / "shop.ndjson", sales), "--db", tmp_db)
    return tmp_db


def hour(db, start, dimension="all", key="*"):
    return select(db, f"SELECT lines, invoices, final, version FROM aggregates WHERE window ="
                      f" 'hour' AND dimension = '{dimension}' AND key = '{key}' AND window_start"
                      f" = '{start}'")


def test_versions_count_the_rewrites_and_late_says_when(shop, tillstream):
    assert hour(shop, at(7200)) == [(1, 1, 1, 1)]
    before = views(shop)
    done = tillstream("late", "--merge", "--db", shop)
    assert done.stdout == "counted 3 late sales\n"
    assert hour(shop, at(7200)) == [(3, 2, 1, 2)]
    assert hour(shop, at(7200), "customer", "7") == [(1, 1, 1, 1)]
    assert hour(shop, at(10800)) == [(1, 1, 1, 1)]
    (watermark,), = select(shop, "SELECT watermark FROM progress")
    assert select(shop, "SELECT DISTINCT merged_at FROM late") == [(watermark,)]
    assert select(shop, "SELECT read, aggregated, late, pending FROM progress") == [
        (123, 123, 0, 0)]
    after = views(shop)
    assert len(after["late"]) == len(before["late"]) == 3
    assert select(shop, "SELECT lines, units FROM invoices WHERE invoice = 'late1'") == [(2, 2)]
    assert select(shop, "SELECT lines, invoices FROM customers WHERE customer = '7'") == [(1, 1)]
    assert tillstream("late", "--merge", "--db", shop).stdout == "no late sale to count\n"
    assert views(shop) == after


def test_a_window_narrows_it_to_a_slice_and_a_name_means_all(shop, tillstream):
    done = tillstream("late", "--db", shop, "--window", at(7200))
    assert done.stdout.count(at(7500)) == 1 and at(90000) not in done.stdout
    done = tillstream("late", "--merge", "--db", shop, "--window", at(86400))
    assert done.stdout == "no late sale to count\n"
    done = tillstream("late", "--merge", "--db", shop, "--window", at(7200))
    assert done.stdout == "counted 2 late sales\n"
    assert select(shop, "SELECT late FROM progress") == [(1,)]
    done = tillstream("late", "--merge", "--db", shop, "--window", "day")
    assert done.stdout == "counted 1 late sale\n"
    done = tillstream("late", "--merge", "--db", shop, "--window", "noon", status=2)
    assert "neither a window" in done.stderr


def test_without_merge_they_are_listed(shop, tillstream, tmp_path):
    shown = tillstream("late", "--db", shop).stdout
    assert shown == tillstream("query", "late", "--db", shop).stdout
    assert shown.count("late1") >= 0 and len(shown.splitlines()) == 4
    missing = tmp_path / "missing.db"
    done = tillstream("late", "--merge", "--db", missing, status=1)
    assert "tillstream run" in done.stderr and not missing.exists()


def test_sessions_are_joined_and_the_absorbed_rows_go(tillstream, tmp_path, tmp_db, configure):
    config = configure("c", windows=[{"name": "visit", "type": "session", "gap": "30m"}],
                       dimensions=["customer"])
    minutes = [0, 10, 60, 80, 200]
    sales = [sale(60 * m, str(m)) for m in minutes] + [sale(86400 * 3, "9", customer="other")]
    sales += [sale(60 * 35, "35"), sale(60 * 300, "300")]
    tillstream("run", write(tmp_path / "s.ndjson", sales), "--db", tmp_db, "-c", config)
    visits = ("SELECT window_start, window_end, lines, invoices, final, version FROM aggregates"
              " WHERE key = '17850' ORDER BY 1")
    assert [r[2] for r in select(tmp_db, visits)] == [2, 2, 1]
    tillstream("late", "--merge", "--db", tmp_db)
    assert select(tmp_db, visits) == [
        (at(0), at(60 * 110), 5, 5, 1, 2), (at(60 * 200), at(60 * 230), 1, 1, 1, 1),
        (at(60 * 300), at(60 * 330), 1, 1, 1, 1)]


def test_a_sale_ahead_of_the_watermark_is_left_until_it_has_passed(tillstream, tmp_path, tmp_db):
    sales = [sale(0), sale(40 * 86400, "ahead"), sale(60), sale(120)]
    source = write(tmp_path / "s.ndjson", sales)
    tillstream("run", source, "--db", tmp_db)
    assert select(tmp_db, "SELECT reason FROM late") == [("ahead",)]
    done = tillstream("late", "--merge", "--db", tmp_db)
    assert done.stdout == ("no late sale to count; 1 left, which the watermark has not passed"
                           " yet\n")
    later = write(tmp_path / "later.ndjson", [sale(day * 86400) for day in range(6, 48, 6)])
    tillstream("run", later, "--db", tmp_db)
    assert tillstream("late", "--merge", "--db", tmp_db).stdout == "counted 1 late sale\n"
    assert hour(tmp_db, at(40 * 86400)) == [(1, 1, 1, 1)]


def test_what_was_merged_outlives_restarts_and_new_windows(tillstream, tmp_path, configure):
    rng = random.Random(5)
    parts = [write(tmp_path / f"{i}.ndjson", random_sales(rng, 120)) for i in range(2)]
    narrow = configure("narrow", windows=WINDOWS[:6], allowed_lateness="1h")
    wide = configure("wide", windows=WINDOWS[:6] + WINDOWS[6:8], allowed_lateness="1h")
    patient = configure("patient", windows=WINDOWS[:6], allowed_lateness="300d")
    for part in parts:
        tillstream("run", part, "--db", tmp_path / "patient.db", "-c", patient)
    tillstream("run", parts[0], "--db", tmp_path / "x.db", "-c", narrow)
    tillstream("late", "--merge", "--db", tmp_path / "x.db")
    merged = views(tmp_path / "x.db")
    tillstream("run", parts[0], "--db", tmp_path / "x.db", "-c", narrow)
    assert views(tmp_path / "x.db") == merged
    # With other windows the whole ledger is folded anew, merged sales and all.
    tillstream("run", parts[1], "--db", tmp_path / "x.db", "-c", wide)
    tillstream("late", "--merge", "--db", tmp_path / "x.db")
    names = ", ".join(f"'{w['name']}'" for w in WINDOWS[:6])
    sql = SAME[0].replace("ORDER", f"WHERE window IN ({names}) ORDER")
    assert select(tmp_path / "x.db", sql) == select(tmp_path / "patient.db", sql)
    for sql in SAME[1:]:
        assert select(tmp_path / "x.db", sql) == select(tmp_path / "patient.db", sql)


# ---- beside a run ----

def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def has_read(db, n):
    def check():
        try:
            return select(db, "SELECT coalesce(sum(read), 0) FROM progress") == [(n,)]
        except sqlite3.OperationalError:
            return False
    return check


def test_a_live_run_merges_when_it_is_asked(tillstream, program, environment, tmp_path, tmp_db,
                                            configure):
    rng = random.Random(11)
    first, second = list(random_sales(rng, 150)), list(random_sales(rng, 100))
    hasty = configure("hasty", windows=WINDOWS, allowed_lateness="1h")
    patient = configure("patient", windows=WINDOWS, allowed_lateness="300d")
    source = write(tmp_path / "live.ndjson", first)
    run = subprocess.Popen([program, "run", source, "--follow", "--db", tmp_db, "-c", hasty],
                           env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(has_read(tmp_db, 150))
        late, = select(tmp_db, "SELECT count(*) FROM late")[0]
        done = tillstream("late", "--merge", "--db", tmp_db)
        assert done.stdout == f"counted {late} late sales\n" and late > 3
        (kind, position, result), = select(
            tmp_db, "SELECT kind, applied_position, result FROM requests")
        assert (kind, result) == ("merge", done.stdout.strip())
        assert position == f"file:{source}:{source.stat().st_size}"
        write(source, second, "a")
        wait_for(has_read(tmp_db, 250))
        tillstream("late", "--merge", "--db", tmp_db)
        assert_balanced(tmp_db)
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0, run.stderr.read()
    # What remains open fires at the end of a finite source.
    tillstream("run", source, "--db", tmp_db, "-c", hasty)
    tillstream("run", source, "--db", tmp_path / "patient.db", "-c", patient)
    for sql in SAME:
        assert select(tmp_db, sql) == select(tmp_path / "patient.db", sql)


def test_a_request_nobody_answered_is_applied_by_the_next_run(shop, tillstream, tmp_path):
    db = sqlite3.connect(shop)
    db.execute("INSERT INTO requests(kind, argument, made_at) VALUES('merge', '', 0),"
               " ('merge', 'soon', 0), ('dance', '', 0)")
    db.commit()
    db.close()
    tillstream("run", tmp_path / "shop.ndjson", "--db", shop)
    answers = [row[0] for row in select(shop, "SELECT result FROM requests ORDER BY id")]
    assert answers[0] == "counted 3 late sales"
    assert all(a.startswith("not done: ") for a in answers[1:])
    assert select(shop, "SELECT late, aggregated FROM progress") == [(0, 123)]


# ---- exactly once ----

def killed_merge(program, environment, db, seconds):
    command = subprocess.Popen([program, "late", "--merge", "--db", db], env=environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    command.send_signal(signal.SIGKILL)
    return command.wait() == 0


def test_merging_killed_anywhere_counts_each_sale_once(tillstream, program, environment, tmp_path,
                                                       configure):
    rng = random.Random(3)
    config = configure("c", windows=WINDOWS, allowed_lateness="1h")
    source = write(tmp_path / "s.ndjson", random_sales(rng, 1500))
    tillstream("run", source, "--db", tmp_path / "whole.db", "-c", config)
    began = time.monotonic()
    tillstream("late", "--merge", "--db", tmp_path / "whole.db")
    took = time.monotonic() - began
    wanted = views(tmp_path / "whole.db")
    for round_ in range(4):
        db = tmp_path / f"killed{round_}.db"
        tillstream("run", source, "--db", db, "-c", config)
        for _ in range(8):
            killed_merge(program, environment, db, rng.random() * took * 1.2)
        tillstream("late", "--merge", "--db", db)
        assert views(db) == wanted
        assert_balanced(db)


def test_a_run_killed_while_it_merges_counts_each_sale_once(tillstream, program, environment,
                                                            tmp_path, tmp_db, configure):
    rng = random.Random(4)
    config = configure("c", windows=WINDOWS[:8], allowed_lateness="1h")
    source = write(tmp_path / "s.ndjson", random_sales(rng, 800))
    tillstream("run", source, "--db", tmp_path / "whole.db", "-c", config)
    tillstream("late", "--merge", "--db", tmp_path / "whole.db")
    for _ in range(6):
        run = subprocess.Popen([program, "run", source, "--follow", "--db", tmp_db, "-c", config],
                               env=environment(), stderr=subprocess.DEVNULL)
        wait_for(has_read(tmp_db, 800))
        ask = subprocess.Popen([program, "late", "--merge", "--db", tmp_db], env=environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06)
        run.send_signal(signal.SIGKILL)
        run.wait()
        ask.send_signal(signal.SIGKILL)
        ask.wait()
    tillstream("run", source, "--db", tmp_db, "-c", config)
    tillstream("late", "--merge", "--db", tmp_db)
    for sql in SAME:
        assert select(tmp_db, sql) == select(tmp_path / "whole.db", sql)
    assert select(tmp_db, "SELECT read, aggregated, late FROM progress") == [(800, 800, 0)]
