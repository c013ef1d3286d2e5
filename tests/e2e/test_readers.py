# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred readers beside a run: each sees whole commits, none waits, none leaves a trace.

Readers are processes with a plain SQLite connection that does not wait at all (timeout 0), so
that one moment of being locked out is an error, and `tillstream query`. What must hold between
the views of one snapshot is in tests/crash/views.py.
"""
import contextlib
import fcntl
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import statistics
import struct
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


class Score:
    """How many snapshots each reader has taken, and the most records it has seen read, so far:
    shared with whoever goes by it."""

    def __init__(self, readers):
        self.taken, self.read = (fork.Array("q", readers, lock=False) for _ in range(2))

    def note(self, number, seen):
        self.taken[number], self.read[number] = seen.snapshots, seen.highest


def read_until(stop, results, score, number, look, db, pace_s, nice):
    rng, seen = random.Random(number), Seen()
    os.nice(nice)
    while not stop.wait(pace_s * (0.5 + rng.random())):
        look(db, seen)
        score.note(number, seen)
    look(db, seen)
    results.put(seen)


class Readers(list):
    """What they have seen, as a list, once they have ended; `score` holds some of it before."""

    def __init__(self, n):
        super().__init__()
        self.score = Score(n)

    def wrong(self):
        return [seen.wrong for seen in self if seen.wrong]


@contextlib.contextmanager
def readers(db, looks, pace_s=1.0, nice=0):
    """One process for each of the looks, as long as the block lasts; yields Readers."""
    stop, results, all_seen = fork.Event(), fork.SimpleQueue(), Readers(len(looks))
    processes = [fork.Process(target=read_until,
                              args=(stop, results, all_seen.score, number, look, db, pace_s, nice))
                 for number, look in enumerate(looks)]
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


def wait_for(condition, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def feed(source, data, score, looks_between):
    """Lets a source grow as fast as readers can follow, however fast the machine is: the next
    lines come when somebody has seen some of the last ones, and all together have looked so many
    times; the last ones when everybody has looked twice. Returns the number of pieces."""
    rng, lines, pieces = random.Random(1), data.splitlines(keepends=True), 0
    with open(source, "ab", buffering=0) as out:
        while lines:
            n = rng.choice((30, 300, 2000))
            if n >= len(lines):
                wait_for(lambda: min(score.taken) >= 2)
            taken, read = sum(score.taken), max(score.read)
            out.write(b"".join(lines[:n]))
            lines, pieces = lines[n:], pieces + 1
            wait_for(lambda: sum(score.taken) >= taken + looks_between and max(score.read) > read)
    return pieces


@contextlib.contextmanager
def following(program, source, db, settings, env):
    """A run that follows a source, and commits often, as long as the block lasts."""
    command = [program, "run", source, "--follow", "--quiet", "--db", db, *settings,
               "--set", "checkpoint=50ms", "--set", "batch_bytes=64KiB"]
    source.touch()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield
        finally:
            process.terminate()
            _, complaint = process.communicate(timeout=300)
    assert (process.returncode, complaint) == (0, "")


@contextlib.contextmanager
def staying(db):
    """One more reader, connected as long as the block lasts. Where all connections are gone, the
    first to come puts the log's index in order; who comes at that moment must wait for it."""
    with contextlib.closing(views.connect(db)) as connection:
        connection.execute("SELECT read FROM progress").fetchall()
        yield connection


def test_a_hundred_readers_see_whole_commits(program, environment, shop_file, tmp_path):
    whole, settings = shop_file
    db, source = tmp_path / "db" / "shop.db", tmp_path / "growing.ndjson"
    looks = [look_plainly] * READERS + [look_with(program, environment)] * QUERIES
    db.parent.mkdir()
    with (contextlib.ExitStack() as longer,
          readers(db, looks, pace_s=0.5, nice=5) as all_seen):
        time.sleep(0.3)
        assert not files_of(db)  # they wait for it, and make nothing
        with following(program, source, db, settings, environment()):
            pieces = feed(source, whole.read_bytes(), all_seen.score, looks_between=20)
            longer.enter_context(staying(db))
    assert all_seen.wrong() == []
    stages = set().union(*(seen.stages for seen in all_seen))
    print(f"{sum(seen.snapshots for seen in all_seen)} snapshots of {len(stages)} commits")
    assert len(stages) >= pieces > 30


FLOCK = struct.Struct("hhqqi4x")  # struct flock, as 64-bit Linux has it
PENDING_BYTE, LOCK_BYTES = 0x40000000, 512  # where SQLite locks: a reader must get in there


def watch_locks(stop, results, db):
    """Asks all the time whether a reader would be kept out; takes no lock itself."""
    question = FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, PENDING_BYTE, LOCK_BYTES, 0)
    asked = kept_out = 0
    with open(db, "rb") as file:
        while not stop.is_set():
            for _ in range(1000):
                kind, *_ = FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, question))
                kept_out += kind != fcntl.F_UNLCK
            asked += 1000
    results.put((asked, kept_out))


@contextlib.contextmanager
def lock_watch(db):
    """Yields a list that holds (questions asked, answers that somebody would be kept out)."""
    stop, results, found = fork.Event(), fork.SimpleQueue(), []
    watcher = fork.Process(target=watch_locks, args=(stop, results, db))
    watcher.start()
    try:
        yield found
    finally:
        stop.set()
        found += results.get()
        watcher.join()


@pytest.fixture
def few_sales(program, tmp_path):
    shop.write(program, tmp_path / "few.ndjson", 300, seed=22)
    return tmp_path / "few.ndjson"


def test_a_run_that_begins_or_ends_locks_nobody_out(tillstream, few_sales, tmp_db):
    """Not for a microsecond: a reader that does not wait would get "database is locked"."""
    tillstream("run", few_sales, "--db", tmp_db)
    with lock_watch(tmp_db) as found:
        for _ in range(30):
            tillstream("run", few_sales, "--db", tmp_db)
            tillstream("query", "progress", "--db", tmp_db)
            tillstream("late", "--merge", "--db", tmp_db)
            tillstream("state", "--db", tmp_db)
    asked, kept_out = found
    assert asked > 0 and kept_out == 0


def test_runs_that_come_and_go_are_not_noticed(tillstream, few_sales, tmp_db):
    """By readers that do not wait."""
    tillstream("run", few_sales, "--db", tmp_db)
    with staying(tmp_db), readers(tmp_db, [ONE_ROW] * 8, pace_s=0.001) as all_seen:
        for _ in range(30):
            tillstream("run", few_sales, "--db", tmp_db)
    assert all_seen.wrong() == []
    assert all(seen.snapshots for seen in all_seen)


def test_questions_after_a_kill_wait_for_each_other(program, crash_build, environment, shop_file,
                                                    tmp_db):
    """The first of them puts the log's index in order, which takes as long as the log is."""
    source, settings = shop_file
    killed = subprocess.run([crash_build / "tillstream", "run", source, "--db", tmp_db, *settings,
                             "--set", "checkpoint_records=500", "--set", "batch_bytes=64KiB"],
                            check=False, env=environment({"CRASH_AT": "after_durable:30"}))
    assert killed.returncode == -signal.SIGKILL
    assert tmp_db.with_name(f"{tmp_db.name}-wal").stat().st_size > 1 << 20
    questions = [subprocess.Popen([program, "query", "progress", "--format", "csv", "--db", tmp_db],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=environment()) for _ in range(16)]
    answers = {question.communicate(timeout=300) for question in questions}
    assert {question.returncode for question in questions} == {0}
    assert len(answers) == 1


def test_a_torn_commit_would_be_seen(crash_build, environment, shop_file, tmp_path, tmp_db):
    """Readers beside a broken twin, which commits results before positions, find it out."""
    whole, settings = shop_file
    source = tmp_path / "growing.ndjson"
    with readers(tmp_db, [look_plainly] * 20, pace_s=0.03) as all_seen:
        with following(crash_build / "twin_twice", source, tmp_db, settings, environment()):
            feed(source, whole.read_bytes(), all_seen.score, looks_between=20)
    assert any("hours add up" in wrong for wrongs in all_seen.wrong() for wrong in wrongs)


def test_readers_leave_no_trace(tillstream, shop_file, tmp_db):
    source, settings = shop_file
    tillstream("run", source, "--db", tmp_db, *settings)
    before, content = files_of(tmp_db), tmp_db.read_bytes()
    with staying(tmp_db), readers(tmp_db, [look_plainly] * 20, pace_s=0.05) as all_seen:
        for _ in range(5):
            tillstream("query", "progress", "--db", tmp_db)
    assert all_seen.wrong() == []
    assert (files_of(tmp_db), tmp_db.read_bytes()) == (before, content)


def test_a_snapshot_that_is_kept_stays_as_it_is_and_stops_nobody(program, environment, shop_file,
                                                                 tmp_path, tmp_db):
    """A reader opens a transaction and goes for lunch; the run goes on and ends all the same."""
    whole, settings = shop_file
    source, data = tmp_path / "growing.ndjson", whole.read_bytes()
    half = data.index(b"\n", len(data) // 2) + 1
    counts = "SELECT total(read), (SELECT count(*) FROM aggregates) FROM progress"
    with following(program, source, tmp_db, settings, environment()):
        with readers(tmp_db, [look_plainly] * 3, pace_s=0.02) as all_seen:
            feed(source, data[:half], all_seen.score, looks_between=1)
            with contextlib.closing(views.connect(tmp_db)) as reader:
                reader.execute("BEGIN")
                then = reader.execute(counts).fetchone()
                feed(source, data[half:], all_seen.score, looks_between=1)
                assert reader.execute(counts).fetchone() == then
                reader.execute("COMMIT")
                assert reader.execute(counts).fetchone() > then
    assert all_seen.wrong() == []


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


def but_recovery(all_seen):
    """What was wrong but for the moment after the run, when nobody else holds the database."""
    return [what for seen in all_seen for what in seen.wrong if "BUSY_RECOVERY" not in what]


@pytest.mark.long
@pytest.mark.parametrize("what", ["one row", "a page", "tillstream query"])
def test_how_much_a_hundred_readers_slow_a_run(what, program, environment, tmp_path):
    """Each of them once a second. They want processors, too, and caches: that is the same when
    they read another database. What they cost the run beyond that is judged by its CPU time, the
    least of five: whatever else the machine does can only add to it."""
    source, other = tmp_path / "till.csv", tmp_path / "other.db"
    alone, elsewhere, beside = [], [], []
    with open(source, "wb") as out:
        subprocess.run([program, "generate", "--format", "csv", "--records", "300000"],
                       check=True, stdout=out)
    look = {"one row": ONE_ROW, "a page": A_PAGE,
            "tillstream query": look_with(program, environment)}[what]
    timed([program, "run", source, "--quiet", "--db", other], environment())
    for n in range(5):
        db = tmp_path / f"{n}.db"
        run = [program, "run", source, "--quiet", "--db"]
        alone.append(timed([*run, tmp_path / f"alone{n}.db"], environment()))
        with staying(other), readers(other, [look] * 100, nice=19):
            elsewhere.append(timed([*run, tmp_path / f"elsewhere{n}.db"], environment()))
        with readers(db, [look] * 100, nice=19) as all_seen:
            beside.append(timed([*run, db], environment()))
        assert but_recovery(all_seen) == []
    (wall, _), (wall_elsewhere, _), (wall_beside, _) = map(medians, (alone, elsewhere, beside))
    cpu, cpu_elsewhere, cpu_beside = (min(cpu for _, cpu in times)
                                      for times in (alone, elsewhere, beside))
    print(f"100 readers ({what}), each once a second: {wall:.2f} s alone, {wall_elsewhere:.2f} s "
          f"while they read another database, {wall_beside:.2f} s while they read this one; CPU of "
          f"the run {cpu:.2f} s, {cpu_elsewhere:.2f} s, {cpu_beside:.2f} s "
          f"(x {cpu_beside / max(cpu, cpu_elsewhere):.3f})")
    assert cpu_beside <= 1.1 * max(cpu, cpu_elsewhere)


def one_that_keeps_its_snapshot():
    """A look that takes one as soon as there is something to see, and sits on it to the end."""
    kept = []

    def look(db, seen):
        with contextlib.suppress(sqlite3.OperationalError):
            if not kept:
                connection = views.connect(db)
                connection.execute("BEGIN")
                connection.execute("SELECT read FROM progress").fetchall()
                kept.append(connection)
        seen.snapshots = len(kept)

    return look


@pytest.mark.long
def test_a_snapshot_that_is_kept_does_not_slow_a_run(program, environment, tmp_path):
    """The log can't start over then, and grows; the run does not wait for it again and again."""
    source, alone, beside, logs = tmp_path / "till.csv", [], [], []
    with open(source, "wb") as out:
        subprocess.run([program, "generate", "--format", "csv", "--records", "2000000"],
                       check=True, stdout=out)
    for n in range(3):
        run = [program, "run", source, "--quiet", "--set", "checkpoint=50ms", "--db"]
        alone.append(timed([*run, tmp_path / "alone.db"], environment()))
        db = tmp_path / f"{n}.db"
        with readers(db, [one_that_keeps_its_snapshot()]):
            beside.append(timed([*run, db], environment()))
        logs.append(db.with_name(f"{db.name}-wal").stat().st_size)
        (tmp_path / "alone.db").unlink()
    (wall, _), (wall_beside, _) = medians(alone), medians(beside)
    print(f"{wall:.2f} s alone, {wall_beside:.2f} s beside a snapshot that is kept, which left "
          f"{max(logs) / 1e6:.0f} MB of log")
    assert max(logs) > 128 << 20
    assert wall_beside <= 1.5 * wall
