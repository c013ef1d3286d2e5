# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is lost and nothing counted twice, wherever and however often the run is killed.

tests/crash/kill_loop.py does the killing; here are the sources it is set upon, and the proof that
it would notice: twins of the program that commit in two transactions (tests/crash/twin.c).
"""
import gzip
import pathlib
import signal
import subprocess

import pytest

import kill_loop
import shop


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
def test_killed_at(point, threads, crash_build, environment, small_shop, tmp_db):
    source, settings = small_shop
    command = [crash_build / "tillstream", "run", source, "--db", tmp_db, *settings,
               "--set", f"threads={threads}", "--set", "batch_bytes=65536"]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True,
                          env=environment({"CRASH_AT": f"{point}:1"}))
    assert done.returncode == -signal.SIGKILL


def test_kills_over_the_real_data(crash_build, till_start, tmp_path):
    survive(kill_loop.Loop(crash_build / "tillstream", till_start, seed=1), 30, tmp_path)


def test_kills_over_a_shop_where_all_goes_wrong(crash_build, small_shop, tmp_path):
    survive(kill_loop.Loop(crash_build / "tillstream", *small_shop, seed=2), 40, tmp_path)


def test_kills_while_the_source_is_written(crash_build, small_shop, tmp_path):
    survive(kill_loop.Following(crash_build / "tillstream", *small_shop, seed=35,
                                folder=tmp_path), 40, tmp_path)


@pytest.mark.parametrize("look", [True, False])
@pytest.mark.parametrize("twin", ["twin_twice", "twin_lost"])
def test_a_broken_twin_is_caught(twin, look, crash_build, small_shop, tmp_path):
    """By what contradicts itself after a kill, and by the final comparison alone."""
    loop = kill_loop.Loop(crash_build / twin, *small_shop, seed=4, look=look)
    with pytest.raises(kill_loop.Failed, match="after .*kill"):
        loop.until(200, tmp_path)
    print(loop.report())


@pytest.mark.long
def test_200_kills_over_all_of_the_real_data(crash_build, till, tmp_path):
    survive(kill_loop.Loop(crash_build / "tillstream", till, seed=5, share=0.2), 200, tmp_path)


@pytest.mark.long
def test_200_kills_over_a_shop_where_all_goes_wrong(crash_build, large_shop, tmp_path):
    survive(kill_loop.Loop(crash_build / "tillstream", *large_shop, seed=6), 200, tmp_path)


@pytest.mark.long
def test_200_kills_while_the_source_is_written(crash_build, large_shop, tmp_path):
    survive(kill_loop.Following(crash_build / "tillstream", *large_shop, seed=7,
                                folder=tmp_path), 200, tmp_path)


@pytest.mark.long
def test_200_kills_over_a_compressed_source(crash_build, large_shop, tmp_path):
    source, settings = large_shop
    packed = tmp_path / "shop.ndjson.gz"
    packed.write_bytes(gzip.compress(source.read_bytes(), 1))
    survive(kill_loop.Loop(crash_build / "tillstream", packed, settings, seed=8), 200, tmp_path)
