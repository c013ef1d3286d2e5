# SPDX-License-Identifier: GPL-3.0-or-later
"""A database is only gone on with by settings that give its results the same meaning."""
import json
import sqlite3

import pytest

SALES = [
    '{"InvoiceNo":"1","Quantity":1,"InvoiceDate":"12/1/2010 8:26","UnitPrice":2.5,"CustomerID":"7"}',
    '{"InvoiceNo":"2","Quantity":2,"InvoiceDate":"12/1/2010 9:26","UnitPrice":2.5,"CustomerID":"8"}',
]


@pytest.fixture
def made(tillstream, tmp_path, tmp_db):
    source = tmp_path / "sales.ndjson"
    source.write_text("\n".join(SALES) + "\n", encoding="utf-8")
    tillstream("run", source, "--db", tmp_db)
    return source


@pytest.mark.parametrize("setting, value", [
    ("timezone", "Europe/London"), ("dimensions", "all,country"), ("date_order", "dmy"),
    ("decimal_point", ","), ("encoding", "latin-1"), ("fields.price", "Price")])
def test_a_setting_with_meaning_is_refused_by_name(tillstream, made, tmp_db, setting, value):
    done = tillstream("run", made, "--db", tmp_db, "--set", f"{setting}={value}", status=1)
    assert f"the setting {setting.split('.')[0]} differs" in done.stderr
    assert "--db" in done.stderr


@pytest.mark.parametrize("change, what", [
    ("windows.hour.size=2h", "size"), ("windows.hour.offset=10m", "offset"),
    ("windows.last24h.slide=2h", "slide"), ("windows.last24h.keep=history", "keep"),
    ('windows.0={"name":"hour","type":"session","gap":"1h"}', "type"),
    ("windows.hour.dimensions=all", "dimensions")])
def test_a_changed_window_is_refused_by_name(tillstream, made, tmp_db, change, what):
    done = tillstream("run", made, "--db", tmp_db, "--set", change, status=1)
    window = "last24h" if "last24h" in change else "hour"
    assert f'the window "{window}" has another' in done.stderr and what in done.stderr


def test_a_window_can_be_added_and_dropped(tillstream, made, tmp_path, tmp_db):
    windows = json.loads(tillstream("config").stdout)["windows"]
    added = [w for w in windows if w["name"] != "day"]
    added.append({"name": "two", "type": "tumbling", "size": "2h"})
    more = tmp_path / "more.ndjson"
    more.write_text(SALES[1].replace('"2"', '"3"') + "\n", encoding="utf-8")
    tillstream("run", more, "--db", tmp_db, "--set", "windows=" + json.dumps(added))
    db = sqlite3.connect(f"file:{tmp_db}?mode=ro", uri=True)
    rows = db.execute("SELECT lines FROM aggregates WHERE window = 'two' AND dimension = 'all'")
    assert [r[0] for r in rows] == [3]
    rows = db.execute("SELECT lines FROM aggregates WHERE window = 'hour' AND dimension = 'all'"
                      " ORDER BY window_start")
    assert [r[0] for r in rows] == [1, 2]
    db.close()


def test_another_head_is_a_new_source_and_says_so(tillstream, made, tmp_db):
    made.write_text(SALES[1].replace('"2"', '"4"') + "\n", encoding="utf-8")
    done = tillstream("run", made, "--db", tmp_db)
    assert "counted as a new source" in done.stderr
    progress = json.loads(tillstream("query", "progress", "--db", tmp_db, "--format", "json").stdout)
    assert sorted(p["read"] for p in progress) == [1, 2]


def test_without_a_source_only_a_pipe_is_read(tillstream, tmp_db):
    done = tillstream("run", "--db", tmp_db, status=2)
    assert "which source?" in done.stderr
    tillstream("run", "--db", tmp_db, input=SALES[0] + "\n")


def test_a_rejected_sum_keeps_the_raw_bytes(tillstream, tmp_path, tmp_db):
    big = ('{"InvoiceNo" : "9","Quantity":1,"InvoiceDate":"12/1/2010 8:30",'
           '"UnitPrice":9223372036854.775807, "x":1}')
    source = tmp_path / "big.ndjson"
    source.write_text(big + "\n" + big + "\n", encoding="utf-8")
    tillstream("run", source, "--db", tmp_db)
    db = sqlite3.connect(f"file:{tmp_db}?mode=ro", uri=True)
    assert db.execute("SELECT raw FROM rejects").fetchall() == [(big,)]
    db.close()
