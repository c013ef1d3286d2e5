# SPDX-License-Identifier: GPL-3.0-or-later
"""The real data, in every form it comes in, gives the ground truth to the byte.

The truth is ../shared/data/truth_manifest.csv: row counts and sha256 of eleven files that a
brute-force program wrote. Sliding windows keep their history for this.
"""
import csv
import json
import lzma
import subprocess
import sys

import pytest

from truth_export import HISTORY, WINDOW_FILES, digests

RUN_SECONDS = 300


@pytest.fixture(scope="session")
def truth(retail_data):
    with open(retail_data / "truth_manifest.csv", encoding="utf-8") as f:
        return {r["file"]: (int(r["rows"]), r["sha256"]) for r in csv.DictReader(f)}


@pytest.fixture(scope="session")
def plain(retail_data, tmp_path_factory):
    """The real CSV, decompressed."""
    path = tmp_path_factory.mktemp("retail") / "online_retail.csv"
    with lzma.open(retail_data / "online_retail.csv.xz", "rb") as packed:
        path.write_bytes(packed.read())
    return path


def assert_truth(db, truth):
    made = digests(db)
    wrong = {name: (made[name], truth[name]) for name in truth if made[name] != truth[name]}
    assert set(made) == set(truth) == set(WINDOW_FILES) | {"invoices.csv"}
    assert not wrong


def counts(tillstream, db):
    rows = json.loads(tillstream("query", "progress", "--format", "json", "--db", db).stdout)
    return [sum(r[c] for r in rows) for c in ("read", "aggregated", "late", "rejected", "pending")]


def test_compressed_csv(tillstream, retail_data, truth, tmp_db):
    tillstream("run", retail_data / "online_retail.csv.xz", "--db", tmp_db, *HISTORY,
               timeout=RUN_SECONDS)
    assert counts(tillstream, tmp_db) == [541909, 541909, 0, 0, 0]
    assert_truth(tmp_db, truth)


def test_latin1_with_crlf(tillstream, plain, truth, tmp_path, tmp_db):
    source = tmp_path / "latin1.csv"
    text = plain.read_text(encoding="utf-8")
    source.write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
    tillstream("run", source, "--db", tmp_db, "--set", "encoding=latin-1", *HISTORY,
               timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


def write_ndjson(plain, path):
    with open(plain, encoding="utf-8", newline="") as f, open(path, "w", encoding="utf-8") as out:
        for row in csv.DictReader(f):
            price, quantity, customer = row.pop("UnitPrice"), row.pop("Quantity"), row["CustomerID"]
            row["CustomerID"] = int(customer) if customer else None
            text = json.dumps(row, ensure_ascii=False)
            out.write(f'{text[:-1]}, "Quantity": {quantity}, "UnitPrice": {price}}}\n')


def test_ndjson_made_of_it(tillstream, plain, truth, tmp_path, tmp_db):
    source = tmp_path / "sales.ndjson"
    write_ndjson(plain, source)
    tillstream("run", source, "--db", tmp_db, *HISTORY, timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


def test_ndjson_through_standard_input(program, environment, plain, truth, tmp_path, tmp_db):
    source = tmp_path / "sales.ndjson"
    write_ndjson(plain, source)
    with open(source, "rb") as f:
        subprocess.run([program, "run", "-", "--db", tmp_db, *HISTORY], stdin=f, check=True,
                       env=environment(), timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


@pytest.mark.parametrize("seed, cap", [(1, 300), (2, 3600)])
def test_disorder_within_out_of_order(tillstream, retail_data, plain, truth, tmp_path, tmp_db,
                                      seed, cap):
    """Copies whose rows come up to `cap` seconds late, with out_of_order at that cap."""
    source = tmp_path / "disorder.csv"
    subprocess.run([sys.executable, retail_data / "disorder.py", plain, source, str(seed),
                    str(cap)], check=True, timeout=RUN_SECONDS, capture_output=True)
    tillstream("run", source, "--db", tmp_db, "--set", f"out_of_order={cap}s", *HISTORY,
               timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


def test_small_batches_and_many_checkpoints(tillstream, plain, truth, tmp_db):
    tillstream("run", plain, "--db", tmp_db, "--set", "batch_bytes=4096",
               "--set", "checkpoint_records=20000", "--set", "threads=0", *HISTORY,
               timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


def test_in_three_sources_one_after_another(tillstream, plain, truth, tmp_path, tmp_db):
    lines = plain.read_bytes().split(b"\n")
    header, body = lines[0], lines[1:-1]
    cuts = [0, 100003, 400001, len(body)]
    for i in range(3):
        part = tmp_path / f"part{i}.csv"
        part.write_bytes(b"\n".join([header] + body[cuts[i]:cuts[i + 1]]) + b"\n")
        tillstream("run", part, "--db", tmp_db, *HISTORY, timeout=RUN_SECONDS)
    assert_truth(tmp_db, truth)


def test_the_christmas_gap_loses_nothing_and_is_there(tillstream, plain, tmp_db):
    tillstream("run", plain, "--db", tmp_db, timeout=RUN_SECONDS)
    assert counts(tillstream, tmp_db) == [541909, 541909, 0, 0, 0]
    days = json.loads(tillstream("query", "aggregates", "--window", "day", "--dimension", "all",
                                 "--from", "2010-12-23", "--to", "2011-01-05", "--format", "json",
                                 "--db", tmp_db).stdout)
    assert [d["window_start"][:10] for d in days] == ["2010-12-23", "2011-01-04"]


@pytest.mark.parametrize("ahead, settings", [
    ("12/16/2010 12:00", ["--set", "max_ahead=12h"]),  # a day
    ("1/15/2011 12:00", []),                           # a month
    ("12/15/2020 12:00", []),                          # ten years
])
def test_one_sale_stamped_ahead_costs_no_honest_sale(tillstream, plain, tmp_path, tmp_db, ahead,
                                                     settings):
    lines = plain.read_bytes().split(b"\n")
    at = next(i for i, line in enumerate(lines) if b",12/15/2010 12:" in line)
    wrong = f"999999,22423,CAKESTAND,1,{ahead},9.95,17850,United Kingdom".encode()
    source = tmp_path / "ahead.csv"
    source.write_bytes(b"\n".join(lines[:at] + [wrong] + lines[at:]))
    tillstream("run", source, "--db", tmp_db, *settings, timeout=RUN_SECONDS)
    assert counts(tillstream, tmp_db) == [541910, 541909, 1, 0, 0]
    late = json.loads(tillstream("query", "late", "--format", "json", "--db", tmp_db).stdout)
    assert [(r["reason"], json.loads(r["record"])["InvoiceNo"]) for r in late] == [("ahead", "999999")]
