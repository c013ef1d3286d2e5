# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier releases have saved is read by this one: tests/state/README.md has the rule."""
import re
import sqlite3

import pytest

import saved
import views

RELEASES = sorted(path for path in saved.HERE.iterdir() if (path / "expected.json").exists())


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def release(request):
    return request.param


def test_each_release_has_its_state_here(repo):
    named = set(re.findall(r"^## \[(\d[^\]]*)\]", (repo / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert named <= {path.name for path in RELEASES}
    assert RELEASES


def test_it_is_small(release):
    assert sum(path.stat().st_size for path in release.iterdir()) <= saved.MOST_BYTES


def test_it_shows_what_it_showed_then(release, program, tmp_path):
    made = saved.saved_shop(program, release, tmp_path / "shop")
    _, _, then = saved.load(release)
    assert views.digests(made.db) == then
    assert "judge" in made.call("state").stdout
    assert made.call("query", "aggregates", "--limit", "5").stdout


def test_it_holds_state_of_every_kind(release, program, tmp_path):
    """Else it would not show much."""
    made = saved.saved_shop(program, release, tmp_path / "shop")
    db = sqlite3.connect(made.db)
    parts = {name for name, in db.execute("SELECT name FROM state")}
    assert {"judge", "pipeline", "windows/0"} < parts
    assert any(name.startswith("windows/slice/") for name in parts)
    assert any(name.startswith("windows/session/") for name in parts)
    saved_seq, = db.execute("SELECT data FROM state WHERE name = 'pipeline'").fetchone()
    last_seq, = db.execute("SELECT max(seq) FROM ledger").fetchone()
    assert int.from_bytes(saved_seq[:8], "little") < last_seq
    assert db.execute("SELECT count(*) > 0 FROM dedup").fetchone() == (1,)
    assert db.execute("SELECT min(pending), min(late), min(rejected) FROM progress"
                      ).fetchone() > (0, 0, 0)
    db.close()


def plain(db):
    """A later release may judge better: its scores are not those of the old one."""
    return views.digests(db, judged=False)


def test_a_run_goes_on_from_it(release, program, tmp_path):
    """To the end of the source, as if this program had counted everything."""
    old = saved.saved_shop(program, release, tmp_path / "old")
    new = saved.empty_shop(program, release, tmp_path / "new")
    new.begin()
    saved.name_source(new.db, None)
    assert plain(new.db) == plain(old.db), views.difference(new.db, old.db)
    for shop in (old, new):
        saved.take_over(shop)
    assert_same_end(old, new)


def assert_same_end(old, new):
    for of_old, of_new in zip(old.go_on(), new.go_on()):
        for made in (of_old, of_new):
            del made["rejects"], made["late"], made["progress"]  # these name the source's folder
        assert of_old == of_new
    for shop in (old, new):
        saved.name_source(shop.db, None)
    assert plain(old.db) == plain(new.db), views.difference(old.db, new.db)
