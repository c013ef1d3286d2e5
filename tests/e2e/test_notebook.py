# SPDX-License-Identifier: GPL-3.0-or-later
"""The notebook runs from top to bottom on what a run has written."""
import json
import re
from decimal import Decimal

import nbclient
import nbformat
import pytest


def read(repo):
    return nbformat.read(repo / "notebooks-data/sales.ipynb", as_version=4)


def execute(notebook, monkeypatch, tmp_path, db):
    monkeypatch.setenv("TILLSTREAM_DB", str(db))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3",
                                     resources={"metadata": {"path": str(tmp_path)}})
    return client.execute()


def printed(notebook):
    """All text that the cells have shown."""
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            shown.append(output.get("text", ""))
            shown.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(shown)


def test_it_shows_the_sales_of_the_sample(tillstream, repo, tmp_db, tmp_path, monkeypatch):
    sample = repo / "notebooks-data/sample.ndjson"
    tillstream("run", sample, "--db", tmp_db)
    notebook = execute(read(repo), monkeypatch, tmp_path, tmp_db)
    sales = [json.loads(line, parse_float=Decimal) for line in sample.open()]
    revenue = sum(sale["Quantity"] * sale["UnitPrice"] for sale in sales)
    text = printed(notebook)
    assert f"£{revenue:,.2f}" in text
    assert f"{len(sales):,} sales lines" in text
    pictures = [o for c in notebook.cells for o in c.get("outputs", ())
                if "image/png" in o.get("data", {})]
    assert len(pictures) >= 4


def test_it_copes_with_late_and_rejected_sales(tillstream, repo, tmp_db, tmp_path, monkeypatch):
    lines = (repo / "notebooks-data/sample.ndjson").read_text().splitlines()
    mixed = tmp_path / "mixed.ndjson"
    # The first sale again at the end is two weeks late; the last line is no record at all.
    mixed.write_text("\n".join(lines + [lines[0], "{broken"]) + "\n")
    tillstream("run", mixed, "--db", tmp_db)
    text = printed(execute(read(repo), monkeypatch, tmp_path, tmp_db))
    assert "1 came too late" in text
    assert "1 could not be read" in text


def test_without_a_database_it_says_what_to_do(repo, tmp_path, monkeypatch):
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="tillstream run"):
        execute(read(repo), monkeypatch, tmp_path, tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_it_is_kept_without_outputs_and_without_paths_of_a_machine(repo):
    raw = (repo / "notebooks-data/sales.ipynb").read_text()
    notebook = read(repo)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/", raw)
