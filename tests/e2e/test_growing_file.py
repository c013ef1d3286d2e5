# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain runs, one after another, over a file that somebody writes: cut off anywhere between two
runs, its last record is left for the run that finds it whole, and counted once."""
import gzip
import json

import pytest

import views

SALES = [{"InvoiceNo": str(536365 + i), "StockCode": "85123A", "Description": "a \"white\" {heart}",
          "Quantity": 6 + i, "InvoiceDate": f"12/1/2010 8:2{i}", "UnitPrice": 2.55,
          "CustomerID": 17850, "Country": "France"} for i in range(3)]
LINES = "".join(json.dumps(sale) + "\n" for sale in SALES).encode()
ARRAY = json.dumps(SALES, indent=1).encode() + b"\n"
CSV = (",".join(SALES[0]) + "\n" + "".join(
    ",".join('"' + str(v).replace('"', '""') + '"' for v in sale.values()) + "\n"
    for sale in SALES)).encode()


@pytest.fixture
def count(tillstream, tmp_path):
    """count(name, *contents): runs over a file that holds these, one after another; what was
    (read, aggregated, rejected), and what the last run said."""

    def runs(name, *contents):
        db, source, said = tmp_path / "shop.db", tmp_path / name, ""
        for end in ("", "-wal", "-shm", "-lock"):
            (tmp_path / f"shop.db{end}").unlink(missing_ok=True)
        for content in contents:
            source.write_bytes(content)
            said = tillstream("run", source, "--db", db).stderr
        reader = views.connect(db)
        counts = reader.execute(
            "SELECT sum(read), sum(aggregated), sum(rejected) FROM progress").fetchone()
        reader.close()
        return counts, said

    return runs


@pytest.mark.parametrize("name, whole, step", [
    ("till.ndjson", LINES, 23), ("till.json", ARRAY, 41), ("till.csv", CSV, 17)])
def test_a_record_cut_off_between_two_runs_is_counted_once(name, whole, step, count):
    """But for a CSV row cut off behind the columns it must have: that is taken for a whole one."""
    first = whole.index(b"\n") + 1 if name.endswith("csv") else 1
    for cut in range(first, len(whole), step):
        if name.endswith("csv") and whole[:cut].rsplit(b"\n", 1)[-1].count(b'",') >= 6:
            continue
        counts, _ = count(name, whole[:cut], whole)
        assert counts == (3, 3, 0), whole[:cut][-60:]


def test_it_is_said_where_the_file_ends_too_early(count):
    cut = LINES.index(b"\n") + 20
    counts, said = count("till.ndjson", LINES[:cut])
    assert counts == (1, 1, 0)
    assert f"ends in the middle of a record, at byte {LINES.index(bytes([10])) + 1}" in said


@pytest.mark.parametrize("name, whole", [("till.ndjson", LINES), ("till.csv", CSV)])
def test_a_whole_record_needs_no_line_end(name, whole, count):
    counts, said = count(name, whole.rstrip(b"\n"))
    assert counts == (3, 3, 0)
    assert "middle of a record" not in said
    assert count(name, whole.rstrip(b"\n"), whole)[0] == (3, 3, 0)


def test_a_bad_record_with_its_line_end_is_rejected(count):
    counts, _ = count("till.ndjson", LINES + b'{"InvoiceNo": 1}\n')
    assert counts == (4, 3, 1)


def test_a_record_cut_off_in_an_archive_is_rejected(count):
    """It does not grow."""
    counts, said = count("till.ndjson.gz", gzip.compress(LINES[:-9]))
    assert counts == (3, 2, 1)
    assert "middle of a record" not in said
