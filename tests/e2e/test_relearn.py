# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that begin anew: when they are turned on later, and when they are to foretell more."""
import sqlite3


def select(db, sql):
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as reading:
        return reading.execute(sql).fetchall()


def findings(db):
    return [select(db, f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4, 5, 6")
            for view in ("invoices", "anomalies", "forecasts")]


def test_models_turned_on_later_learn_from_all_that_was_sold(tillstream, tmp_path):
    shop = tmp_path / "shop.ndjson"
    shop.write_text(tillstream("generate", "--records", "60000", "--seed", "4").stdout)
    tillstream("run", shop, "--db", tmp_path / "on.db")
    tillstream("run", shop, "--db", tmp_path / "late.db", "--set", "models=false")
    assert select(tmp_path / "late.db", "SELECT count(*) FROM anomalies") == [(0,)]
    tillstream("run", shop, "--db", tmp_path / "late.db")
    assert findings(tmp_path / "late.db") == findings(tmp_path / "on.db")


def test_further_forecasts_come_for_the_past_too_and_lessons_stay(tillstream, tmp_path):
    shop, db = tmp_path / "shop.ndjson", tmp_path / "shop.db"
    shop.write_text(tillstream("generate", "--records", "60000", "--seed", "4").stdout)
    tillstream("run", shop, "--db", db)
    invoice = select(db, "SELECT invoice FROM anomalies WHERE kind = 'invoice' LIMIT 1")[0][0]
    tillstream("ok", invoice, "--db", db)
    rules = "lines of all; units of country France from usual, week"
    tillstream("run", shop, "--db", db, "--set", f"forecast={rules}")
    more = select(db, "SELECT DISTINCT dimension, key, measure FROM forecasts"
                      " WHERE measure <> 'sales' ORDER BY 1")
    assert more == [("all", "*", "lines"), ("country", "France", "units")]
    said = select(db, f"SELECT feedback FROM anomalies WHERE invoice = '{invoice}' LIMIT 1")
    assert said == [("ok",)]
    undone = tillstream("ok", invoice, "--undo", "--db", db)
    assert "taken back" in undone.stdout + undone.stderr


def test_a_rule_that_makes_no_sense_is_refused_with_what_is_wrong(tillstream, tmp_path):
    shop = tmp_path / "shop.ndjson"
    shop.write_text(tillstream("generate", "--records", "10", "--seed", "4").stdout)
    for rule, wrong in {"profit of all": "the measure is",
                        "units of shop": "the dimension is",
                        "units of country": "need one",
                        "units of all from luck": "feature there is not"}.items():
        made = tillstream("run", shop, "--db", tmp_path / "x.db", "--set", f"forecast={rule}",
                          status=1)
        assert wrong in made.stderr
