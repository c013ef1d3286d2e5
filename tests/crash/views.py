# SPDX-License-Identifier: GPL-3.0-or-later
"""The public views of a database as digests: all columns but those of the clock."""
import hashlib
import marshal
import sqlite3

CLOCK = {"seen_at", "updated_at", "millis_behind", "feedback_at"}
VIEWS = ("aggregates", "invoices", "customers", "anomalies", "forecasts", "rejects", "late",
         "progress")


def connect(path):
    """A reader, as any program may be one: it waits for nobody and writes nothing."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0, isolation_level=None)


# What a better model judges otherwise.
JUDGED_VIEWS = {"anomalies", "forecasts"}
JUDGED = {"score", "flagged", "cancels", "cancelled_by"}


def rows(db, view, without=frozenset()):
    columns = [c[1] for c in db.execute(f"PRAGMA table_info({view})")
               if c[1] not in CLOCK and c[1] not in without]
    return db.execute("SELECT " + ", ".join(f'"{c}"' for c in columns) + f" FROM {view}")


def digests(path, judged=True):
    """View -> (rows, sha256 of them in the order the view gives them); without what models say
    unless `judged`."""
    without = frozenset() if judged else JUDGED
    db, made = connect(path), {}
    assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    for view in VIEWS:
        if view in JUDGED_VIEWS and not judged:
            continue
        digest, n = hashlib.sha256(), 0
        for n, row in enumerate(rows(db, view, without), 1):
            digest.update(marshal.dumps(row, 2))  # 2: says nothing of who holds the row
        made[view] = (n, digest.hexdigest())
    db.close()
    return made


def difference(path, other, limit=3):
    """What is in one database and not in the other, for a person to read."""
    one, two, found = connect(path), connect(other), []
    for view in VIEWS:
        a, b = set(rows(one, view)), set(rows(two, view))
        if a != b:
            found.append(f"{view}: {len(a - b)} rows only in {path}, {len(b - a)} only in {other}")
            found += [f"  < {r}" for r in sorted(a - b, key=repr)[:limit]]
            found += [f"  > {r}" for r in sorted(b - a, key=repr)[:limit]]
        elif list(rows(one, view)) != list(rows(two, view)):
            found.append(f"{view}: the same rows in another order")
    one.close()
    two.close()
    return "\n".join(found)


def contradictions(db):
    """(records read, sentences that must hold between the views of a snapshot, and don't)."""
    wrong = []
    db.execute("BEGIN")
    read, aggregated, late, rejected, pending = db.execute(
        "SELECT total(read), total(aggregated), total(late), total(rejected), total(pending)"
        " FROM progress").fetchone()
    counted = {
        "read = aggregated + late + rejected + pending":
            (read, aggregated + late + rejected + pending),
        "late holds what progress says": (late, one_number(db, "SELECT count(*) FROM late")),
        "rejects holds what progress says":
            (rejected, one_number(db, "SELECT count(*) FROM rejects")),
        "hours add up to what was aggregated": (aggregated, one_number(
            db, "SELECT total(lines) FROM aggregates WHERE window = 'hour' AND dimension = 'all'")),
        "countries of an hour add up, too": (aggregated, one_number(
            db, "SELECT total(lines) FROM aggregates"
            " WHERE window = 'hour' AND dimension = 'country'")),
        "invoices add up": (aggregated, one_number(db, "SELECT total(lines) FROM invoices")),
        "revenue of hours is that of invoices": (
            one_number(db, "SELECT sum(revenue_micros) FROM aggregates"
                       " WHERE window = 'hour' AND dimension = 'all'"),
            one_number(db, "SELECT sum(revenue_micros) FROM invoices")),
        "customers of an hour are the customers": (
            one_number(db, "SELECT total(lines) FROM aggregates"
                       " WHERE window = 'hour' AND dimension = 'customer' AND key <> ''"),
            one_number(db, "SELECT total(lines) FROM customers")),
    }
    db.execute("ROLLBACK")
    for sentence, (one, other) in counted.items():
        if one != other:
            wrong.append(f"{sentence}: {one} and {other}")
    return int(read), wrong


def one_number(db, sql):
    return db.execute(sql).fetchone()[0]
