"""A run is a folder that explains itself; here its description and weights are written and read back.

    RUN/
      config.json         task, model, training options: what was asked, and what predict needs
      model.safetensors   the weights of the best epoch so far
      cell.py             the code of a cell of one's own, which runs only when its user names it: `tasks/own_cell.py`
      tokenizer.json      how texts become numbers; other tasks have other files beside
      metrics.json        the best epoch's scores, how long it took, why training ended
      log.csv, curve.png  one line an epoch, and its picture
      test.json           the scores of the test split (validation.json where there is none), and pictures of them:
                          confusion.png, say
      checkpoints/        what `--resume` continues from
      logs/               what `--logger` asked for
      pretrained/         the run that this one began from, with `--pretrain`

Models are read from JSON and safetensors only: reading a run never unpickles, so a stranger's run can be opened without
running code.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from cellwright import tasks
from cellwright.data.wording import shortened
from cellwright.errors import CellwrightError, InputError
from cellwright.files import read_json, replace_file, write_json
from cellwright.tasks.config import ONE_CALL
from cellwright.tasks.own_cell import OwnCell, trust
from cellwright.tasks.renamed import renamed

FORMAT = 1
CONFIG, MODEL = "config.json", "model.safetensors"
NOTE = "note"
"""The entry of the weights' header that says what they are of."""


class RunConfig(BaseModel):
    """The content of `config.json` that every task has; a task adds what its model is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    """Version of the folder's layout."""
    cellwright: str
    """Version of the package that wrote the folder."""
    task: str
    """Name of the task."""
    fingerprint: str
    """SHA-256 of the training and validation examples: a run is resumed on these only."""
    own_cell: OwnCell | None = None
    """The cell, where it is none of this library."""
    options: dict[str, Any]
    """The options of the training, for the reader, for `--resume`, and for `evaluate` to find the data again."""

    @property
    def unused(self) -> frozenset[str]:
        """Options that the run's model has no use for, so that no comparison shows them."""
        return frozenset()


Config = TypeVar("Config", bound=RunConfig)
Content = TypeVar("Content", bound=BaseModel)
Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Run(Generic[Config, Model]):
    """A trained model, in evaluation mode, and the description that its folder holds; a task adds its tokenizer."""

    path: Path
    config: Config
    model: Model


def load_run(path: str | Path, cell: str | None = None) -> Run[Any, Any]:
    """Read a run folder, of whatever task.

    cell: FILE.py:NAME of the run's own cell, the code of which is run; a run without one needs none.

    Raises InputError, naming the file, when the folder or one of its files is missing, cut short or of a newer
    format, or when the weights do not fit the description.
    """
    folder = Path(path)
    config = trust_cell(folder, cell)
    whole = config.model_copy(update={"options": with_defaults(config)})
    loaded: Run[Any, Any] = tasks.get(config.task).load(folder, whole)
    return loaded


def trust_cell(folder: Path, cell: str | None) -> RunConfig:
    """Run the code of a run's own cell, as in `load_run`, and return the run's description. Raises InputError."""
    config = load_config(folder)
    trust(folder, config.own_cell, cell)
    return config


def load_config(folder: Path) -> RunConfig:
    """Read and check `config.json`: the description that its task declares. Raises InputError.

    The options stand as they were written: one that is younger than the run is missing.
    """
    content, path = _content(folder), folder / CONFIG
    try:
        task = tasks.get(str(content.get("task")))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    options = content.get("options")
    if isinstance(options, dict):
        content["options"] = renamed(options, tasks.config_of(task.name))
    config: RunConfig = _validated(path, task.run_config, renamed(content, task.run_config))
    # As of a resumed run: whether options go together was asked when it was started.
    _validated(path, tasks.config_of(task.name), config.options | {"out": folder, "resume": True}, "options")
    return config


def task_of(folder: Path) -> str:
    """The name of a run's task, as it is written there. Raises InputError where there is no run."""
    return str(_content(folder).get("task"))


def _validated(path: Path, kind: type[Content], content: Mapping[str, Any], *within: str) -> Content:
    """What a part of a file holds, `within` which fields. Raises InputError for the first field that is wrong."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
    field = ".".join(str(part) for part in (*within, *first["loc"]))
    # Of a field that is missing, pydantic's input is all that stands around it.
    got = "" if first["type"] == "missing" else f"; got {first['input']!r}"
    raise InputError(f"{path}: field {field!r}: {first['msg']}{got}")


def with_defaults(config: RunConfig) -> dict[str, Any]:
    """The options of a run, those that are younger than it with their defaults."""
    fields = tasks.config_of(config.task).model_fields.items()
    defaults = {name: field.default for name, field in fields if name not in ONE_CALL and not field.is_required()}
    return defaults | config.options


def _content(folder: Path) -> dict[str, Any]:
    # os.path answers False to names that no file can have, where Path raises: a whole sentence, say.
    if not os.path.exists(folder):
        raise InputError(f"{folder}: no such run folder; `cellwright fit DATA --out {folder}` makes one")
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a run folder, as `cellwright fit` makes it")
    content = read_json(present(folder / CONFIG, f"{folder} is not a run folder of `cellwright fit`{_within(folder)}"))
    written = content.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise InputError(
            f"{folder / CONFIG}: has format {written}; this version reads formats up to {FORMAT}: "
            "install a newer cellwright"
        )
    return content


def _within(folder: Path) -> str:
    """The runs within a folder that is none, such as the best of a study, for messages."""
    runs = sorted(str(config.parent) for config in folder.glob(f"*/{CONFIG}") if _is_of_a_run(config))
    return f", but holds {shortened(runs)}" if runs else ""


def _is_of_a_run(config: Path) -> bool:
    """Whether it describes a run, as not every file of that name does: other libraries write such ones too."""
    try:
        return "task" in read_json(config)
    except InputError:
        return False


def load_model(folder: Path, build: Callable[[], Model]) -> Model:
    """The model that `build` makes, with the run's weights, in evaluation mode. Raises InputError."""
    try:
        model = build()
    except CellwrightError as error:  # a cell that this version lacks
        raise InputError(f"{folder / CONFIG}: {error}") from None
    load_weights(folder / MODEL, model)
    return model.eval()


def load_weights(path: Path, model: nn.Module) -> None:
    """Put the weights of a safetensors file into `model`, in place. Raises InputError."""
    present(path, "training stopped before its first epoch ended: go on with `cellwright fit … --resume`")
    try:
        weights = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as safetensors ({error}); the file is cut short or damaged: copy the run "
            "folder again or train anew"
        ) from None
    _check_weights(path, weights, model.state_dict())
    model.load_state_dict(weights)


def save_weights(folder: Path, model: nn.Module, note: dict[str, float]) -> None:
    """Replace `model.safetensors`, with `note` as JSON in its header. Raises InputError for a full disk.

    It is one entry of the header: several stand there in another order from process to process, and the same weights
    would not be the same bytes.
    """
    # Copies, since tied weights and views (cuDNN's flat block) cannot be stored as they lie in memory.
    weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
    replace_file(folder / MODEL, save(weights, metadata={NOTE: json.dumps(note)}))


def save_description(folder: Path, config: RunConfig, files: dict[str, bytes]) -> None:
    """Write `config.json` and the task's own files. Raises InputError for a full disk."""
    write_json(folder / CONFIG, config.model_dump(mode="json"))
    for name, content in files.items():
        replace_file(folder / name, content)


def check_size(path: Path, what: str, found: int, described: int) -> None:
    """Raise InputError where a file of a run holds more or fewer of something than the run's model has."""
    if found != described:
        raise InputError(
            f"{path}: has {found:,} {what}; the model that {CONFIG} describes has {described:,}: the files are of "
            "different runs; copy the run folder again"
        )


def present(path: Path, hint: str) -> Path:
    """The path, if the file is there; else raises InputError with the hint."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; {hint}")
    return path


def _check_weights(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Raise InputError for the first name or shape in which the two differ."""
    for name in sorted(found.keys() | expected.keys()):
        shapes = [str(tuple(each[name].shape)) if name in each else "missing" for each in (found, expected)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{path}: weight {name} is {shapes[0]}; {CONFIG} beside it describes {shapes[1]}: "
                "the two files are of different runs"
            )
