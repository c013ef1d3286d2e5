#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved state of a release: how it is made, unpacked, and gone on with. See README.md.

    tests/state/saved.py [--program build/release/tillstream] 0.1.0

writes tests/state/0.1.0: what `program` has saved in the middle of a source. Its tests are in
tests/e2e/test_saved_state.py.
"""
import argparse
import contextlib
import datetime
import json
import lzma
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))  # shop, views
import shop  # noqa: E402
import views  # noqa: E402

LINES, SPARSE, SEED = 500, 18, 11  # lines; one of so many that the shop has
HOLIDAY = datetime.timedelta(days=10)
WAITING = 5  # in the pen: it opens at 20
LIMIT_S = 300
MOST_BYTES = 100_000  # of all that a release adds to the repository
DB, SOURCE, SETTINGS = "shop.db", "sales.ndjson", "settings.json"


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("TILLSTREAM_")}


class Shop:
    """A folder with the files of one shop, and a program that works in it."""

    def __init__(self, program, folder, sales, cuts):
        self.program, self.folder = str(program), pathlib.Path(folder)
        self.sales, self.cuts = sales, cuts
        self.db = self.folder / DB

    def call(self, *args):
        return subprocess.run([self.program, *args, "--db", DB], cwd=self.folder, check=True,
                              env=environment(), timeout=LIMIT_S, capture_output=True, text=True)

    def grow(self, until):
        with open(self.folder / SOURCE, "ab") as out:
            out.write(self.sales[out.tell():until])

    def position(self):
        if not self.db.exists():
            return 0
        with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True,
                                                timeout=LIMIT_S)) as db:
            try:
                return db.execute("SELECT max(position) FROM progress").fetchone()[0] or 0
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error) and "READONLY" not in error.sqlite_errorname:
                    raise
                return 0

    def follow(self, until):
        """Counts what the source has up to there, and is stopped in the middle of it."""
        self.grow(until)
        with subprocess.Popen([self.program, "run", SOURCE, "--follow", "--quiet", "-c", SETTINGS,
                               "--db", DB], cwd=self.folder, env=environment()) as process:
            end = time.monotonic() + LIMIT_S
            while self.position() < until and process.poll() is None:
                if time.monotonic() > end:
                    process.kill()
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
        if process.returncode or self.position() < until:
            sys.exit(f"the run ended with status {process.returncode} at {self.position()}")

    def begin(self):
        """From nothing to the state that is saved: late sales merged, which writes all windows,
        and sales counted since, which are in the ledger alone; some wait in the pen."""
        self.follow(self.cuts[0])
        self.call("late", "--merge")
        self.follow(self.cuts[1])

    def go_on(self):
        """From there to the end of the source, and the late sales of the rest."""
        self.grow(len(self.sales))
        self.call("run", SOURCE, "--quiet", "-c", SETTINGS)
        at_end = views.digests(self.db, judged=False)
        self.call("late", "--merge")
        return at_end, views.digests(self.db, judged=False)


def name_source(db, path):
    """A database knows the files it has read by their places, which differ here."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE source SET path = ?", (f"file:{path}" if path else SOURCE,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def load(release):
    """(sales, where they were cut, digests of the views then)"""
    kept = json.loads((release / "expected.json").read_text())
    return (lzma.decompress((release / f"{SOURCE}.xz").read_bytes()), kept["cuts"],
            {view: tuple(made) for view, made in kept["views"].items()})


def empty_shop(program, release, folder):
    """The shop of a release on its first day."""
    sales, cuts, _ = load(release)
    folder.mkdir()
    (folder / SETTINGS).write_bytes((release / SETTINGS).read_bytes())
    return Shop(program, folder, sales, cuts)


def saved_shop(program, release, folder):
    """The shop of a release with what that release had saved."""
    made = empty_shop(program, release, folder)
    made.grow(made.cuts[1])
    made.db.write_bytes(lzma.decompress((release / f"{DB}.xz").read_bytes()))
    return made


def take_over(made):
    """Its source is the file here."""
    name_source(made.db, (made.folder / SOURCE).resolve())


def make_sales(program):
    """Some days of the disturbed shop, few lines a day."""
    made = subprocess.run([program, "generate", "--records", str(LINES * SPARSE), "--seed",
                           str(SEED), "--record-ids"], check=True, capture_output=True)
    sales = [json.loads(line) for line in made.stdout.splitlines()[::SPARSE]]
    lines = list(shop.disturbed(sales, random.Random(SEED)))
    lines[LINES // 10:LINES // 10] = shop.BROKEN
    return [line + b"\n" for line in lines]


def day_of(line):
    """When a sale of the shop was; None: not a sale, or one with a wrong date."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        record = json.loads(line)
        if record.get("RecordID") != "ahead":
            return datetime.datetime.strptime(record["InvoiceDate"], shop.AS_WRITTEN)
    return None


def cuts_of(lines):
    """After a third, and after the holiday, where the first sales wait in the pen."""
    newest, waiting, at, third = None, 0, 0, 0
    for number, line in enumerate(lines):
        day, at = day_of(line), at + len(line)
        third = third if number > len(lines) // 3 else at
        after = day and newest and day - newest > HOLIDAY
        waiting = waiting + 1 if after else 0 if day else waiting
        if waiting == WAITING:
            return [third, at]
        newest = newest if after or not day else max(day, newest or day)
    sys.exit("no holiday in these sales")


def write_release(program, release):
    release.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lines = make_sales(program)
        sales = b"".join(lines)
        shop.write_settings(folder / SETTINGS)
        made = Shop(program, folder, sales, cuts_of(lines))
        made.begin()
        name_source(made.db, None)
        with contextlib.closing(views.connect(made.db)) as db:
            pending, merged = (views.one_number(db, sql) for sql in (
                "SELECT sum(pending) FROM progress",
                "SELECT count(*) FROM late WHERE merged_at IS NOT NULL"))
        if pending < WAITING or not merged:
            sys.exit(f"{pending} sales wait and {merged} are merged: this shop shows too little")
        packed = {f"{DB}.xz": made.db.read_bytes(), f"{SOURCE}.xz": sales}
        for name, data in packed.items():
            (release / name).write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
        (release / SETTINGS).write_bytes((folder / SETTINGS).read_bytes() + b"\n")
        (release / "expected.json").write_text(json.dumps(
            {"cuts": made.cuts, "views": views.digests(made.db)}, indent=1) + "\n")
    size = sum(path.stat().st_size for path in release.iterdir())
    print(f"{release}: {size} bytes")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/tillstream")
    parser.add_argument("release", help="a version, as in CHANGELOG.md")
    args = parser.parse_args()
    write_release(pathlib.Path(args.program).resolve(), HERE / args.release)


if __name__ == "__main__":
    main()
