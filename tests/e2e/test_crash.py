# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is lost and nothing counted twice, wherever and however often the run is killed.

tests/crash/kill_loop.py does the killing; here are the sources it is set upon, and the proof that
it would notice: twins of the program that commit in two transactions (tests/crash/twin.c).
"""
import gzip
import itertools
import lzma
import os
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))

import kill_loop  # noqa: E402
import shop  # noqa: E402

HISTORY = ["--set", "windows.2.keep=history"]


@pytest.fixture(scope="session")
def build(repo):
    """The folder of the programs that are made to be killed."""
    for name in ("tillstream", "twin_twice", "twin_lost"):
        if not (repo / "build/crash" / name).exists():
            pytest.fail(f"build/crash/{name} does not exist: build it with `make crash-programs`",
                        pytrace=False)
    return repo / "build/crash"


@pytest.fixture(scope="session")
def till(program, tmp_path_factory):
    """The real CSV, decompressed; without it, generated lines."""
    path = tmp_path_factory.mktemp("till") / "till.csv"
    data = pathlib.Path(os.environ.get("RETAIL_DATA", "")) / "online_retail.csv.xz"
    if data.exists():
        with lzma.open(data, "rb") as packed:
            path.write_bytes(packed.read())
    else:
        with open(path, "wb") as out:
            subprocess.run([program, "generate", "--format", "csv", "--records", "300000"],
                           check=True, stdout=out)
    return path


@pytest.fixture(scope="session")
def first_lines(till):
    """The first 60,000 of it."""
    path = till.with_name("first.csv")
    with open(till, "rb") as lines, open(path, "wb") as out:
        out.writelines(itertools.islice(lines, 60001))
    return path


@pytest.fixture(scope="session")
def small_shop(program, tmp_path_factory):
    return made_shop(program, tmp_path_factory.mktemp("small"), 8000)


@pytest.fixture(scope="session")
def large_shop(program, tmp_path_factory):
    return made_shop(program, tmp_path_factory.mktemp("large"), 40000)


def made_shop(program, folder, lines):
    """(file of a shop with everything in it that may go wrong, settings)"""
    shop.write(program, folder / "shop.ndjson", lines, seed=1)
    return folder / "shop.ndjson", shop.write_settings(folder / "shop.json")


def survive(loop, kills, folder):
    """Fails with what the loop found; says what it did."""
    try:
        rounds = loop.until(kills, folder)
    except kill_loop.Failed as failure:
        pytest.fail(str(failure), pytrace=False)
    print(f"{rounds} rounds, {loop.report()}")
    assert loop.kills >= kills


def test_the_program_people_run_has_no_crash_point(program, environment, small_shop, tmp_db):
    source, settings = small_shop
    assert b"CRASH_AT" not in pathlib.Path(program).read_bytes()
    subprocess.run([program, "run", source, "--db", tmp_db, *settings], check=True, timeout=60,
                   capture_output=True, env=environment({"CRASH_AT": "after_read:1"}))


@pytest.mark.parametrize("threads", [0, 1])
@pytest.mark.parametrize("point", kill_loop.POINTS)
def test_killed_at(point, threads, build, environment, small_shop, tmp_db):
    source, settings = small_shop
    command = [build / "tillstream", "run", source, "--db", tmp_db, *settings,
               "--set", f"threads={threads}", "--set", "batch_bytes=65536"]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True,
                          env=environment({"CRASH_AT": f"{point}:1"}))
    assert done.returncode == -signal.SIGKILL


def test_kills_over_the_real_data(build, first_lines, tmp_path):
    survive(kill_loop.Loop(build / "tillstream", first_lines, HISTORY, seed=1), 30, tmp_path)


def test_kills_over_a_shop_where_all_goes_wrong(build, small_shop, tmp_path):
    survive(kill_loop.Loop(build / "tillstream", *small_shop, seed=2, longest_s=0.1), 40, tmp_path)


def test_kills_while_the_source_is_written(build, small_shop, tmp_path):
    survive(kill_loop.Following(build / "tillstream", *small_shop, seed=3, longest_s=0.15,
                                folder=tmp_path), 40, tmp_path)


@pytest.mark.parametrize("look", [True, False])
@pytest.mark.parametrize("twin", ["twin_twice", "twin_lost"])
def test_a_broken_twin_is_caught(twin, look, build, small_shop, tmp_path):
    """By what contradicts itself after a kill, and by the final comparison alone."""
    loop = kill_loop.Loop(build / twin, *small_shop, seed=4, longest_s=0.1, look=look)
    with pytest.raises(kill_loop.Failed, match="after .*kill"):
        loop.until(200, tmp_path)
    print(loop.report())


@pytest.mark.long
def test_200_kills_over_all_of_the_real_data(build, till, tmp_path):
    survive(kill_loop.Loop(build / "tillstream", till, HISTORY, seed=5, longest_s=0.6), 200,
            tmp_path)


@pytest.mark.long
def test_200_kills_over_a_shop_where_all_goes_wrong(build, large_shop, tmp_path):
    survive(kill_loop.Loop(build / "tillstream", *large_shop, seed=6), 200, tmp_path)


@pytest.mark.long
def test_200_kills_while_the_source_is_written(build, large_shop, tmp_path):
    survive(kill_loop.Following(build / "tillstream", *large_shop, seed=7, folder=tmp_path), 200,
            tmp_path)


@pytest.mark.long
def test_200_kills_over_a_compressed_source(build, large_shop, tmp_path):
    source, settings = large_shop
    packed = tmp_path / "shop.ndjson.gz"
    packed.write_bytes(gzip.compress(source.read_bytes(), 1))
    survive(kill_loop.Loop(build / "tillstream", packed, settings, seed=8), 200, tmp_path)
