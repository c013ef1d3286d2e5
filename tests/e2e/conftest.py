# SPDX-License-Identifier: GPL-3.0-or-later
"""What all end-to-end tests share: the program, a place for a database, the real data.

TILLSTREAM names the program (build/release/tillstream unless set), RETAIL_DATA the folder with
the UCI data (../shared/data, beside the repository, unless set).
"""
import lzma
import os
import pathlib
import subprocess
import sys

import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests/crash"))  # shop, views, kill_loop
sys.path.insert(0, str(REPO / "tests/state"))  # saved


def program_path():
    """The program under test; a clear failure where it has not been built."""
    path = pathlib.Path(os.environ.get("TILLSTREAM") or REPO / "build/release/tillstream")
    if not path.is_absolute():
        path = REPO / path
    if not path.exists():
        pytest.fail(f"{path} does not exist: build it with `make`", pytrace=False)
    return path


def clean_environment(extra=None):
    """The environment without settings of whoever runs the tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TILLSTREAM_")}
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra or {})
    return {k: str(v) for k, v in env.items()}


@pytest.fixture(scope="session")
def repo():
    """The repository's root."""
    return REPO


@pytest.fixture(scope="session")
def program():
    """The path of the program, for tests that start it themselves (subprocess.Popen)."""
    return str(program_path())


@pytest.fixture(scope="session")
def environment():
    """environment({...}): the environment a program under test should get."""
    return clean_environment


@pytest.fixture
def tillstream(program, tmp_path):
    """tillstream("run", path, "--db", db, input=..., env={...}) -> CompletedProcess.

    Runs in a directory of the test's own. Output is text, or bytes with binary=True. With
    status=N (0 unless given; None: any) another exit status fails the test.
    """

    def run(*args, input=None, env=None, cwd=None, timeout=60, binary=False, status=0):
        done = subprocess.run(
            [program, *map(str, args)], input=input, env=clean_environment(env),
            cwd=cwd or tmp_path, timeout=timeout, capture_output=True, check=False,
            text=not binary, stdin=subprocess.DEVNULL if input is None else None)
        if status is not None and done.returncode != status:
            pytest.fail(f"tillstream {' '.join(map(str, args))}: exit status {done.returncode}, "
                        f"not {status}\n{done.stderr}")
        return done

    return run


@pytest.fixture
def tmp_db(tmp_path):
    """The path of a database that does not exist yet."""
    return tmp_path / "tillstream.db"


@pytest.fixture(scope="session")
def retail_data():
    """The folder with the real data; without it the test is skipped."""
    path = pathlib.Path(os.environ.get("RETAIL_DATA") or REPO.parent / "shared/data")
    if not (path / "online_retail.csv.xz").exists():
        pytest.skip(f"no online_retail.csv.xz in {path}: get UCI Online Retail (Daqing Chen, UCI "
                    "Machine Learning Repository, CC BY 4.0, doi:10.24432/C5BW33), save the sheet "
                    "as UTF-8 CSV, compress it with xz, and name its folder in RETAIL_DATA")
    return path


@pytest.fixture(scope="session")
def till(program, tmp_path_factory):
    """The real data as a CSV file; where it is not at hand, generated lines."""
    path = tmp_path_factory.mktemp("till") / "till.csv"
    data = pathlib.Path(os.environ.get("RETAIL_DATA") or REPO.parent / "shared/data")
    if (data / "online_retail.csv.xz").exists():
        with lzma.open(data / "online_retail.csv.xz", "rb") as packed:
            path.write_bytes(packed.read())
    else:
        with open(path, "wb") as out:
            subprocess.run([program, "generate", "--format", "csv", "--records", "300000"],
                           check=True, stdout=out)
    return path


@pytest.fixture(scope="session")
def till_start(till):
    """The first 60,000 lines of it."""
    path = till.with_name("till_start.csv")
    with open(till, "rb") as lines, open(path, "wb") as out:
        out.writelines(line for line, _ in zip(lines, range(60001)))
    return path


@pytest.fixture(scope="session")
def crash_build():
    """The folder of the programs that are made to be killed: tillstream and its twins."""
    for name in ("tillstream", "twin_twice", "twin_lost"):
        if not (REPO / "build/crash" / name).exists():
            pytest.fail(f"build/crash/{name} does not exist: build it with `make crash-programs`",
                        pytrace=False)
    return REPO / "build/crash"
