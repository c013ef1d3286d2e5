# SPDX-License-Identifier: GPL-3.0-or-later
"""tillstream generate: a synthetic shop."""
import csv
import gzip
import io
import json
import os
import signal
import subprocess
import time
from datetime import datetime, timezone

import pytest

FIELDS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice",
          "CustomerID", "Country"]
TYPES = {"night", "price_x10", "price_x100", "price_div100", "price_zero", "qty_x100",
         "new_country", "dup_burst", "dup_replay", "big_basket", "card_testing"}


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def test_writes_ten_thousand_lines_unless_told_otherwise(tillstream):
    done = tillstream("generate")
    sales = records(done.stdout)
    assert len(sales) == 10000
    assert all(list(sale) == FIELDS for sale in sales)
    times = [datetime.strptime(s["InvoiceDate"], "%m/%d/%Y %H:%M") for s in sales]
    assert times == sorted(times)
    assert done.stderr == ""


def test_the_sample_files_are_what_generate_writes(tillstream, repo):
    args = ("generate", "--seed", 100, "--records", 2000, "--days", 14)
    data = repo / "notebooks-data"
    ndjson = tillstream(*args, binary=True).stdout
    assert ndjson == (data / "sample.ndjson").read_bytes()
    with gzip.open(data / "sample.csv.gz") as file:
        assert tillstream(*args, "--format", "csv", binary=True).stdout == file.read()


def test_csv_and_ndjson_say_the_same(tillstream):
    args = ("generate", "--records", 3000, "--seed", 9, "--record-ids")
    sales = records(tillstream(*args).stdout)
    rows = list(csv.DictReader(io.StringIO(tillstream(*args, "--format", "csv").stdout)))
    assert len(rows) == len(sales) == 3000
    for sale, row in zip(sales, rows):
        assert list(row) == list(sale) == FIELDS + ["RecordID"]
        assert row["Description"] == sale["Description"]
        assert int(row["Quantity"]) == sale["Quantity"]
        assert float(row["UnitPrice"]) == sale["UnitPrice"]
        assert row["CustomerID"] == str(sale["CustomerID"] or "")
    assert len({sale["RecordID"] for sale in sales}) == 3000


def test_another_seed_is_another_shop(tillstream):
    first, second = (tillstream("generate", "--records", 100, "--seed", s).stdout for s in (1, 2))
    assert first != second


def test_labels_name_invoices_that_are_there(tillstream, tmp_path):
    labels = tmp_path / "labels.csv"
    done = tillstream("generate", "--records", 60000, "--anomalies", 66, "--labels", labels)
    rows = list(csv.DictReader(labels.open()))
    assert list(rows[0]) == ["InvoiceNo", "type"]
    assert {row["type"] for row in rows} == TYPES
    by_invoice = {}
    for sale in records(done.stdout):
        by_invoice.setdefault(sale["InvoiceNo"], []).append(sale)
    for row in rows:
        sales = by_invoice[row["InvoiceNo"]]
        hour = int(sales[0]["InvoiceDate"].split()[1].split(":")[0])
        assert (row["type"] == "night") == (hour < 6)
        if row["type"] == "price_zero":
            assert any(sale["UnitPrice"] == 0 for sale in sales)
    assert len({row["InvoiceNo"] for row in rows}) == len(rows) >= 66


def test_a_rate_is_kept(program, environment):
    started = time.monotonic()
    out = subprocess.run([program, "generate", "--records", "60", "--rate", "100"], check=True,
                         capture_output=True, timeout=30, env=environment()).stdout
    # The last of 60 lines is due after 590 ms.
    assert time.monotonic() - started >= 0.59
    assert len(out.splitlines()) == 60


def test_each_line_goes_out_when_it_is_due(program, environment):
    with subprocess.Popen([program, "generate", "--records", "0", "--rate", "50"],
                          stdout=subprocess.PIPE, env=environment()) as process:
        for _ in range(5):
            assert json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_live_lines_bear_the_time_of_the_clock(tillstream):
    before = datetime.now(timezone.utc).replace(microsecond=0)
    sales = records(tillstream("generate", "--records", 20, "--live").stdout)
    after = datetime.now(timezone.utc)
    for sale in sales:
        at = datetime.strptime(sale["InvoiceDate"], "%m/%d/%Y %H:%M:%S")
        assert before <= at.replace(tzinfo=timezone.utc) <= after


def test_an_interrupt_ends_it_with_whole_lines(program, environment):
    with subprocess.Popen([program, "generate", "--records", "0"], stdout=subprocess.PIPE,
                          env=environment()) as process:
        head = process.stdout.read(100000)
        process.send_signal(signal.SIGINT)
        text = (head + process.stdout.read()).decode()
        assert process.wait(timeout=10) == 0
    assert text.endswith("}\n")
    records(text)


def test_a_reader_that_leaves_is_no_failure(program, environment):
    with subprocess.Popen([program, "generate", "--records", "0"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment()) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("args, what", [
    (("--start", "2010-02-30"), "--start"),
    (("--labels", "x.csv"), "--anomalies"),
    (("--records", "0", "--anomalies", "5"), "--records"),
    (("--days", "3", "--years", "3"), "--years"),
    (("--format", "xml"), "ndjson"),
    (("--records", "many"), "--records"),
    (("--rate", "0"), "--rate"),
    (("--stock-codes", "0"), "--stock-codes"),
])
def test_a_wrong_call_is_explained(tillstream, args, what):
    done = tillstream("generate", *args, status=2)
    assert what in done.stderr
    assert done.stdout == ""


def test_labels_that_cannot_be_written_are_a_failure(tillstream, tmp_path):
    path = tmp_path / "no" / "labels.csv"
    done = tillstream("generate", "--anomalies", 3, "--labels", path, status=1)
    assert str(path) in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_a_failure(program, environment):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program, "generate"], stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=30, env=environment())
    assert done.returncode == 1
    assert b"standard output" in done.stderr


def peak_kib(program, env, *args):
    """Peak memory of one run whose output is thrown away."""
    process = subprocess.Popen([program, "generate", *args], stdout=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_years_or_the_goods(program, environment):
    small = peak_kib(program, environment(), "--records", "1000")
    years = peak_kib(program, environment(), "--years", "5")
    goods = peak_kib(program, environment(), "--records", "100000", "--stock-codes", "4000000")
    assert max(years, goods) < small + 1024
