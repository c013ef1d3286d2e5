# SPDX-License-Identifier: GPL-3.0-or-later
"""A run is a function of its input and of the settings that have a meaning.

Batches, checkpoints and threads have none: whatever they are, every view holds the same bytes in
the same order, but for the columns of the clock.
"""
import gzip
import subprocess

import pytest

import shop
import views

HISTORY = ["--set", "windows.2.keep=history"]
BATCHES = [["batch_bytes=100"], ["batch_bytes=4096"], ["batch_bytes=10000"], ["batch_bytes=16MiB"]]
CHECKPOINTS = [["checkpoint=50ms"], ["checkpoint=1h"], ["checkpoint_records=1000"],
               ["checkpoint_records=7919", "checkpoint=1h"]]
THREADS = [["threads=0"], ["threads=1"]]
TUNINGS = [
    *BATCHES, *CHECKPOINTS, *THREADS,
    ["batch_bytes=5000", "checkpoint_records=777", "threads=0"],
    ["batch_bytes=100000", "checkpoint_records=100", "threads=1"],
]
ONE_BY_ONE = ["batch_bytes=1", "checkpoint_records=1", "threads=1"]


@pytest.fixture(scope="session")
def disturbed(program, tmp_path_factory):
    """(NDJSON, settings): late, ahead, twice, broken; windows of every kind."""
    folder = tmp_path_factory.mktemp("disturbed")
    shop.write(program, folder / "shop.ndjson", 12000, seed=11)
    return folder / "shop.ndjson", shop.write_settings(folder / "shop.json")


@pytest.fixture(scope="session")
def run(program, environment):
    """run(source, settings, db, tuning) -> the digests of its views."""

    def run_one(source, settings, db, tuning=()):
        subprocess.run([program, "run", source, "--quiet", "--db", db, *settings,
                        *(f"--set={t}" for t in tuning)], check=True, timeout=300,
                       env=environment())
        return views.digests(db)

    return run_one


@pytest.fixture(scope="session")
def truth(run, tmp_path_factory):
    """truth(source, settings) -> (database, digests) with the settings people start with."""
    known = {}

    def of(source, settings):
        if source not in known:
            db = tmp_path_factory.mktemp("truth") / "truth.db"
            known[source] = db, run(source, settings, db)
        return known[source]

    return of


def assert_same(db, made, truth):
    true_db, digests = truth
    assert made == digests, views.difference(true_db, db)


@pytest.mark.parametrize("tuning", TUNINGS, ids=" ".join)
def test_a_shop_where_all_goes_wrong(tuning, run, truth, disturbed, tmp_db):
    assert_same(tmp_db, run(*disturbed, tmp_db, tuning), truth(*disturbed))


@pytest.mark.parametrize("tuning", [TUNINGS[-2], ["checkpoint=50ms"]], ids=" ".join)
def test_the_real_data(tuning, run, truth, till_start, tmp_db):
    assert_same(tmp_db, run(till_start, HISTORY, tmp_db, tuning), truth(till_start, HISTORY))


@pytest.mark.long
@pytest.mark.parametrize("tuning", TUNINGS, ids=" ".join)
def test_all_of_the_real_data(tuning, run, truth, till, tmp_db):
    assert_same(tmp_db, run(till, [], tmp_db, tuning), truth(till, []))


def test_a_commit_after_every_record(run, program, tmp_path):
    shop.write(program, tmp_path / "tiny.ndjson", 1500, seed=12)
    source = tmp_path / "tiny.ndjson", shop.write_settings(tmp_path / "tiny.json")
    whole, each = tmp_path / "whole.db", tmp_path / "each.db"
    made = run(*source, whole)
    assert_same(each, run(*source, each, ONE_BY_ONE), (whole, made))


def test_the_same_twice(run, truth, disturbed, tmp_db):
    assert_same(tmp_db, run(*disturbed, tmp_db), truth(*disturbed))


def but_the_name(digests):
    """Digests of the views that don't name the source."""
    return {view: made for view, made in digests.items()
            if view not in ("rejects", "late", "progress")}


def test_compressed_or_through_a_pipe(run, program, environment, truth, disturbed, tmp_path):
    source, settings = disturbed
    packed, piped = tmp_path / "shop.ndjson.gz", tmp_path / "piped.db"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    made = run(packed, settings, tmp_path / "packed.db", ["batch_bytes=3000"])
    assert but_the_name(made) == but_the_name(truth(*disturbed)[1])
    with open(source, "rb") as lines:
        subprocess.run([program, "run", "-", "--quiet", "--db", piped, *settings], check=True,
                       stdin=lines, timeout=60, env=environment())
    assert but_the_name(views.digests(piped)) == but_the_name(truth(*disturbed)[1])


def test_the_comparison_has_teeth(run, truth, disturbed, tmp_path):
    """One line less is seen in every view but those of what is out of the ordinary."""
    source, settings = disturbed
    lines = source.read_bytes().splitlines(keepends=True)
    shorter = source.with_name("shorter.ndjson")
    shorter.write_bytes(b"".join(lines[:5000] + lines[5001:]))
    made = run(shorter, settings, tmp_path / "shorter.db")
    digests = truth(*disturbed)[1]
    same = {view for view in views.VIEWS if made[view] == digests[view]}
    assert same <= {"rejects", "anomalies", "forecasts"}
