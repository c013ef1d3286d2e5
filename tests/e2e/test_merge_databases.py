# SPDX-License-Identifier: GPL-3.0-or-later
"""tillstream query over several databases answers as one that saw all their sales would."""
import json
import zlib

import pytest

WINDOWS = [
    {"name": "hour", "type": "tumbling", "size": "1h"},
    {"name": "month", "type": "tumbling", "size": "1mo"},
    {"name": "six", "type": "sliding", "size": "6h", "slide": "1h", "keep": "history"},
    {"name": "last24h", "type": "sliding", "size": "24h", "slide": "1h"},
    {"name": "today", "type": "cumulative", "size": "1d", "step": "1h"},
    {"name": "visit", "type": "session", "gap": "30m"},
]
DIMENSIONS = ["all", "customer", "country", "stock_code", "country+stock_code"]


def by_customer(n):
    return lambda i, line: zlib.crc32(str(json.loads(line).get("CustomerID")).encode()) % n


def by_line(n):
    return lambda i, line: i % n


SPLITS = {"customers": by_customer(2), "lines, so that invoices are split": by_line(2),
          "three ways": by_line(3), "time": lambda i, line: i // 700}


@pytest.fixture
def sample(repo):
    return (repo / "notebooks-data/sample.ndjson").read_text().splitlines()


@pytest.fixture
def database(tillstream, tmp_path):
    """database("name", lines) -> path, counted with the windows above."""
    config = tmp_path / "windows.json"
    config.write_text(json.dumps({"windows": WINDOWS, "dimensions": DIMENSIONS}))

    def make(name, lines):
        source = tmp_path / f"{name}.ndjson"
        source.write_text("\n".join(lines) + "\n")
        tillstream("run", source, "--db", tmp_path / f"{name}.db", "-c", config)
        return tmp_path / f"{name}.db"

    return make


@pytest.fixture
def ask(tillstream):
    def run(what, dbs, *more):
        done = tillstream("query", what, *more, "--format", "json",
                          *(word for db in dbs for word in ("--db", db)))
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("split", SPLITS)
def test_databases_that_share_the_sales_answer_as_one(database, ask, sample, split):
    whole = database("whole", sample)
    parts = {}
    for i, line in enumerate(sample):
        parts.setdefault(SPLITS[split](i, line), []).append(line)
    assert len(parts) > 1
    dbs = [database(f"part{k}", lines) for k, lines in sorted(parts.items())]
    wanted = ask("aggregates", [whole])
    assert len(wanted) > 10000
    assert ask("aggregates", dbs) == wanted
    assert ask("aggregates", list(reversed(dbs))) == wanted
    for more in (["--window", "hour", "--dimension", "country", "--by", "invoices", "--limit", "7"],
                 ["--window", "visit", "--dimension", "customer", "--key", "17841"],
                 ["--window", "last24h", "--key", "*"],
                 ["--from", "2010-12-03", "--to", "2010-12-04"]):
        assert ask("aggregates", dbs, *more) == ask("aggregates", [whole], *more)
    for more in ([], ["--window", "last24h", "--dimension", "country", "--by", "customers"],
                 ["--window", "six", "--dimension", "stock_code", "--by", "p90_line"]):
        assert ask("top", dbs, *more) == ask("top", [whole], *more)


def test_a_database_of_other_windows_adds_what_it_has(database, tillstream, tmp_path, ask, sample):
    first = database("first", sample[:1000])
    source = tmp_path / "second.ndjson"
    source.write_text("\n".join(sample[1000:]) + "\n")
    tillstream("run", source, "--db", tmp_path / "second.db", "--set", "dimensions=all")
    dbs = [first, tmp_path / "second.db"]
    whole = database("whole", sample)
    lines = sum(r["lines"] for r in ask("aggregates", dbs, "--window", "hour", "--dimension",
                                        "all"))
    assert lines == len(sample)
    assert ask("aggregates", dbs, "--window", "hour", "--dimension", "all") == ask(
        "aggregates", [whole], "--window", "hour", "--dimension", "all")
    assert ask("aggregates", dbs, "--window", "day") == ask(
        "aggregates", [tmp_path / "second.db"], "--window", "day")


def test_merged_late_sales_are_in_the_answer_of_several(database, tillstream, ask, sample):
    late = json.loads(sample[0]) | {"InvoiceNo": "late", "Quantity": 1000}
    left = database("left", sample[::2] + [json.dumps(late)])
    right = database("right", sample[1::2])
    assert tillstream("late", "--merge", "--db", left).stdout == "counted 1 late sale\n"
    whole = database("whole", sample + [json.dumps(late)])
    tillstream("late", "--merge", "--db", whole)
    drop = lambda rows: [{k: v for k, v in r.items() if k != "version"} for r in rows]  # noqa: E731
    assert drop(ask("aggregates", [left, right])) == drop(ask("aggregates", [whole]))
