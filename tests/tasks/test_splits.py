"""By which options a run reads data that are not those it was trained on."""

import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from cellwright.tasks.classify import data as classify
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.splits import options_for
from cellwright.tasks.tag import data as tag
from cellwright.tasks.tag.config import TagConfig

TASKS = [
    pytest.param(ClassifyConfig, classify.SOURCE, "csv", "text,label\na,x\nb,y\n", id="classify"),
    pytest.param(TagConfig, tag.SOURCE, "columns", "a\tX\n\nb\tY\n", id="tag"),
]


def run_of(config, path, **options):
    """All of a run that says how its data are read."""
    given = {"data": str(path / "own"), "out": path / "run", "cache": path / "arrays", **options}
    return SimpleNamespace(
        path=path / "run", config=SimpleNamespace(task=config.task, options=config(**given).model_dump(mode="json"))
    )


@contextmanager
def piped(content):
    """The name of a pipe that holds it, as `<(…)` of a shell gives one."""
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "w") as file:
            file.write(content)
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)


@pytest.mark.parametrize(("config", "source", "format", "content"), TASKS)
def test_a_run_with_a_cache_scores_what_a_pipe_brings(tmp_path: Path, config, source, format, content):
    (tmp_path / "arrays").mkdir()
    run = run_of(config, tmp_path, format=format)
    with piped(content) as data:
        assert len(source.scored(data, "all", options_for(run, data, {}), [].append)) == 2
    assert list((tmp_path / "arrays").iterdir()) == []


@pytest.mark.parametrize(("config", "source", "format", "content"), TASKS)
def test_a_run_with_a_cache_scores_another_file_from_it(tmp_path: Path, config, source, format, content):
    (tmp_path / "arrays").mkdir()
    (tmp_path / "other").write_text(content)
    run, data = run_of(config, tmp_path, format=format), str(tmp_path / "other")
    assert len(source.scored(data, "all", options_for(run, data, {}), [].append)) == 2
    assert list((tmp_path / "arrays").iterdir()) != []


def test_a_cache_that_one_may_not_look_for_is_gone(tmp_path: Path, monkeypatch):
    """As of a run of another user, who lets nobody into the folder above."""
    stat = os.stat

    def refusing(path, *given, **named):
        if str(path).endswith("arrays"):
            raise PermissionError(path)
        return stat(path, *given, **named)

    (tmp_path / "other").touch()
    run = run_of(ClassifyConfig, tmp_path)
    monkeypatch.setattr(os, "stat", refusing)
    assert options_for(run, str(tmp_path / "other"), {})["cache"] is None
