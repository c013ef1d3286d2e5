# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the public views of a database in the format of the ground truth files."""
import hashlib
import sqlite3

HEAD = ("window_start,window_start_utc,key,lines,invoices,units,revenue,"
        "return_lines,return_units,return_revenue\n")

# file of the truth -> window, dimension, condition on the key
WINDOW_FILES = {
    "tumbling_1h_country.csv": ("hour", "country", ""),
    "tumbling_1h_customer.csv": ("hour", "customer", "AND key <> ''"),
    "tumbling_1h_customer_missing.csv": ("hour", "customer", "AND key = ''"),
    "tumbling_1h_stock.csv": ("hour", "stock_code", ""),
    "tumbling_1d_country.csv": ("day", "country", ""),
    "tumbling_1d_customer.csv": ("day", "customer", "AND key <> ''"),
    "tumbling_1d_customer_missing.csv": ("day", "customer", "AND key = ''"),
    "tumbling_1d_stock.csv": ("day", "stock_code", ""),
    "sliding_24h_1h_country.csv": ("last24h", "country", ""),
    "sliding_7d_1d_stock.csv": ("last7d", "stock_code", ""),
}

# sliding windows keep one row per key unless told otherwise
HISTORY = ["--set", "windows.2.keep=history", "--set", "windows.3.keep=history"]


def money(micros):
    assert micros % 1000 == 0, micros
    sign = "-" if micros < 0 else ""
    thousandths = abs(micros) // 1000
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"


def window_lines(db, window, dimension, condition):
    rows = db.execute(
        "SELECT strftime('%s', window_start), window_start, key, lines, invoices, units,"
        " revenue_micros, return_lines, return_units, return_revenue_micros, final"
        f" FROM aggregates WHERE window = ? AND dimension = ? {condition}"
        " ORDER BY window_start, CAST(key AS BLOB)", (window, dimension))
    yield HEAD
    for (start, start_text, key, lines, invoices, units, revenue, return_lines, return_units,
         return_revenue, final) in rows:
        assert final == 1, (window, dimension, start_text, key)
        yield (f"{start},{start_text},{key},{lines},{invoices},{units},{money(revenue)},"
               f"{return_lines},{return_units},{money(return_revenue)}\n")


def invoice_lines(db):
    rows = db.execute(
        "SELECT invoice, lines, units, revenue_micros, coalesce(customer, ''),"
        " coalesce(country, ''), strftime('%s', first_time), first_time,"
        " strftime('%s', last_time), n_customers, n_countries"
        " FROM invoices ORDER BY CAST(invoice AS BLOB)")
    yield "invoice,lines,units,revenue,customer,country,first_ts,first_utc,last_ts,n_customers,n_countries\n"
    for (invoice, lines, units, revenue, customer, country, first, first_text, last, customers,
         countries) in rows:
        yield (f"{invoice},{lines},{units},{money(revenue)},{customer},{country},{first},"
               f"{first_text},{last},{customers},{countries}\n")


def digests(path):
    """File name of the truth -> (rows, sha256) of the same file written from this database."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    made = {}
    files = [(name, window_lines(db, *what)) for name, what in WINDOW_FILES.items()]
    for name, lines in files + [("invoices.csv", invoice_lines(db))]:
        digest, rows = hashlib.sha256(), -1
        for line in lines:
            digest.update(line.encode())
            rows += 1
        made[name] = (rows, digest.hexdigest())
    db.close()
    return made
