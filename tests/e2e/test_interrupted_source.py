# SPDX-License-Identifier: GPL-3.0-or-later
"""A source in the middle of which a run was stopped, and what becomes of the sources after it."""
import json
import signal
import sqlite3
import subprocess
import time

import pytest

FIRST, SECOND = (1, 2), (3, 4, 5)  # days of December


def sale(number, day, minute):
    return json.dumps({"InvoiceNo": str(number), "StockCode": "A", "Quantity": 1, "UnitPrice": 1.5,
                       "InvoiceDate": f"2010-12-{day:02d}T{minute // 60:02d}:{minute % 60:02d}:00Z",
                       "CustomerID": "7", "Country": "France"}) + "\n"


def write(path, days):
    path.write_text("".join(sale(1000 * day + minute, day, minute)
                            for day in days for minute in range(480, 1200, 20)))
    return path


@pytest.fixture
def first(tmp_path):
    return write(tmp_path / "first.ndjson", FIRST)


@pytest.fixture
def second(tmp_path):
    return write(tmp_path / "second.ndjson", SECOND)


@pytest.fixture
def follow(program, environment, tmp_db):
    """follow(source, how): follows it until all is counted, then stops; what it said."""

    def until_counted(source, how=signal.SIGTERM):
        with subprocess.Popen([program, "run", source, "--follow", "--db", tmp_db],
                              stderr=subprocess.PIPE, text=True, env=environment()) as process:
            end = time.monotonic() + 60
            while positions(tmp_db).get(source.name) != source.stat().st_size:
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.02)
            process.send_signal(how)
            return process.communicate(timeout=60)[1]

    return until_counted


def ask(db, sql):
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def positions(db):
    if not db.exists():
        return {}
    try:
        return {path.rsplit("/", 1)[-1]: position
                for path, position in ask(db, "SELECT source, position FROM progress")}
    except sqlite3.OperationalError:  # not made yet
        return {}


def open_days(db):
    return [start[:10] for start, in ask(
        db, "SELECT window_start FROM aggregates WHERE window = 'day' AND dimension = 'all'"
        " AND final = 0 ORDER BY 1")]


def waits_for(said, source):
    return f"{source} was not read to its end" in said


def test_one_that_was_read_up_to_then_holds_nothing_back(first, second, follow, tmp_db):
    follow(first)
    said = follow(second)
    assert not waits_for(said, first)
    assert open_days(tmp_db) == ["2010-12-05"]


def test_it_can_still_be_read_on(first, second, follow, tillstream, tmp_db):
    follow(first)
    follow(second)
    with open(first, "a", encoding="utf-8") as out:
        out.write(sale(1, 5, 1190))  # within the lateness of the watermark
        out.write(sale(2, 2, 1190))  # the watermark has moved on
    tillstream("run", first, "--db", tmp_db)
    assert ask(tmp_db, "SELECT sum(aggregated), sum(late) FROM progress") == [(181, 1)]


def test_one_that_was_killed_is_waited_for_and_it_is_said(first, second, follow, tillstream,
                                                          tmp_db):
    follow(first, signal.SIGKILL)
    said = follow(second)
    assert waits_for(said, first)
    assert open_days(tmp_db) == ["2010-12-02", "2010-12-03", "2010-12-04", "2010-12-05"]
    said = tillstream("run", first, "--db", tmp_db).stderr  # to its end
    assert not waits_for(follow(second), first)


def test_one_that_is_gone_can_be_given_up(first, second, follow, tillstream, tmp_db):
    follow(first, signal.SIGKILL)
    first.write_text("")  # as it is told to
    tillstream("run", first, "--db", tmp_db)
    assert not waits_for(follow(second), first)
    assert open_days(tmp_db) == ["2010-12-05"]
    assert ask(tmp_db, "SELECT sum(aggregated) FROM progress") == [(180,)]
