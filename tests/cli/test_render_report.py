"""Tables for a terminal: none of their cells is broken to fit, as long as one column does."""

import pytest

from cellwright.cli.render_report import show_section
from cellwright.evaluation.report import Section


def shown(section: Section, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    show_section("options that differ", section)
    return capsys.readouterr().out


def test_a_wide_table_is_shown_in_several_that_fit(monkeypatch, capsys):
    names = [f"an option of number {k:02}" for k in range(12)]
    rows = [[f"runs/{name}", *(f"{name}-{k:02}" for k in range(12))] for name in ("flow", "rain")]
    out = shown(Section("", names, rows), 80, monkeypatch, capsys)
    assert all(out.count(each) == 1 for each in [*names, *rows[0][1:], *rows[1][1:]])
    assert out.count("runs/flow") == out.count("runs/rain") == 6
    assert max(map(len, out.splitlines())) <= 80


def test_a_table_that_fits_is_one(monkeypatch, capsys):
    section = Section("", ["cell", "clip norm"], [["runs/flow", "gru", "none"]])
    assert shown(section, 80, monkeypatch, capsys).count("runs/flow") == 1
