"""Layers and runs as folders and repositories of the Hugging Face Hub.

    hub.save("runs/reviews", "out", license="apache-2.0")    # a run with a card, or a layer
    hub.push("runs/reviews", "me/reviews")
    predictor = hub.load("me/reviews")                       # a run's predictor, or a layer

Folders need no network. Nothing is unpickled, and a run's own cell runs only for who names it (`cellwright.load`).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cellwright.errors import InputError
from cellwright.files import PART, read_json, replace_file
from cellwright.nn import GRU, LSTM, RNN, Recurrent, pretrained
from cellwright.repository import LEFT_OUT, fetched
from cellwright.repository import push as send

__all__ = ["card", "load", "push", "save"]

PIPELINES = {"classify": "text-classification", "tag": "token-classification", "lm": "text-generation"}
"""The Hub's words for tasks, where it has one."""

_LAYERS: dict[str, Any] = {each.__name__: each for each in (LSTM, GRU, RNN, Recurrent)}
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def save(source: Recurrent | str | Path, folder: str | Path, *, license: str | None = None) -> Path:
    """Write a layer, or copy a run without its checkpoints, into a folder with a card that says what it is.

    Args:
        source: A layer, or a run folder that `fit` made.
        folder: The folder to make, or to write into.
        license: The licence of a run's weights by the Hub's word for it, such as apache-2.0; None leaves it open.

    Returns:
        The folder.

    Raises:
        InputError: The run cannot be read, the layer or its cell is none of this library's, the licence is no such
            word, or the folder cannot be written, lies in the run, or holds another run than this one as it was or is,
            a run with its checkpoints, a layer where a run is saved, a run where a layer is, or files of the same names
            that nobody saved so.

    """
    out = Path(folder)
    if isinstance(source, str | Path):
        text = card(source, license=license)
        if out.resolve() == Path(source).resolve():
            replace_file(out / pretrained.CARD, text.encode())
        else:
            _copy(Path(source), out, text)
    elif isinstance(source, Recurrent):
        pretrained.write(source, out)
    else:
        raise InputError(
            f"{out}: got {type(source).__name__} to save; expected a run's folder, or one of this library's layers"
        )
    return out


def load(
    name: str | Path, *, revision: str | None = None, token: str | bool | None = None, local_files_only: bool = False
) -> Any:
    """Read what a folder or a repository holds.

    Args:
        name: A folder, or a repository's id, such as me/reviews.
        revision: A branch, tag or commit; None is the main branch.
        token: The Hub's token; None is the one that `hf auth login` left.
        local_files_only: Whether to ask no network.

    Returns:
        A layer in evaluation mode, or of a run what `cellwright.load` gives.

    Raises:
        InputError: There is neither, or a file in it is missing or damaged.

    """
    folder = fetched(name, revision=revision, token=token, local_files_only=local_files_only)
    kind = read_json(folder / pretrained.CONFIG).get("layer")
    if kind is None:
        from cellwright.runs import load as load_run

        return load_run(folder)
    if not isinstance(kind, str) or kind not in _LAYERS:
        raise InputError(f"{folder}: holds the layer {kind!r}; expected {', '.join(_LAYERS)}, or a run")
    return pretrained.read(folder, _LAYERS[kind])


def push(
    source: Recurrent | str | Path,
    repo_id: str,
    *,
    license: str | None = None,
    private: bool | None = None,
    token: str | None = None,
) -> str:
    """Send a layer or a run to a repository of the Hub, as `save` writes it, and return the commit's address.

    A run's config.json holds its options, the path of its data among them.

    Args:
        source: A layer, or a run folder.
        repo_id: Such as me/reviews; it is made where there is none.
        license: As in `save`.
        private: Of a repository that is made; None is as the owner's settings say.
        token: The Hub's token; None is the one that `hf auth login` left.

    Raises:
        InputError: As `save`; or the Hub refuses it or cannot be reached, or huggingface_hub is not installed.

    """
    with tempfile.TemporaryDirectory() as folder:
        return send(save(source, folder, license=license), repo_id, private=private, token=token)


def card(run: str | Path, *, license: str | None = None) -> str:
    """The text of a run's README.md: task, data, scores, and how it is used, as the run's own files say.

    Args:
        run: A run folder.
        license: As in `save`.

    Returns:
        Markdown, with the Hub's fields at its head.

    Raises:
        InputError: The run cannot be read, or the licence is no word of the Hub's.

    """
    from cellwright.tasks.run import load_config

    if license is not None and not _LICENSE.fullmatch(license):
        raise InputError(f"license is {license!r}; expected a word such as apache-2.0, mit or cc-by-4.0")
    folder = Path(run)
    config = load_config(folder)
    head = ["library_name: cellwright", *([f"license: {license}"] if license else [])]
    head += [f"pipeline_tag: {PIPELINES[config.task]}"] if config.task in PIPELINES else []
    head += ["tags:", "- recurrent", f"- {config.task}"]
    data = Path(str(config.options["data"])).name
    cell = config.options.get("cell")
    lines = ["---", *head, "---", "", f"# {config.task}, learned from {data}", ""]
    lines += [f"A run of cellwright {config.cellwright}, task {config.task}{f', cell {cell}' if cell else ''}.", ""]
    lines += list(_scores(folder))
    lines += ["```python", "from cellwright import hub", "", 'predictor = hub.load("FOLDER OR REPOSITORY")', "```", ""]
    return "\n".join(lines)


def _scores(folder: Path) -> Iterator[str]:
    """A table of the numbers that training and evaluation left in the run."""
    rows = []
    for file, split in (("metrics.json", "validation"), ("validation.json", "validation"), ("test.json", "test")):
        if (folder / file).is_file():
            content = read_json(folder / file)
            rows += [(split, name, value) for name, value in _numbers(content.get(split, content))]
    if rows:
        yield from ("| scored on | score | |", "|---|---|---:|")
        yield from (f"| {split} | {name} | {value:.4g} |" for split, name, value in rows)
        yield ""


def _numbers(content: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, float]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and not within:
            yield from _numbers(value, f"{name} ")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield within + name.replace("_", " "), value


def _kept(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's description stays where it is resumed, under whatever limits and by whichever version."""
    from cellwright.tasks.config import LIMITS

    options = config.get("options")
    if isinstance(options, Mapping):
        options = {name: value for name, value in options.items() if name not in LIMITS}
    return {**config, "cellwright": None, "options": options}


def _copy(run: Path, out: Path, text: str) -> None:
    """Copy a run, without what is left out, and its card, to another folder.

    All is written into a folder in there first, and then each file is put in its place, config.json last. Whatever
    stops this, every file is whole, half a first copy is no run, and saving again makes it whole.
    """
    config = read_json(run / pretrained.CONFIG)
    _check_apart(run, out)
    staged, files = out / PART, [name for name in _sent(run) if name != pretrained.CARD]
    names = [*files, pretrained.CARD]
    went_before = [] if _is_copy(staged, config) else names
    pretrained.make_folder(out, "this run", lambda there: _kept(there) == _kept(config), went_before)
    try:
        shutil.rmtree(staged, ignore_errors=True)
        for name in files:
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(run / name, staged / name)
        replace_file(staged / pretrained.CARD, text.encode())
        for name in sorted(names, key=pretrained.CONFIG.__eq__):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(out / name)
        shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None


def _check_apart(run: Path, out: Path) -> None:
    """Raise InputError where a copy would lie in the run, or write over a run that can be gone on with."""
    if run.resolve() in out.resolve().parents:
        raise InputError(f"{out}: lies in the run that is to be copied, {run}; expected a folder outside it")
    if (out / "checkpoints").exists():  # a copy has none
        raise InputError(
            f"{out}: holds a run with the checkpoints that --resume goes on from, and no copy of one; expected a new "
            "folder, or one that hub.save made: give another folder"
        )


def _is_copy(folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether a folder holds this run's description, whole."""
    try:
        return _kept(read_json(folder / pretrained.CONFIG)) == _kept(config)
    except InputError:
        return False


def _sent(run: Path) -> Iterator[str]:
    """The names of a run's files within its folder, but for what is left out."""
    for folder, _, names in os.walk(run, followlinks=True):
        for name in sorted(names):
            inside = (Path(folder) / name).relative_to(run).as_posix()
            if not any(fnmatch(inside, pattern) for pattern in LEFT_OUT):
                yield inside
