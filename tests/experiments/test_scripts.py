"""Every script runs, its page follows from its results alone, and is written as GitHub reads it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import claim
import run

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", run.NAMES)
def test_a_claim_runs_quickly_and_its_page_follows_from_its_results(name, tmp_path):
    one = run.load(name)
    assert one.name == name
    claim.run(one, quick=True, folder=tmp_path)
    drawn = (tmp_path / f"{name}.svg").read_bytes()
    results = json.loads((tmp_path / f"{name}.json").read_text())["results"]
    found = one.table(results)
    assert found.rows
    assert {len(row) for row in found.rows} == {len(found.columns)}
    assert not any("|" in cell for row in found.rows for cell in row)
    text = run.page([one], tmp_path)
    assert one.judge(results).by in text
    assert all(chinese in text for _, chinese in one.notes)
    claim.plot(one, results, tmp_path)
    assert (tmp_path / f"{name}.svg").read_bytes() == drawn


def test_every_script_with_a_claim_is_named():
    scripts = {path.stem for path in (ROOT / "experiments").glob("*.py") if "\nCLAIM = " in path.read_text()}
    assert scripts == set(run.NAMES)


def test_scripts_are_short():
    lengths = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "experiments").glob("*.py")}
    assert max(lengths.values()) <= 150, lengths


def test_a_claim_without_results_is_said_to_have_none(tmp_path):
    text = run.page([run.load("relu")], tmp_path)
    assert "| not measured yet |" in text
    assert "**Not measured yet:** `python experiments/run.py relu`" in text


def test_the_page_in_the_repository_is_that_of_its_results():
    claims = [run.load(name) for name in run.NAMES]
    assert (ROOT / "docs" / "claims.md").read_text(encoding="utf-8") == run.page(claims, ROOT / "docs" / "claims")
    kept = [json.loads(path.read_text()) for path in (ROOT / "docs" / "claims").glob("*.json")]
    assert not any(one["quick"] for one in kept)


def test_links_of_the_summary_lead_to_the_headings():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(#(.+?)\)", text)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert links == [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.slow
def test_an_unknown_claim_is_refused(tmp_path):
    command = [sys.executable, ROOT / "experiments" / "run.py", "gur", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no claim gur; expected some of long_dependencies" in done.stderr
