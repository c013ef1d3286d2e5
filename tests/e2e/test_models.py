# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of the models: query anomalies and forecasts, why, ok, flag, evaluate.

Judgements and forecasts of a known content are put into the base tables, so that the answers
can be computed beside; the tests at the end let the models judge for themselves.
"""
import csv
import fcntl
import io
import json
import math
import os
import random
import signal
import sqlite3
import struct
import subprocess
import time

import pytest

PRICE_UP, COUNTRY, HOUR, LINES = 0, 11, 13, 4  # enum stat
DAY_MS = 86400000


def select(path, sql, *parameters):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in db.execute(sql, parameters)]
    finally:
        db.close()


def change(path, sql, rows=((),)):
    db = sqlite3.connect(path)
    with db:
        db.executemany(sql, rows)
    db.close()


def evidence(stat, contribution, value=1.0, usual=1.0, key=0, other=0):
    return struct.pack("<BdddddddIQ", stat, 1.0, 1.0, contribution, value, usual, 5.0, 0.0, key,
                       other)


def verdict(invoice, score, found=(), normals=(), version=1):
    """The stored form of models/evidence.h; `invoice` is a row of the table."""
    data = bytes([version]) + struct.pack(
        "<BBBQqqqIIqqqdddQ", 2, 1, 0, invoice["id"], invoice["first_ms"], invoice["first_ms"],
        invoice["first_ms"], invoice["customer"], invoice["country"], invoice["lines"],
        invoice["units"], invoice["revenue"], score, 0.0125, 0.0, 0)
    data += bytes([len(found)]) + b"".join(found)
    return data + bytes([len(normals)]) + b"".join(
        struct.pack("<QffIIq", n["id"], n["revenue"] / 1e6, n["units"], n["lines"], 10,
                    n["first_ms"]) for n in normals)


def judge(db, judged):
    """judged: (invoice row, score, flagged, data)"""
    change(db, "INSERT OR REPLACE INTO verdict VALUES(?, ?, 1, ?, ?, 0.0125, NULL, ?)",
           [(i["id"], i["first_ms"], flagged, score, data) for i, score, flagged, data in judged])


def invoices(db):
    return select(db, "SELECT * FROM invoice ORDER BY id")


@pytest.fixture
def shop(tillstream, repo, tmp_db):
    """A database of the sample's 2,000 sales that no model has looked at."""
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", tmp_db, "--set",
               "models=false")
    return tmp_db


# ---- query anomalies ----

REASONS = [{"feature": "price_up", "value": 10.6, "usual": 1.25, "weight": 0.75,
            "text": "unit price 10.6 of \"84946\" is 8.48x the usual 1.25"}]


def fill_anomalies(db, n=130, shift=0):
    rows = []
    for k, i in enumerate(invoices(db)[:n]):
        rows.append((f"invoice:{i['text']}", "invoice", i["text"], k % 3, i["first_ms"], i["id"],
                     i["customer"], i["country"], i["revenue"], shift + k * 37 % 101 / 3, 0.001,
                     "price_up", json.dumps(REASONS), "unit price 10.6 of 84946 " * 6))
    rows.append(("series:all", "series", "all", 1, 1292000000000, None, 0, 0, 0, 9.5, None, "level",
                 "no JSON {", "sales stopped"))
    change(db, f"INSERT INTO anomaly VALUES({', '.join('?' * 14)})", rows)
    change(db, "INSERT INTO feedback VALUES(?, 'ok', 'ada@till', 1300000000000)",
           [(invoices(db)[0]["id"],)])


@pytest.fixture
def odd(shop):
    fill_anomalies(shop)
    return shop


def wanted_anomalies(db, order, where="1"):
    rows = select(db, f"SELECT * FROM anomalies WHERE {where} ORDER BY {order}")
    for row in rows:
        row["reasons"] = None if row["kind"] == "series" else json.loads(row["reasons"])
    return rows


@pytest.fixture
def ask(tillstream, tmp_db):
    def run(*args, db=None):
        return json.loads(tillstream("query", *args, "--format", "json", "--db", db or tmp_db
                                     ).stdout)
    return run


def test_anomalies_are_the_view_newest_first_with_reasons_as_json(odd, ask, tillstream):
    rows = ask("anomalies")
    assert rows == wanted_anomalies(odd, "time DESC, id")
    assert len(rows) == len(invoices(odd)) + 1 and rows[-1]["reasons"] == REASONS
    assert ask("anomalies", "--by", "score", "--limit", "7") == wanted_anomalies(
        odd, "score DESC, time || id")[:7]
    text = tillstream("query", "anomalies", "--format", "csv", "--db", odd).stdout
    cells = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(cells[0]) == list(select(odd, "SELECT * FROM anomalies")[0])
    assert json.loads(cells[-1]["reasons"]) == REASONS


def test_anomalies_of_a_customer_an_invoice_a_country_a_time(odd, ask):
    one = select(odd, "SELECT * FROM anomalies WHERE kind = 'invoice' AND customer <> ''"
                 " AND country <> 'United Kingdom'")[0]
    for key in (one["customer"], one["invoice"], one["country"]):
        rows = ask("anomalies", "--key", key)
        assert rows == wanted_anomalies(odd, "time DESC, id",
                                        f"'{key}' IN (customer, invoice, country)")
        assert one["id"] in [r["id"] for r in rows]
    assert ask("anomalies", "--key", "nobody") == []
    rows = ask("anomalies", "--from", "2010-12-03", "--to", "2010-12-05T10:00")
    assert rows == wanted_anomalies(odd, "time DESC, id", "time >= '2010-12-03' AND"
                                    " time < '2010-12-05T10:00:00Z'") and rows


def test_the_table_of_anomalies_keeps_the_text_whole_or_fits_a_narrow_terminal(odd, tillstream):
    table = tillstream("query", "anomalies", "--db", odd).stdout.splitlines()
    assert table[0].split() == ["time", "invoice", "customer", "country", "revenue", "score",
                                "state", "feedback", "text"]
    assert table[1].endswith("unit price 10.6 of 84946 " * 5 + "unit price 10.6 of 84946")
    rows = len(invoices(odd)) + 1
    assert table[-1] == f"({rows - 100} more rows; --limit 0 shows all)"
    narrow = tillstream("query", "anomalies", "--db", odd, env={"COLUMNS": 70}).stdout.splitlines()
    assert all(len(line) <= 70 for line in narrow[:101]) and narrow[1].endswith("\u2026")
    assert narrow[0].split()[:2] == ["time", "invoice"] and "not shown: " in narrow[101]
    oldest = tillstream("query", "anomalies", "--limit", "0", "--db", odd).stdout.splitlines()[-1]
    assert " ok " in oldest


def test_anomalies_of_several_databases_are_in_one_order(odd, tillstream, tmp_path, repo):
    other = tmp_path / "other.db"
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", other, "--set", "models=false")
    fill_anomalies(other, 40, 0.25)
    text = tillstream("query", "anomalies", "--format", "json", "--by", "score", "--limit", "60",
                      "--db", odd, "--db", other).stdout
    rows = [dict(r, db=str(db)) for db in (odd, other) for r in wanted_anomalies(db, "id")]
    rows.sort(key=lambda r: (-r["score"], r["time"] + r["id"], r["db"]))
    assert json.loads(text) == rows[:60]
    assert {r["db"] for r in json.loads(text)} == {str(odd), str(other)}


@pytest.mark.parametrize("args, words", [
    (("anomalies", "--by", "revenue"), "can be ordered --by score alone"),
    (("anomalies", "--dimension", "country"), "takes no --dimension"),
    (("anomalies", "541431"), "takes nothing after it"),
    (("anomalies", "--scores"), "takes no --scores"),
    (("top", "--by", "score"), "can't be ordered --by score"),
    (("aggregates", "--by", "score"), "can't be ordered --by score"),
    (("forecasts", "--window", "day"), "takes no --window"),
    (("forecasts", "--by", "score"), "takes no --by"),
])
def test_options_that_make_no_sense_are_refused(shop, tillstream, args, words):
    done = tillstream("query", *args, "--db", shop, status=2)
    assert words in done.stderr and done.stdout == ""


def test_without_models_there_is_nothing_and_that_is_no_error(shop, tillstream):
    for args in (("anomalies",), ("forecasts",), ("forecasts", "--scores")):
        assert tillstream("query", *args, "--db", shop).stdout == "(no rows)\n"


# ---- query forecasts ----

@pytest.fixture
def foretold(shop):
    rng, rows = random.Random(1), []
    for horizon in ("hour", "nowcast", "day"):
        for dimension, key in (("all", 0), ("country", 2), ("country", 4)):
            for h in range(60):
                came = rng.uniform(0, 200)
                rows.append((horizon, dimension, key, "revenue", 1291161600 + 3600 * h,
                             1291161600000 + h, came + rng.gauss(0, 20), came - 30, came + 30,
                             None if h > 55 else came + rng.gauss(0, 25),
                             None if h < 10 or key == 4 else came + rng.gauss(0, 40),
                             None if h < 30 else came + rng.gauss(0, 30)))
    change(shop, "INSERT INTO forecast VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
           [(r[0], r[1], r[2], *r[3:9], r[9], r[10], r[11]) for r in rows])
    return shop


def test_forecasts_are_the_view_newest_first(foretold, ask):
    rows = ask("forecasts")
    key = lambda r: (r["horizon"], r["dimension"], r["key"], r["window_start"])  # noqa: E731
    assert sorted(rows, key=key) == sorted(select(foretold, "SELECT * FROM forecasts"), key=key)
    starts = [r["window_start"] for r in rows]
    assert starts == sorted(starts, reverse=True)
    assert [r["horizon"] for r in rows[:9]] == ["hour"] * 3 + ["nowcast"] * 3 + ["day"] * 3
    assert [r["key"] for r in rows[:9:3]] == ["*"] * 3
    some = ask("forecasts", "--dimension", "country", "--from", "2010-12-02", "--limit", "5")
    assert some == [r for r in rows if r["dimension"] == "country"
                    and r["window_start"] >= "2010-12-02"][:5]
    assert {r["dimension"] for r in ask("forecasts", "--key", "*")} == {"all"}


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def test_the_scores_of_forecasts_are_what_python_computes(foretold, ask, tillstream):
    rows = select(foretold, "SELECT * FROM forecasts WHERE actual IS NOT NULL")
    scores = ask("forecasts", "--scores")
    assert len(scores) == 9 and scores[0]["horizon"] == "hour" and scores[0]["key"] == "*"
    for s in scores:
        mine = [r for r in rows if all(r[c] == s[c] for c in ("horizon", "dimension", "key"))]
        naive = [r for r in mine if r["week_ago"] is not None]
        both = [r for r in naive if r["holt_winters"] is not None]
        miss = lambda rs, c: sum(abs(r[c] - r["actual"]) for r in rs)  # noqa: E731
        assert s["n"] == len(mine) == 56
        assert s["mae"] == pytest.approx(miss(mine, "predicted") / 56)
        assert s["inside"] == mean(r["lower"] <= r["actual"] <= r["upper"] for r in mine)
        assert s["width"] == pytest.approx(60)
        if naive:
            assert s["vs_week_ago"] == pytest.approx(
                miss(naive, "predicted") / miss(naive, "week_ago"))
            assert s["holt_winters"] == pytest.approx(
                miss(both, "holt_winters") / miss(both, "week_ago"))
        else:
            assert s["vs_week_ago"] is None and s["holt_winters"] is None
    table = tillstream("query", "forecasts", "--scores", "--key", "*", "--db", foretold).stdout
    assert table.splitlines()[0].split() == ["horizon", "dimension", "key", "measure", "n", "mae",
                                             "vs_week_ago", "holt_winters", "inside", "width"]
    assert len(table.splitlines()) == 4


# ---- why ----

@pytest.fixture
def judged(shop):
    """One invoice of which all is known."""
    all_invoices = invoices(shop)
    one = next(i for i in all_invoices if i["customer"] and i["country"])
    found = [evidence(PRICE_UP, 3.0, 10.6, 1.25, key=one["country"]),
             evidence(LINES, 0.985, 160, 8), evidence(HOUR, 0.015, 4, 0.0001)]
    data = verdict(one, 4.0, found, all_invoices[5:8])
    judge(shop, [(one, 4.0, 1, data), (all_invoices[9], 0.0, 0, verdict(all_invoices[9], 0.0))])
    change(shop, "UPDATE verdict SET cancels = ? WHERE invoice = ?",
           [(all_invoices[11]["id"], one["id"])])
    return one


def test_why_tells_what_was_stored(shop, judged, tillstream):
    shown = select(shop, "SELECT * FROM invoices WHERE invoice = ?", judged["text"])[0]
    lines = tillstream("why", judged["text"], "--db", shop).stdout.splitlines()
    assert lines[0] == f"invoice {shown['invoice']}, customer {shown['customer']}, " + shown[
        "country"]
    assert lines[1].startswith(shown["first_time"]) and f"{shown['lines']} line" in lines[1]
    assert lines[2] == "flagged, score 4.00, p-value 0.013"
    assert lines[3] == f"cancels invoice {invoices(shop)[11]['text']}"
    weights = [line.split(" %")[0].strip() for line in lines[5:7]]
    assert weights == ["75", "25"] and lines[7] == "", "what weighs next to nothing is left out"
    assert lines[8] == "The nearest normal invoices of this customer:"
    assert [line.split()[0] for line in lines[10:]] == [i["text"] for i in invoices(shop)[5:8]]
    plain = tillstream("why", invoices(shop)[9]["text"], "--db", shop).stdout
    assert "not flagged" in plain and "nothing about it is out of the ordinary" in plain
    taken = tillstream("why", invoices(shop)[11]["text"], "--db", shop, status=1)
    assert "was not judged yet" in taken.stderr


def test_why_as_json_has_everything(shop, judged, tillstream):
    told = json.loads(tillstream("why", judged["text"], "--format", "json", "--db", shop).stdout)
    shown = select(shop, "SELECT * FROM invoices WHERE invoice = ?", judged["text"])[0]
    for name in ("invoice", "customer", "country", "lines", "units", "revenue", "cancels",
                 "cancelled_by", "score"):
        assert told[name] == shown[name], name
    assert told["flagged"] is True and told["state"] == "final" and told["feedback"] is None
    assert sum(r["weight"] for r in told["reasons"]) == pytest.approx(1)
    assert [r["value"] for r in told["reasons"]] == [10.6, 160, 4]
    assert all(r["text"] and r["feature"] for r in told["reasons"])
    assert [n["invoice"] for n in told["normals"]] == [i["text"] for i in invoices(shop)[5:8]]


def test_why_says_what_it_can_not_tell(shop, judged, tillstream, tmp_path):
    unknown = tillstream("why", "nope", "--db", shop, status=1).stderr
    assert unknown == f"tillstream: there is no invoice \"nope\" in {shop}\n"
    missing = tmp_path / "missing.db"
    assert "tillstream run" in tillstream("why", "1", "--db", missing, status=1).stderr
    assert not missing.exists()
    assert "INVOICE" in tillstream("why", status=2).stderr
    whole = verdict(judged, 4.0, [evidence(PRICE_UP, 4.0)])
    for data in (b"", b"\x01", whole[:-1], whole[:40], whole[:1] + b"\xff" * 40):
        judge(shop, [(judged, 4.0, 1, data)])
        assert "damaged" in tillstream("why", judged["text"], "--db", shop, status=1).stderr
    judge(shop, [(judged, 4.0, 1, verdict(judged, 4.0, version=9))])
    assert "newer" in tillstream("why", judged["text"], "--db", shop, status=1).stderr


# ---- evaluate ----

@pytest.fixture(scope="module")
def ranked(program, environment, tmp_path_factory):
    """A shop with random scores, higher for labelled invoices: (db, rows, files)."""
    folder = tmp_path_factory.mktemp("ranked")
    db, rng = folder / "ranked.db", random.Random(4)
    sales = subprocess.run([program, "generate", "--records", "40000"], check=True,
                           capture_output=True).stdout
    subprocess.run([program, "run", "-q", "-", "--db", db, "--set", "models=false"], check=True,
                   input=sales, env=environment())
    rows = invoices(db)
    types = ["price_x100", "night", "new, \"odd\"\ntype"]
    for n, row in enumerate(rows):
        row["label"] = rng.choice(types) if rng.random() < 0.03 else None
        row["event"] = f"e{n // 150}"
        row["ignored"] = rng.random() < 0.05
        row["control"] = rng.random() < 0.05 and not row["label"]
        row["score"] = round(max(0.0, rng.gauss(4 if row["label"] else 0, 1.5)), 2)
        row["flagged"] = row["score"] > 4
        row["top"] = rng.choice([PRICE_UP, HOUR, COUNTRY])
        row["second"] = rng.choice([PRICE_UP, HOUR, COUNTRY])
    judge(db, [(r, r["score"], int(r["flagged"]), verdict(
        r, r["score"], [evidence(r["top"], r["score"]), evidence(r["second"], 0.0)]))
        for r in rows])

    def write(name, chosen, header, bom=""):
        with open(folder / name, "w", encoding="utf-8", newline="") as file:
            file.write(bom)
            out = csv.writer(file)
            out.writerow(header)
            out.writerows([{"InvoiceNo": r["text"], "type": r["label"], "event": r["event"],
                            "Invoice": r["text"], "detail": "a, b"}[c] for c in header]
                          for r in chosen)
        return folder / name

    files = {"labels": write("labels.csv", [r for r in rows if r["label"]],
                             ["detail", "type", "InvoiceNo", "event"], "\ufeff"),
             "ignore": write("ignore.csv", [r for r in rows if r["ignored"]] * 2, ["Invoice"]),
             "controls": write("controls.csv", [r for r in rows if r["control"]],
                               ["InvoiceNo", "type"])}
    return db, rows, files


def average_precision(hits):
    found, total = 0, 0.0
    for k, hit in enumerate(hits, 1):
        found += hit
        total += found / k if hit else 0
    return total / found if found else 0


def test_evaluate_gives_the_figures_python_computes(ranked, tillstream):
    db, rows, files = ranked
    start = min(r["first_ms"] for r in rows) + 2 * DAY_MS
    out = json.loads(tillstream(
        "evaluate", "--labels", files["labels"], "--ignore", files["ignore"], "--controls",
        files["controls"], "--db", db, "--warm-up", "2d", "--format", "json").stdout)
    after = [r for r in rows if r["first_ms"] >= start]
    ranking = sorted((r for r in after if r["label"] or not r["ignored"]),
                     key=lambda r: (-r["score"], r["first_ms"], r["id"]))
    hits = [bool(r["label"]) for r in ranking]
    cut = [math.ceil(rate * len(after)) for rate in (.005, .01, .015, .02)]
    assert out["judged"] == len(after) and out["labelled"] == sum(hits) > 20
    assert out["ignored"] == len(after) - len(ranking)
    assert out["missing"] == sum(bool(r["label"]) for r in rows) - sum(hits) > 0
    assert out["average_precision"] == pytest.approx(average_precision(hits), abs=1e-6)
    assert out["low"] < out["average_precision"] < out["high"]
    for k in (50, 100, 200):
        assert out[f"precision_{k}"] == pytest.approx(sum(hits[:k]) / k, abs=1e-6)
    events = {r["event"] for r in ranking if r["label"]}
    for name, n in zip(("0.5", "1", "1.5", "2"), cut):
        assert out[f"recall_{name}"] == pytest.approx(sum(hits[:n]) / sum(hits), abs=1e-6)
        seen = {r["event"] for r in ranking[:n] if r["label"]}
        assert out[f"events_{name}"] == pytest.approx(len(seen) / len(events), abs=1e-6)
    given = [r for r in ranking if r["flagged"]]
    right = sum(bool(r["label"]) for r in given)
    assert out["flags"]["given"] == len(given) and out["flags"]["right"] == right
    assert out["flags"]["f1"] == pytest.approx(2 * right / (len(given) + sum(hits)), abs=1e-6)
    head = ranking[:cut[2]]
    assert out["controls"] == {"judged": sum(r["control"] for r in ranking),
                               "within": sum(r["control"] for r in head),
                               "flagged": sum(r["control"] for r in given)}
    wanted = {"price_x100": PRICE_UP, "night": HOUR}
    caught = [r for r in head if r["label"] in wanted]
    assert out["reasons"] == {
        "of": len(caught), "first": sum(r["top"] == wanted[r["label"]] for r in caught),
        "among": sum(wanted[r["label"]] in (r["top"], r["second"]) for r in caught)}
    assert [t["type"] for t in out["types"]] == sorted({r["label"] for r in ranking if r["label"]})
    for t in out["types"]:
        mine = [r["label"] == t["type"] for r in ranking if r["label"] in (None, t["type"])]
        assert t["labelled"] == sum(mine)
        assert t["found"] == sum(r["label"] == t["type"] for r in head)
        assert t["average_precision"] == pytest.approx(average_precision(mine), abs=1e-6)


def test_evaluate_for_people_is_the_same_each_time(ranked, tillstream):
    db, _, files = ranked
    args = ("evaluate", "--labels", files["labels"], "--controls", files["controls"], "--db", db,
            "--warm-up", "2d")
    text = tillstream(*args).stdout
    assert text == tillstream(*args).stdout
    for words in ("average precision  0.", "recall ", "at 1.5 %", "F1 0.", "controls  ",
                  "strongest reason", "price_x100 "):
        assert words in text


def test_evaluate_says_what_is_wrong(ranked, shop, tillstream, tmp_path):
    db, _, files = ranked
    assert "--labels FILE" in tillstream("evaluate", "--db", db, status=2).stderr
    gone = tillstream("evaluate", "--labels", "gone.csv", "--db", db, status=1).stderr
    assert "gone.csv: No such file" in gone
    (tmp_path / "bad.csv").write_text("number,type\n1,night\n")
    bad = tillstream("evaluate", "--labels", tmp_path / "bad.csv", "--db", db, status=1).stderr
    assert "names no column InvoiceNo" in bad
    (tmp_path / "none.csv").write_text("InvoiceNo,type\nnobody,night\n")
    none = tillstream("evaluate", "--labels", tmp_path / "none.csv", "--db", db, status=1).stderr
    assert "none of the 1 labelled invoices" in none
    warm = tillstream("evaluate", "--labels", files["labels"], "--warm-up", "soon", "--db", db,
                      status=2).stderr
    assert "--warm-up" in warm
    unjudged = tillstream("evaluate", "--labels", files["labels"], "--db", shop, status=1).stderr
    assert "no invoice was judged" in unjudged


# ---- ok and flag ----

@pytest.fixture
def live(tillstream, repo, tmp_db):
    """A database of which the models have judged every invoice."""
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", tmp_db)
    return tmp_db


def said(db):
    return select(db, "SELECT i.text AS invoice, f.said, f.said_by FROM feedback f"
                  " JOIN invoice i ON i.id = f.invoice ORDER BY i.id")


def test_what_is_said_is_kept_with_who_and_taken_back(live, tillstream):
    who, no = {"USER": "ada"}, invoices(live)[3]["text"]
    assert tillstream("ok", no, "--db", live, env=who).stdout == f"invoice {no}: noted as fine\n"
    (row,) = said(live)
    assert (row["invoice"], row["said"]) == (no, "ok") and row["said_by"].startswith("ada@")
    assert "already" in tillstream("ok", no, "--db", live).stdout
    assert said(live)[0]["said_by"].startswith("ada@")
    assert "not fine" in tillstream("flag", no, "--db", live, env={"USER": "bob"}).stdout
    assert said(live)[0]["said"] == "flag"
    told = json.loads(tillstream("why", no, "--format", "json", "--db", live).stdout)
    assert told["feedback"] == "flag" and told["feedback_by"].startswith("bob@")
    assert "taken back" in tillstream("ok", no, "--undo", "--db", live).stdout
    assert said(live)[0]["said"] == ""
    assert "nothing was said" in tillstream("flag", no, "--undo", "--db", live).stdout
    kinds = [r["kind"] for r in select(live, "SELECT kind FROM requests ORDER BY id")]
    assert kinds == ["ok", "ok", "flag", "undo", "undo"]


def test_what_can_not_be_said(live, shop_of_no_models, tillstream, tmp_path):
    for command in ("ok", "flag"):
        done = tillstream(command, "nope", "--db", live, status=1)
        assert "there is no invoice \"nope\"" in done.stderr and done.stdout == ""
        assert "INVOICE" in tillstream(command, status=2).stderr
        gone = tillstream(command, "1", "--db", tmp_path / "missing.db", status=1)
        assert "tillstream run" in gone.stderr
        no = invoices(shop_of_no_models)[0]["text"]
        done = tillstream(command, no, "--db", shop_of_no_models, status=1)
        assert "was not judged yet" in done.stderr
    assert select(live, "SELECT count(*) AS n FROM requests")[0]["n"] == 0
    assert not (tmp_path / "missing.db").exists()


@pytest.fixture
def shop_of_no_models(tillstream, repo, tmp_path):
    db = tmp_path / "plain.db"
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", db, "--set", "models=false")
    return db


def judged_invoices(db):
    try:
        return select(db, "SELECT i.text FROM verdict v JOIN invoice i ON i.id = v.invoice"
                      " ORDER BY i.id")
    except sqlite3.OperationalError:
        return []


def test_a_live_run_notes_what_is_said(tillstream, program, environment, repo, tmp_db):
    run = subprocess.Popen([program, "run", "-q", repo / "notebooks-data/sample.ndjson",
                            "--follow", "--db", tmp_db], env=environment())
    try:
        until = time.monotonic() + 20
        while not judged_invoices(tmp_db):
            assert time.monotonic() < until, "the run judges nothing"
            time.sleep(0.02)
        no = judged_invoices(tmp_db)[0]["text"]
        assert "noted as fine" in tillstream("ok", no, "--db", tmp_db).stdout
        (request,) = select(tmp_db, "SELECT * FROM requests")
        assert request["applied_position"].startswith("file:")
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
    assert [r["said"] for r in said(tmp_db)] == ["ok"]


def test_a_run_without_models_says_that_it_judges_nothing(live, tillstream, repo):
    no = invoices(live)[2]["text"]
    tillstream("run", repo / "notebooks-data/sample.ndjson", "--db", live, "--set", "models=false")
    done = tillstream("ok", no, "--db", live, status=1)
    assert "not done" in done.stderr and said(live) == []


# ---- model ----

def learned(db):
    return select(db, "SELECT name, version, data FROM state WHERE name LIKE 'models/%'"
                  " ORDER BY name")


def findings(db):
    return [select(db, f"SELECT * FROM {view}") for view in ("anomalies", "forecasts", "verdict")]


@pytest.fixture(scope="module")
def halves(program, environment, tmp_path_factory):
    """(folder, two files of sales): first.db has counted the first, both.db the second too."""
    folder = tmp_path_factory.mktemp("halves")
    sales = subprocess.run([program, "generate", "--records", "30000"], check=True,
                           capture_output=True).stdout.splitlines(keepends=True)
    files = [folder / "first.ndjson", folder / "second.ndjson"]
    for file, part in zip(files, (sales[:15000], sales[15000:])):
        file.write_bytes(b"".join(part))
    for db, counted in (("first.db", files[:1]), ("both.db", files)):
        for file in counted:
            subprocess.run([program, "run", "-q", file, "--db", folder / db], check=True,
                           env=environment())
            subprocess.run([program, "model", "export", folder / f"{db}.model", "--db",
                            folder / db], check=True, env=environment(), stdout=subprocess.DEVNULL)
    return folder, files


@pytest.fixture
def first(halves, tmp_path):
    """A copy of first.db."""
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        source = halves[0] / f"first.db{suffix}"
        if source.exists():
            (tmp_path / f"copy.db{suffix}").write_bytes(source.read_bytes())
    return copy


def test_models_are_listed_with_their_parts(halves, tillstream):
    db = halves[0] / "first.db"
    rows = learned(db)
    lines = tillstream("model", "ls", "--db", db).stdout.splitlines()
    assert lines[0].split() == ["model", "version", "parts", "bytes"]
    names = sorted({r["name"].split("/")[1] for r in rows})
    assert [line.split()[0] for line in lines[1:]] == names and "detect" in names
    parts = [r for r in rows if r["name"].split("/")[1] == "detect"]
    assert lines[1 + names.index("detect")].split()[2:4] == [
        f"{len(parts):,}", f"{sum(len(r['data']) for r in parts):,}"]
    shown = tillstream("model", "show", "detect", "--db", db).stdout.splitlines()
    assert [line.split()[0] for line in shown[1:]] == [r["name"] for r in parts]
    state = tillstream("state", "--db", db).stdout
    assert "models/detect  " in state and "models/detect/" not in state


def test_a_model_brought_back_goes_on_as_if_nothing_had_been(halves, first, tillstream, tmp_path):
    file, again = tmp_path / "shop.model", tmp_path / "again.model"
    before, found = learned(first), findings(first)
    assert str(file) in tillstream("model", "export", file, "--db", first).stdout
    tillstream("model", "export", again, "--db", first)
    assert file.read_bytes() == again.read_bytes()
    assert tillstream("model", "reset", "--db", first).stdout == "the models start anew\n"
    assert sum(len(r["data"]) for r in learned(first)) < sum(len(r["data"]) for r in before) / 3
    done = tillstream("model", "import", file.name, "--db", first, cwd=tmp_path)
    assert done.stdout == f"the models are now those of {file}\n"
    assert learned(first) == before and findings(first) == found
    tillstream("run", halves[1][1], "--db", first)
    tillstream("model", "export", again, "--db", first)
    assert learned(first) == learned(halves[0] / "both.db")
    assert findings(first) == findings(halves[0] / "both.db")


def test_a_model_that_was_reset_learns_anew_and_survives_restarts(halves, first, tillstream,
                                                                  tmp_path):
    tillstream("model", "reset", "--db", first)
    known = learned(first)
    tillstream("run", halves[1][0], "--db", first)  # nothing new in it
    assert learned(first) == known
    judged = len(judged_invoices(first))
    tillstream("run", halves[1][1], "--db", first)
    tillstream("model", "export", tmp_path / "new.model", "--db", first)
    assert len(judged_invoices(first)) > judged
    assert learned(first) != learned(halves[0] / "both.db")


def test_no_wrong_file_is_taken_for_a_model(halves, first, shop, tillstream, tmp_path):
    file, bad = tmp_path / "shop.model", tmp_path / "bad.model"
    tillstream("model", "export", file, "--db", first)
    whole, before = file.read_bytes(), learned(first)
    middle = len(whole) // 2
    for data in (b"", b"hello", whole[:-1], whole + b"x", whole[:middle],
                 whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]):
        bad.write_bytes(data)
        done = tillstream("model", "import", bad, "--db", first, status=1)
        assert "not done: " in done.stderr and "damaged" in done.stderr
    assert learned(first) == before
    later = tmp_path / "later.model"
    tillstream("model", "export", later, "--db", halves[0] / "both.db")
    assert "later state" in tillstream("model", "import", later, "--db", first, status=1).stderr
    os.mkfifo(tmp_path / "pipe")
    pipe = tillstream("model", "import", tmp_path / "pipe", "--db", first, status=1)
    assert "can't be read" in pipe.stderr
    gone = tillstream("model", "import", "gone.model", "--db", first, status=1)
    assert "gone.model: No such file" in gone.stderr
    off = tillstream("model", "import", file, "--db", shop, status=1)
    assert "no models in this run" in off.stderr
    assert "nothing is saved" in tillstream("model", "ls", "--db", shop, status=1).stderr
    none = tillstream("model", "export", tmp_path / "none", "--db", shop, status=1).stderr
    assert "no models in this run" in none and not (tmp_path / "none").exists()
    assert "no model" in tillstream("model", "show", "x", "--db", first, status=1).stderr
    for args in (("ls", "x"), ("show",), ("export",), ("import",), ("reset", "x"), ("list",), ()):
        tillstream("model", *args, "--db", first, status=2)
    assert learned(first) == before


def wait_for_lock(db):
    """Until somebody holds the database."""
    until = time.monotonic() + 20
    with open(f"{db}-lock", "ab") as lock:
        while True:
            assert time.monotonic() < until, "nobody takes the lock"
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            fcntl.lockf(lock, fcntl.LOCK_UN)
            time.sleep(0.05)


def test_a_live_run_resets_and_imports(first, tillstream, program, environment, halves, tmp_path):
    file = tmp_path / "shop.model"
    tillstream("model", "export", file, "--db", first)
    before = learned(first)
    run = subprocess.Popen([program, "run", "-q", halves[1][0], "--follow", "--db", first],
                           env=environment())
    try:
        wait_for_lock(first)
        assert "anew" in tillstream("model", "reset", "--db", first).stdout
        assert learned(first) != before
        assert "are now those" in tillstream("model", "import", file, "--db", first).stdout
        positions = select(first, "SELECT applied_position AS p FROM requests"
                           " WHERE kind <> 'model-save' ORDER BY id")
        assert all(p["p"].startswith("file:") for p in positions) and len(positions) == 2
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
    assert learned(first) == before
