"""The Dockerfile, which no test can build: its commands are the README's, its files and options are there."""

import json
import re
import shlex
from pathlib import Path

from cellwright.cli import main, serve

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def lists(word):
    return [json.loads(each) for each in re.findall(rf"^{word} (\[.*\])$", DOCKERFILE, re.MULTILINE)]


def test_what_it_installs_is_what_the_readme_says():
    installs = re.findall(r"^RUN (pip .*)$", DOCKERFILE, re.MULTILINE)
    assert installs
    told = [line.split("#")[0].strip() for line in README.splitlines()]
    assert set(installs) <= set(told)
    (index,) = re.findall(r"PIP_EXTRA_INDEX_URL=(\S+)", DOCKERFILE)
    assert f"PIP_EXTRA_INDEX_URL={index}" in README
    assert "constraints.txt" not in (ROOT / ".dockerignore").read_text("utf-8")


def test_what_it_runs_is_the_readmes_command(run, monkeypatch, tmp_path):
    """The command line takes it, of a run in the place of the folder that is mounted."""
    (program,), ((command, folder, *options),) = lists("ENTRYPOINT")[0], lists("CMD")
    assert f"{program} {command} {folder.removeprefix('/')}\n" in README
    served = []
    monkeypatch.setattr(serve, "_run", lambda app, opened: served.append(opened))
    assert main([command, str(run), *options, "--port", "0"]) == 0
    assert len(served) == 1


def test_it_looks_after_a_path_that_the_server_has(client):
    (path,) = re.findall(r"urlopen\('http://127\.0\.0\.1:8000(/[^']*)'", DOCKERFILE)
    assert client.get(path).status_code == 200


def test_the_page_shows_the_commands_of_its_head():
    page = (ROOT / "docs" / "serving.md").read_text("utf-8")
    commands = re.findall(r"^#   (docker .*)$", DOCKERFILE, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert shlex.split(command)
        assert command in page
