# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred readers beside a run: each sees whole commits, none waits, none leaves a trace.

Readers are processes with a plain SQLite connection that does not wait at all (timeout 0), so
that one moment of being locked out is an error, and `tillstream query`. What must hold between
the views of one snapshot is in tests/crash/views.py.
"""
import contextlib
import json
import multiprocessing
import os
import random
import sqlite3
import statistics
import subprocess
import time

import pytest

import shop
import views

READERS, QUERIES = 90, 10
fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="session")
def shop_file(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    shop.write(program, folder / "shop.ndjson", 30000, seed=21)
    return folder / "shop.ndjson", shop.write_settings(folder / "shop.json")


class Seen:
    """What one reader has seen: how many snapshots, and what was wrong with them."""

    def __init__(self):
        self.snapshots, self.highest, self.wrong, self.stages = 0, 0, [], set()

    def add(self, read, wrong):
        self.snapshots += 1
        self.stages.add(read)
        if read < self.highest:
            wrong = wrong + [f"{self.highest} records had been read, now {read}"]
        self.highest = max(read, self.highest)
        self.wrong += wrong

    def refused(self, what):
        """Before the first snapshot there may be no database yet; after it that's wrong."""
        if self.snapshots:
            self.wrong.append(what)


def look_plainly(db, seen):
    try:
        with contextlib.closing(views.connect(db)) as reader:
            seen.add(*views.contradictions(reader))
    except sqlite3.OperationalError as error:
        seen.refused(f"{error.sqlite_errorname}: {error}")


def look_with(program, environment):
    """A look by the program's own query."""

    def look(db, seen):
        done = subprocess.run([program, "query", "aggregates", "--window", "hour", "--dimension",
                               "all", "--format", "json", "--limit", "1000000", "--db", db],
                              check=False, capture_output=True, text=True, env=environment())
        if done.returncode or done.stderr:
            seen.refused(f"exit status {done.returncode}: {done.stderr}")
        else:
            seen.add(sum(row["lines"] for row in json.loads(done.stdout)), [])

    return look


def read_until(stop, results, look, db, pace_s, seed, nice):
    rng, seen = random.Random(seed), Seen()
    os.nice(nice)
    while not stop.wait(pace_s * (0.5 + rng.random())):
        look(db, seen)
    look(db, seen)
    results.put(seen)


@contextlib.contextmanager
def readers(db, looks, pace_s=1.0, nice=0):
    """One process for each of the looks; yields a list that holds what they saw at the end."""
    stop, results, all_seen = fork.Event(), fork.SimpleQueue(), []
    processes = [fork.Process(target=read_until,
                              args=(stop, results, look, db, pace_s, seed, nice))
                 for seed, look in enumerate(looks)]
    for process in processes:
        process.start()
    try:
        yield all_seen
    finally:
        stop.set()
        all_seen += [results.get() for _ in processes]
        for process in processes:
            process.join()


def files_of(db):
    return sorted(p.name for p in db.parent.iterdir())


def test_a_hundred_readers_see_whole_commits(program, environment, shop_file, tmp_db):
    source, settings = shop_file
    looks = [look_plainly] * READERS + [look_with(program, environment)] * QUERIES
    command = [program, "run", source, "--quiet", "--db", tmp_db, *settings, "--set",
               "checkpoint=50ms", "--set", "batch_bytes=64KiB"]
    with readers(tmp_db, looks, pace_s=2.0) as all_seen:
        time.sleep(0.3)
        assert not files_of(tmp_db)  # they wait for it, and make nothing
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300,
                              env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert [seen.wrong for seen in all_seen if seen.wrong] == []
    assert all(seen.snapshots for seen in all_seen)
    stages = set().union(*(seen.stages for seen in all_seen))
    print(f"{sum(seen.snapshots for seen in all_seen)} snapshots of {len(stages)} commits")
    assert len(stages) > 3  # they did look while it ran


def test_a_run_that_begins_or_ends_locks_nobody_out(tillstream, shop_file, tmp_db):
    """Opening and closing the store is done beside readers that come and go all the time."""
    source, settings = shop_file
    tillstream("run", source, "--db", tmp_db, *settings)
    with readers(tmp_db, [ONE_ROW] * 8, pace_s=0.001) as all_seen:
        for _ in range(20):
            tillstream("run", source, "--db", tmp_db, *settings)
    assert [seen.wrong for seen in all_seen if seen.wrong] == []


def test_a_torn_commit_would_be_seen(crash_build, environment, shop_file, tmp_db):
    """Readers beside a broken twin, which commits results before positions, find it out."""
    source, settings = shop_file
    with readers(tmp_db, [look_plainly] * 20, pace_s=0.03) as all_seen:
        subprocess.run([crash_build / "twin_twice", "run", source, "--quiet", "--db", tmp_db,
                        *settings, "--set", "checkpoint=50ms", "--set", "batch_bytes=64KiB"],
                       check=True, timeout=300, env=environment())
    assert any("hours add up" in wrong for seen in all_seen for wrong in seen.wrong)


def test_readers_leave_no_trace(tillstream, shop_file, tmp_db):
    source, settings = shop_file
    tillstream("run", source, "--db", tmp_db, *settings)
    before, content = files_of(tmp_db), tmp_db.read_bytes()
    with readers(tmp_db, [look_plainly] * 20, pace_s=0.05) as all_seen:
        for _ in range(5):
            tillstream("query", "progress", "--db", tmp_db)
    assert [seen.wrong for seen in all_seen if seen.wrong] == []
    assert (files_of(tmp_db), tmp_db.read_bytes()) == (before, content)


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def looks_fine(db):
    seen = Seen()
    look_plainly(db, seen)
    return seen.snapshots and seen.highest > 0


def test_a_snapshot_that_is_kept_stays_as_it_is_and_stops_nobody(program, environment, shop_file,
                                                                 tmp_db):
    """A reader opens a transaction early and goes for lunch; the run ends all the same."""
    source, settings = shop_file
    command = [program, "run", source, "--quiet", "--db", tmp_db, *settings,
               "--set", "checkpoint=50ms", "--set", "batch_bytes=16KiB"]
    counts = "SELECT sum(read), (SELECT count(*) FROM aggregates) FROM progress"
    with subprocess.Popen(command, env=environment()) as process:
        wait_for(lambda: looks_fine(tmp_db))
        with contextlib.closing(views.connect(tmp_db)) as reader:
            reader.execute("BEGIN")
            then = reader.execute(counts).fetchone()
            assert process.wait(timeout=300) == 0
            assert reader.execute(counts).fetchone() == then
            reader.execute("COMMIT")
            assert reader.execute(counts).fetchone() > then


# ---- what it costs ----


def asks(*questions):
    """A look that asks these, and doesn't judge the answers."""

    def look(db, seen):
        try:
            with contextlib.closing(views.connect(db)) as reader:
                for question in questions:
                    reader.execute(question).fetchall()
            seen.snapshots += 1
        except sqlite3.OperationalError as error:
            seen.refused(f"{error.sqlite_errorname}: {error}")

    return look


ONE_ROW = asks("SELECT read, watermark FROM progress")
A_PAGE = asks("SELECT * FROM customers WHERE customer = '17850'",
              "SELECT * FROM aggregates WHERE window = 'hour' AND dimension = 'all'"
              " ORDER BY window_start DESC LIMIT 10")


def timed(command, env):
    """(seconds, seconds of CPU) of a command."""
    started = time.monotonic()
    pid = os.posix_spawn(command[0], [str(c) for c in command], env)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime


def medians(times):
    return [statistics.median(column) for column in zip(*times)]


@pytest.mark.long
@pytest.mark.parametrize("nice", [0, 19])
@pytest.mark.parametrize("what", ["one row", "a page", "tillstream query"])
def test_how_much_a_hundred_readers_slow_a_run(what, nice, program, environment, tmp_path):
    """Each of them once a second. Printed, not judged: it says as much about the machine. Where
    readers yield the processor (nice 19), what remains is what they do to each other's files."""
    source, alone, beside = tmp_path / "till.csv", [], []
    with open(source, "wb") as out:
        subprocess.run([program, "generate", "--format", "csv", "--records", "300000"],
                       check=True, stdout=out)
    look = {"one row": ONE_ROW, "a page": A_PAGE,
            "tillstream query": look_with(program, environment)}[what]
    for n in range(3):
        db = tmp_path / f"alone{n}.db"
        alone.append(timed([program, "run", source, "--quiet", "--db", db], environment()))
        db = tmp_path / f"beside{n}.db"
        with readers(db, [look] * 100, nice=nice) as all_seen:
            beside.append(timed([program, "run", source, "--quiet", "--db", db], environment()))
        assert [seen.wrong for seen in all_seen if seen.wrong] == []
    (wall, cpu), (wall_beside, cpu_beside) = medians(alone), medians(beside)
    print(f"100 readers ({what}, nice {nice}), each once a second: {wall:.2f} s alone, "
          f"{wall_beside:.2f} s beside them (x {wall_beside / wall:.2f}); CPU of the run "
          f"{cpu:.2f} s, {cpu_beside:.2f} s (x {cpu_beside / cpu:.2f})")
