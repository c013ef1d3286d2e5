# SPDX-License-Identifier: GPL-3.0-or-later
"""run --alert: each final flag is told once, whatever the receiver does, and the stream never waits.

The flags are put into the database by hand, so that these tests don't depend on what the models
think of a handful of sales.
"""
import http.server
import json
import random
import shutil
import signal
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

SALES = [{"InvoiceNo": str(1000 + i), "StockCode": "85123A", "Quantity": 2, "UnitPrice": 1.25,
          "InvoiceDate": f"2011-01-01T{8 + i // 60:02}:{i % 60:02}:00Z", "CustomerID": "17850",
          "Country": "France"} for i in range(300)]
SECRET = "hunter2"


class Receiver:
    """A server that keeps what it gets and answers as told: a status, or a function of the number
    of the request."""

    def __init__(self, answer=200, certificate=None):
        self.got, self.answer, self.location = [], answer, None
        self.open = threading.Event()  # set: those that were kept waiting go on
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), json.loads(body)))
                status = receiver.answer
                if callable(status):
                    status = status(len(receiver.got))
                if status is None:
                    receiver.open.wait(60)
                    return
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, scheme="http"):
        return (f"{scheme}://user:{SECRET}@127.0.0.1:{self.server.server_port}/hook"
                f"?token={SECRET}")

    def keys(self):
        return [headers["Idempotency-Key"] for _, headers, _ in self.got]

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = []

    def make(*args, **kwargs):
        made.append(Receiver(*args, **kwargs))
        return made[-1]

    yield make
    for r in made:
        r.close()


@pytest.fixture
def shop(tillstream, tmp_path, tmp_db):
    """shop(ids): a database in which these flags are final and wait to be told."""

    def make(*ids):
        (tmp_path / "sales.ndjson").write_text("".join(json.dumps(s) + "\n" for s in SALES))
        (tmp_path / "first.ndjson").write_text(json.dumps(SALES[0]) + "\n")
        tillstream("run", tmp_path / "first.ndjson", "--db", tmp_db, "--set", "models=false")
        flag(tmp_db, *ids)
        return tmp_db

    return make


def flag(db, *ids):
    connection = sqlite3.connect(db, timeout=20)
    with connection:
        for i in ids:
            connection.execute(
                "INSERT INTO anomaly VALUES(?, 'invoice', ?, 1, 1293840000000, 1, 1, 2, 2500000,"
                " 4.5, 0.001, 'price', ?, ?)",
                (i, i.partition(":")[2], '[{"feature":"price","value":12.5,"usual":2}]',
                 f"Invoice {i}: price is 6.2 times the usual"))
            connection.execute("INSERT INTO outbox(id, tries) VALUES(?, 0)", (i,))
    connection.close()


def select(db, sql):
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def outbox(db):
    """(id, tries, over, error) of each, in order."""
    return select(db, "SELECT id, tries, sent_ms IS NOT NULL, error FROM outbox ORDER BY rowid")


def run(tillstream, db, alert, *more, source="sales.ndjson", **kwargs):
    return tillstream("run", source, "--db", db, "--set", "models=false", "--alert", alert, *more,
                      **kwargs)


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)


def follow(program, environment, db, alert, *more):
    return subprocess.Popen(
        [program, "run", "--follow", "sales.ndjson", "--db", str(db), "--set", "models=false",
         "--alert", alert, *more], cwd=db.parent, env=environment(), stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True)


def end(process, how=signal.SIGINT):
    """Ends a run; its messages and the seconds that it took."""
    started = time.monotonic()
    process.send_signal(how)
    text = process.communicate(timeout=30)[1]
    return text, time.monotonic() - started


def test_each_flag_is_posted_once_with_its_reasons(tillstream, shop, receiver):
    db, r = shop("invoice:7", "invoice:é 3", "invoice:5"), receiver()
    done = run(tillstream, db, r.url())
    assert r.keys() == ["invoice:7", "invoice:%C3%A9%203", "invoice:5"]
    path, headers, alert = r.got[1]
    assert path == f"/hook?token={SECRET}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"].startswith("Basic ")
    assert alert["id"] == "invoice:é 3" and alert["invoice"] == "1000"
    assert alert["revenue"] == 2.5 and alert["state"] == "final"
    assert alert["reasons"] == [{"feature": "price", "value": 12.5, "usual": 2}]
    assert alert["text"].endswith("6.2 times the usual")
    assert outbox(db) == [(i, 1, 1, None) for i in ("invoice:7", "invoice:é 3", "invoice:5")]
    assert done.stderr == ""
    run(tillstream, db, r.url())
    assert len(r.got) == 3
    flag(db, "invoice:9")
    run(tillstream, db, r.url())
    assert r.keys()[3:] == ["invoice:9"]


def test_a_failure_is_tried_again(tillstream, shop, receiver):
    db, r = shop("invoice:1"), receiver(lambda n: 500 if n == 1 else 429 if n == 2 else 204)
    done = run(tillstream, db, r.url())
    assert r.keys() == ["invoice:1"] * 3
    assert outbox(db) == [("invoice:1", 3, 1, None)]
    assert done.stderr == ("tillstream: warning: an alert could not be sent and waits: 127.0.0.1 "
                           "answered 500\n")


def test_a_refusal_is_final_and_kept(tillstream, shop, receiver):
    db, r = shop("invoice:1", "invoice:2"), receiver(lambda n: 403 if n == 1 else 200)
    done = run(tillstream, db, r.url())
    assert r.keys() == ["invoice:1", "invoice:2"]
    assert outbox(db) == [("invoice:1", 1, 1, "127.0.0.1 answered 403"),
                          ("invoice:2", 1, 1, None)]
    assert "given up: 127.0.0.1 answered 403" in done.stderr
    run(tillstream, db, r.url())
    assert len(r.got) == 2


def test_a_redirect_is_not_followed(tillstream, shop, receiver):
    other, r = receiver(), receiver(lambda n: 307 if n == 1 else 200)
    r.location = other.url()
    db = shop("invoice:1")
    done = run(tillstream, db, r.url(), timeout=30)
    assert other.got == [] and outbox(db) == [("invoice:1", 2, 1, None)]
    assert "redirects are not followed" in done.stderr


def test_a_receiver_that_is_gone_leaves_the_alert_for_the_next_run(tillstream, shop, receiver):
    db, r = shop("invoice:1"), receiver()
    url = r.url()
    port = r.server.server_port
    r.server.server_close()
    started = time.monotonic()
    done = run(tillstream, db, url, timeout=30)
    assert time.monotonic() - started < 13
    assert "1 alert is not sent yet; the next run" in done.stderr
    assert done.stderr.count("127.0.0.1") == 1 and str(port) not in done.stderr
    sqlite3.connect(db).executescript("UPDATE outbox SET next_ms = 0")
    r = receiver()
    run(tillstream, db, r.url())
    assert r.keys() == ["invoice:1"]


def test_a_stuck_receiver_does_not_hold_up_the_stream(program, environment, shop, receiver, tmp_path):
    db, r = shop("invoice:1"), receiver(lambda n: None)
    process = follow(program, environment, db, r.url())
    wait_for(lambda: r.got)
    wait_for(lambda: select(db, "SELECT sum(read) FROM progress") == [(301,)], 5)
    before = time.monotonic()
    with open(tmp_path / "sales.ndjson", "a") as file:
        file.writelines(json.dumps(s) + "\n" for s in SALES[:100])
    wait_for(lambda: select(db, "SELECT sum(read) FROM progress") == [(401,)], 5)
    assert time.monotonic() - before < 2
    text, seconds = end(process)
    assert seconds < 5 and process.returncode == 0
    assert "1 alert is not sent yet" in text
    assert outbox(db) == [("invoice:1", 0, 0, None)]


def test_what_was_sent_is_committed_though_nothing_more_comes(program, environment, shop, receiver):
    db, r = shop(), receiver()
    process = follow(program, environment, db, r.url(), "--set", "checkpoint=1h")
    wait_for(lambda: select(db, "SELECT sum(read) FROM progress") == [(301,)])
    flag(db, "invoice:1")
    wait_for(lambda: outbox(db) == [("invoice:1", 1, 1, None)], 5)
    end(process)
    assert r.keys() == ["invoice:1"]


def test_killed_before_the_commit_it_repeats_under_the_same_id(program, environment, tillstream, shop,
                                                               receiver):
    db = shop("invoice:1", "invoice:2")
    process = None

    def kill(n):
        if n == 1:
            wait_for(lambda: process)
            process.kill()
            process.wait()
        return 200

    r = receiver(kill)
    process = follow(program, environment, db, r.url())
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    assert outbox(db) == [("invoice:1", 0, 0, None), ("invoice:2", 0, 0, None)]
    run(tillstream, db, r.url())
    assert r.keys() == ["invoice:1", "invoice:1", "invoice:2"]
    assert outbox(db) == [("invoice:1", 1, 1, None), ("invoice:2", 1, 1, None)]


def test_killed_at_any_moment_none_is_lost(program, environment, tillstream, shop, receiver):
    ids = [f"invoice:{i}" for i in range(40)]
    db, r = shop(*ids), receiver(lambda n: 200 if n % 7 else 503)
    chance = random.Random(20101201)
    for _ in range(6):
        process = follow(program, environment, db, r.url(), "--set", "alert_per_minute=6000")
        time.sleep(chance.uniform(0.02, 0.4))
        process.kill()
        process.communicate()
    sqlite3.connect(db).executescript("UPDATE outbox SET next_ms = 0 WHERE sent_ms IS NULL")
    r.answer = 200
    run(tillstream, db, r.url(), "--set", "alert_per_minute=6000")
    assert set(r.keys()) == set(ids)
    assert [row[2:] for row in outbox(db)] == [(1, None)] * 40


def test_no_more_a_minute_than_wanted_and_no_waiting_for_the_rest(tillstream, shop, receiver):
    db, r = shop(*(f"invoice:{i}" for i in range(5))), receiver()
    started = time.monotonic()
    done = run(tillstream, db, r.url(), "--set", "alert_per_minute=2")
    assert time.monotonic() - started < 5
    assert r.keys() == ["invoice:0", "invoice:1"]
    assert "3 alerts are not sent yet" in done.stderr


def test_what_was_withdrawn_is_not_told(tillstream, shop, receiver):
    db, r = shop("invoice:1", "invoice:2"), receiver()
    sqlite3.connect(db).executescript("UPDATE anomaly SET state = 2 WHERE id = 'invoice:1'")
    run(tillstream, db, r.url())
    assert r.keys() == ["invoice:2"]


def test_without_alert_nothing_is_told(tillstream, shop):
    db = shop("invoice:1")
    tillstream("run", "sales.ndjson", "--db", db, "--set", "models=false")
    assert outbox(db) == [("invoice:1", 0, 0, None)]


def test_a_command_gets_the_flag(tillstream, shop, tmp_path, program):
    db = shop("invoice:1", "invoice:2")
    script = (f"cat >>out; echo \"$TILLSTREAM_ALERT_ID|$TILLSTREAM_ALERT_TEXT\" >>said; echo x;"
              f" {program} config >/dev/null")
    done = run(tillstream, db, "exec:" + script)
    alerts = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [a["id"] for a in alerts] == ["invoice:1", "invoice:2"]
    assert alerts[0]["reasons"][0]["usual"] == 2
    assert (tmp_path / "said").read_text().splitlines() == [
        f"invoice:{i}|Invoice invoice:{i}: price is 6.2 times the usual" for i in (1, 2)]
    assert done.stdout == "" and done.stderr == "x\nx\n"
    assert outbox(db) == [("invoice:1", 1, 1, None), ("invoice:2", 1, 1, None)]


def test_a_command_that_fails_is_run_again(tillstream, shop, tmp_path):
    db = shop("invoice:1")
    done = run(tillstream, db, f"exec:: {SECRET}; test -e was || {{ touch was; exit 3; }}")
    assert outbox(db) == [("invoice:1", 2, 1, None)]
    assert "the command ended with status 3" in done.stderr and SECRET not in done.stderr


def test_secrets_are_neither_told_nor_stored(tillstream, shop, receiver, tmp_path):
    db, r = shop("invoice:1", "invoice:2"), receiver(lambda n: 400 if n == 1 else 200)
    done = run(tillstream, db, r.url())
    assert len(r.got) == 2 and done.stderr
    assert SECRET not in done.stderr + done.stdout
    for path in tmp_path.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("alert", [f"ftp://user:{SECRET}@host/", "hunter2", f"sns:{SECRET}", "exec:"])
def test_another_place_is_refused(tillstream, shop, alert):
    done = run(tillstream, shop(), alert, status=2)
    assert "https://HOST/PATH, http://HOST/PATH or exec:COMMAND" in done.stderr
    assert SECRET not in done.stderr


def test_an_address_without_a_host_is_refused(tillstream, shop):
    done = run(tillstream, shop(), f"https://user:{SECRET}@/x", status=None)
    assert done.returncode and "https://host.example/path" in done.stderr
    assert SECRET not in done.stderr


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tillstream, shop, receiver, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    files = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    db, r = shop("invoice:1"), receiver(certificate=files)
    done = run(tillstream, db, r.url("https"), timeout=30)
    assert r.got == [] and "certificate" in done.stderr
    sqlite3.connect(db).executescript("UPDATE outbox SET next_ms = 0")
    run(tillstream, db, r.url("https"), env={"SSL_CERT_FILE": files[0]})
    assert r.keys() == ["invoice:1"]
