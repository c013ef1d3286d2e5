# SPDX-License-Identifier: GPL-3.0-or-later
"""A database whose bytes were changed: refused with what to do, or right, and never a crash.

Saved state and the ledger carry checksums: a change there that matters is always noticed. What
SQLite keeps without any (rows of results, texts of keys) may come out changed; there only crashes,
hangs and sentences that help nobody are looked for. The program is the one with sanitizers where
`make VARIANT=asan` has built it.
"""
import contextlib
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess

import pytest

import saved
import shop
import views

ROUNDS = int(os.environ.get("DAMAGE_ROUNDS", "40"))
LONG_ROUNDS = int(os.environ.get("DAMAGE_ROUNDS_LONG", "1000"))
TELLS_WHAT_TO_DO = re.compile(r"restore|move it away|name another|another with --db|start again|"
                              r"newer tillstream|run the source again|start a run|put the whole file back",
                              re.IGNORECASE)
SANITIZERS = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=99"}
HANGS_S = 60


@pytest.fixture(scope="module")
def checked_program(repo, program):
    checked = repo / "build/asan/tillstream"
    return str(checked) if checked.exists() else program


@pytest.fixture(scope="module")
def stopped(program, tmp_path_factory):
    """A shop in the middle of its source: state in parts, a ledger after them, a filled pen."""
    folder = tmp_path_factory.mktemp("stopped")
    shop.write_settings(folder / saved.SETTINGS)
    lines = saved.make_sales(program)
    made = saved.Shop(program, folder, b"".join(lines), saved.cuts_of(lines))
    made.begin()
    made.grow(len(made.sales))
    return made


@pytest.fixture(scope="module")
def truth(stopped, tmp_path_factory):
    """The results before the damage, and at the end of the source."""
    whole = copy_of(stopped, tmp_path_factory.mktemp("whole"))
    before = results(whole.db)
    whole.call("run", saved.SOURCE, "--quiet", "-c", saved.SETTINGS)
    return before, results(whole.db)


def results(db):
    """Of every view but the place of the source, which is another in every copy."""
    with contextlib.closing(views.connect(db)) as reader:
        return [sorted(reader.execute(question).fetchall(), key=repr) for question in (
            "SELECT * FROM aggregates", "SELECT * FROM invoices", "SELECT * FROM customers",
            "SELECT position, reason, raw FROM rejects",
            "SELECT position, reason, event_time, window_start, record FROM late",
            "SELECT shard, position, read, aggregated, late, rejected, pending, duplicates,"
            " watermark FROM progress")]


def copy_of(stopped, folder):
    """The stopped shop in another folder, its source at hand."""
    for name in (saved.SOURCE, saved.SETTINGS, saved.DB):
        shutil.copyfile(stopped.folder / name, folder / name)
    made = saved.Shop(stopped.program, folder, stopped.sales, stopped.cuts)
    saved.take_over(made)
    for end in ("-wal", "-shm"):
        pathlib.Path(f"{made.db}{end}").unlink(missing_ok=True)
    return made


class Case:
    """One database that was damaged, and what the program says to it."""

    def __init__(self, program, shop, what):
        self.program, self.shop, self.what = program, shop, what

    def say(self, *args):
        env = {k: v for k, v in os.environ.items() if not k.startswith("TILLSTREAM_")}
        done = subprocess.run([self.program, *args, "--db", saved.DB], cwd=self.shop.folder,
                              check=False, capture_output=True, timeout=HANGS_S,
                              env={**env, **SANITIZERS}, stdin=subprocess.DEVNULL)
        said = done.stderr.decode(errors="replace")
        assert done.returncode in (0, 1), f"{self.what}: {args}: {done.returncode}: {said[-3000:]}"
        if done.returncode == 1:
            last = said.splitlines()[-1]
            assert last.startswith("tillstream: "), f"{self.what}: {args}: {said}"
            assert TELLS_WHAT_TO_DO.search(last), f"{self.what}: {args}: {said}"
        return done.returncode, said

    def ask(self):
        statuses = [self.say(*args)[0] for args in (
            ("state",), ("query", "progress"), ("query", "top", "--window", "last7d", "--by", "lines"),
            ("query", "aggregates", "--limit", "1000000", "--format", "csv"))]
        return not any(statuses)

    def run(self):
        return self.say("run", saved.SOURCE, "--quiet", "-c", saved.SETTINGS)


def flip(rng, data):
    """Some bytes of it changed, zeroed, or moved."""
    data = bytearray(data)
    kind = rng.randrange(4) if len(data) > 8 else 0
    at = rng.randrange(len(data))
    if kind == 0:
        for _ in range(rng.choice((1, 1, 2, 5))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff))
    elif kind == 2:
        n = min(rng.choice((1, 8, 64)), len(data) - at)
        data[at:at + n] = bytes(n)
    else:
        del data[at:at + rng.choice((1, 3, len(data)))]
    return bytes(data)


def change(shop, sql, *values):
    with contextlib.closing(sqlite3.connect(shop.db)) as db:
        assert db.execute(sql, values).rowcount == 1
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rows_of(shop, sql):
    with contextlib.closing(sqlite3.connect(shop.db)) as db:
        return db.execute(sql).fetchall()


def damage_state(rng, shop):
    """A part of the state: its bytes, checksum, version or name; or it is gone."""
    rowid, name, version, crc, data = rng.choice(rows_of(
        shop, "SELECT rowid, name, version, crc32, data FROM state"))
    column, now = rng.choice([
        ("data", flip(rng, data)), ("data", flip(rng, data)), ("data", flip(rng, data)),
        ("crc32", crc ^ 1 << rng.randrange(32)), ("version", version + rng.choice((-1, 1, 2**32))),
        ("name", flip(rng, name.encode()).decode(errors="replace")), ("gone", None)])
    if column == "gone" and name.startswith("models/"):
        column, now = "crc32", crc + 1
    if now in (data, crc, version, name):
        column, now = "data", data + b"\0"
    if column == "gone":
        change(shop, "DELETE FROM state WHERE rowid = ?", rowid)
    else:
        with contextlib.suppress(sqlite3.IntegrityError):  # the name of another part
            change(shop, f"UPDATE state SET {column} = ? WHERE rowid = ?", now, rowid)
    return f"state {name}: {column} {now!r}"


def damage_ledger(rng, shop):
    """The last chunk: it is not in the windows' parts yet."""
    seq, sales, crc, data = rows_of(
        shop, "SELECT seq, sales, crc32, data FROM ledger ORDER BY seq DESC LIMIT 1")[0]
    column, now = rng.choice([
        ("data", flip(rng, data)), ("sales", sales + 1), ("crc32", crc ^ 1 << rng.randrange(32)),
        ("seq", seq + rng.choice((1, 2**40))), ("gone", None)])
    if now == data:
        column, now = "data", data + b"\0"
    if column == "gone":
        change(shop, "DELETE FROM ledger WHERE seq = ?", seq)
    else:
        change(shop, f"UPDATE ledger SET {column} = ? WHERE seq = ?", now, seq)
    return f"ledger {seq}: {column} {now!r}"


def damage_columns(rng, shop):
    """A value of a table that has no checksum, as no program of ours would write it."""
    table = rng.choice(("key", "invoice", "customer", "source", "shard", "series", "dedup", "meta",
                        "late_sale", "reject", "requests", "rows_%"))
    names = [name for name, in rows_of(
        shop, f"SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '{table}'")]
    name = rng.choice(names)
    column = rng.choice(rows_of(shop, f"PRAGMA table_info(\"{name}\")"))[1]
    value = rng.choice((None, 0, -1, 1, 2**31, 2**32, 2**62, -2**63, 2**63 - 1, 1e300, "", "x",
                        "123456789012345678901234567890", b"", b"\xff" * 9, bytes(300)))
    with contextlib.closing(sqlite3.connect(shop.db)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        with contextlib.suppress(sqlite3.IntegrityError):
            n = db.execute(f"SELECT count(*) FROM \"{name}\"").fetchone()[0]
            key = db.execute(f"SELECT * FROM \"{name}\" LIMIT 1 OFFSET {rng.randrange(max(n, 1))}"
                             ).fetchone()
            first = db.execute(f"SELECT name FROM pragma_table_info('{name}')").fetchone()[0]
            if key:
                db.execute(f"UPDATE \"{name}\" SET \"{column}\" = ? WHERE \"{first}\" IS ?",
                           (value, key[0]))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return f"{name}.{column} = {value!r}"


def damage_file(rng, shop):
    """The file itself, wherever it may be."""
    data = bytearray(shop.db.read_bytes())
    page, pages = 8192, len(data) // 8192
    kind = rng.randrange(8)
    if kind == 0:
        del data[rng.randrange(len(data)):]
    elif kind == 1:
        a, b = (page * rng.randrange(pages) for _ in range(2))
        data[a:a + page], data[b:b + page] = data[b:b + page], data[a:a + page]
    elif kind == 2:
        at = page * rng.randrange(pages)
        data[at:at + page] = bytes(page) if rng.random() < 0.5 else rng.randbytes(page)
    elif kind < 5:  # the head of a page, where the tree is
        at = page * rng.randrange(pages)
        data[at:at + 24] = flip(rng, data[at:at + 24]).ljust(24, b"\0")[:24]
    else:
        for _ in range(rng.choice((1, 3, 30))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    shop.db.write_bytes(data)
    return f"file, kind {kind}"


def noticed(case, truth):
    """Damage that a checksum covers: what is shown is right, and a run refuses or is right."""
    before, end = truth
    assert case.ask(), case.what
    assert results(case.shop.db) == before, case.what
    status, said = case.run()
    if status == 0:
        assert results(case.shop.db) == end, f"{case.what}: not noticed"
    else:
        assert results(case.shop.db) == before, f"{case.what}: {said}"


def endured(case, truth):
    """Other damage: whatever comes of it, it is no crash, and no run that never ends."""
    del truth
    case.ask()
    case.run()
    case.say("late", "--merge")


@pytest.mark.parametrize("damage, judged", [
    (damage_state, noticed), (damage_ledger, noticed), (damage_columns, endured),
    (damage_file, endured)])
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(LONG_ROUNDS, marks=pytest.mark.long)])
def test_damage(damage, judged, rounds, checked_program, stopped, truth, tmp_path):
    first = int(os.environ.get("SEED") or 1)
    for seed in range(first, first + rounds):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made, rng = copy_of(stopped, folder), random.Random(seed)
        case = Case(checked_program, made, f"seed {seed}")
        case.what += f": {damage(rng, made)}"
        judged(case, truth)
        shutil.rmtree(folder)
