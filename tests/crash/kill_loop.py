#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a run again and again until it has come to the end, and compares what it wrote.

    tests/crash/kill_loop.py [--program build/crash/tillstream] [--kills 200] [--seed 1] SOURCE
        [-- SETTING ...]

Every start is killed at a seeded random time, or at the nth passage of a named place
(engine/crash.h), whichever comes first, and has batches, checkpoints and threads of its own. After
each kill the database must not contradict itself. When a run has come to its end the views must
be those of an undisturbed run; further rounds follow until there were enough kills.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import views

POINTS = ("after_read", "after_judge", "after_fire", "after_fold", "after_parcel",
          "before_commit", "before_durable", "after_durable", "after_commit")
HANGS_S = 300
STARTS = 40  # per kill wanted: more means that it does not come forward


class Failed(Exception):
    """The loop has found something."""


def remove(db):
    for end in ("", "-wal", "-shm", "-lock"):
        pathlib.Path(f"{db}{end}").unlink(missing_ok=True)


def environment(crash_at=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TILLSTREAM_", "CRASH_AT"))}
    if crash_at:
        env["CRASH_AT"] = crash_at
    return env


class Loop:
    """Runs of one program over one source with the same meaning."""

    follow = False

    def __init__(self, program, source, settings=(), *, seed=1, share=0.4, look=True):
        self.program, self.source, self.settings = str(program), str(source), list(settings)
        self.rng = random.Random(seed)
        self.share = share
        self.whole_s = 1.0  # what an undisturbed run takes
        self.read = 0       # in the database at the last look
        self.look_after_kill = look
        self.timed = 0
        self.at = dict.fromkeys(POINTS, 0)
        self.starts = 0

    @property
    def kills(self):
        return self.timed + sum(self.at.values())

    def command(self, db, *more):
        return [self.program, "run", self.source, "--quiet", "--db", str(db), *self.settings, *more]

    def undisturbed(self, db):
        started = time.monotonic()
        subprocess.run(self.command(db), check=True, env=environment(), timeout=HANGS_S)
        self.whole_s = time.monotonic() - started
        return views.digests(db)

    def tuning(self):
        """Settings that must not change any result."""
        one = self.rng.choice
        return [f"--set={s}" for s in (
            f"threads={one((0, 1))}", f"batch_bytes={one((4096, 65536, 1 << 20))}",
            f"checkpoint={one(('50ms', '200ms', '1s'))}",
            f"checkpoint_records={one((0, 500, 2000, 7000))}")]

    def crash_at(self):
        """A named place for every second start, those that were met least first."""
        if self.rng.random() < 0.5:
            return None
        fewest = min(self.at.values())
        name = self.rng.choice([p for p in POINTS if self.at[p] <= fewest + 1])
        return f"{name}:{1 + int(self.rng.expovariate(0.4))}"

    def start(self, db):
        """One start; True: it came to its end, False: it was killed."""
        point = self.crash_at()
        longest = self.whole_s * self.share * (2 if point else self.rng.random())
        command = self.command(db, *self.tuning(), *(["--follow"] if self.follow else []))
        self.starts += 1
        with subprocess.Popen(command, env=environment(point), stderr=subprocess.PIPE) as process:
            try:
                process.wait(timeout=longest)
                killed_itself = process.returncode == -signal.SIGKILL
            except subprocess.TimeoutExpired:
                killed_itself = False
                process.kill()
            error = process.stderr.read().decode(errors="replace")
            process.wait(timeout=HANGS_S)
        if killed_itself:
            self.at[point.split(":")[0]] += 1
        elif process.returncode == -signal.SIGKILL:
            self.timed += 1
        elif process.returncode != 0:
            raise Failed(f"{' '.join(command)}: exit status {process.returncode}: {error}")
        return process.returncode == 0

    def look(self, db):
        """What a reader sees of a killed run: no contradiction, and no less than before."""
        if not self.look_after_kill or not db.exists():
            return
        reader = views.connect(db)
        try:
            read, wrong = views.contradictions(reader)
        except sqlite3.OperationalError as error:
            # Killed before it was made: no view yet, or its first page not written yet.
            if self.read or (error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK" and
                             "no such table" not in str(error)):
                raise Failed(f"after kill {self.kills} in {db}: {error}") from error
            return
        finally:
            reader.close()
        if read < self.read:
            wrong.append(f"{self.read} had been read, now {read}")
        if wrong:
            raise Failed(f"after kill {self.kills} in {db}:\n" + "\n".join(wrong))
        self.read = read

    def round(self, db):
        """From an empty database to the end of the source."""
        remove(db)
        self.read = 0
        while not self.start(db):
            self.look(db)
            if self.starts > STARTS * max(self.kills, 100):
                raise Failed(f"{self.starts} starts, and no end")

    def done(self, kills):
        return self.kills >= kills and all(self.at.values())

    def until(self, kills, folder):
        """Rounds until there were so many kills and every place was met. Returns the rounds."""
        undisturbed, killed = folder / "undisturbed.db", folder / "killed.db"
        remove(undisturbed)
        truth, rounds = self.undisturbed(undisturbed), 0
        while not self.done(kills):
            self.round(killed)
            rounds += 1
            self.compare(truth, undisturbed, killed)
        return rounds

    def compare(self, truth, undisturbed, killed):
        made = views.digests(killed)
        if made != truth:
            raise Failed(f"after {self.report()}:\n" + views.difference(undisturbed, killed))

    def report(self):
        places = ", ".join(f"{name} {n}" for name, n in self.at.items())
        return f"{self.kills} kills ({self.timed} at random times, {places}), {self.starts} starts"


class Following(Loop):
    """The same while somebody writes the source: a copy of `original` grows, in pieces that end
    anywhere, as the consumer that follows it is killed."""

    follow = True

    def __init__(self, program, original, settings=(), *, folder, **options):
        self.original = pathlib.Path(original)
        super().__init__(program, folder / f"growing{self.original.suffix}", settings, **options)

    def grow(self, starts):
        """Writes the whole file, a share of it for each of so many starts."""
        data, rng = self.original.read_bytes(), random.Random(self.rng.random())
        written, first = 0, self.starts
        with open(self.source, "ab", buffering=0) as out:
            while written < len(data) and not self.stop.wait(rng.random() / 50):
                share = min(len(data), len(data) * (self.starts - first) // starts)
                n = min(rng.randint(1, 65536), share - written)
                if n > 0:
                    written += out.write(data[written:written + n])

    def until(self, kills, folder):
        killed, undisturbed = folder / "killed.db", folder / "undisturbed.db"
        remove(killed)
        remove(undisturbed)
        shutil.copyfile(self.original, self.source)
        truth = self.undisturbed(undisturbed)
        pathlib.Path(self.source).unlink()
        self.stop = threading.Event()
        writer = threading.Thread(target=self.grow, args=(kills,))
        writer.start()
        try:
            while writer.is_alive():
                if self.start(killed):
                    raise Failed("a follower came to an end by itself")
                self.look(killed)
        finally:
            self.stop.set()
            writer.join()
        subprocess.run(self.command(killed), check=True, env=environment(), timeout=HANGS_S)
        self.compare(truth, undisturbed, killed)
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/crash/tillstream")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.4,
                        help="how much of the source a start may do at most")
    parser.add_argument("--follow", action="store_true", help="somebody writes SOURCE meanwhile")
    parser.add_argument("source")
    parser.add_argument("settings", nargs="*", help="after --: further arguments of run")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        options = {"seed": args.seed, "share": args.share}
        loop = (Following(args.program, args.source, args.settings, folder=folder, **options)
                if args.follow else Loop(args.program, args.source, args.settings, **options))
        started = time.monotonic()
        try:
            rounds = loop.until(args.kills, folder)
        except Failed as failure:
            sys.exit(f"seed {args.seed}: {failure}")
        print(f"equal after {rounds} rounds, {loop.report()}, "
              f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
