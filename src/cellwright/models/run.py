"""A run is a folder that explains itself; here its description and weights are written and read back.

    RUN/
      config.json         labels, columns, model, training options: what was asked, and what predict needs
      model.safetensors   the weights of the best epoch so far
      tokenizer.json      how texts become numbers
      metrics.json        the best epoch's scores, how long it took, why training ended
      log.csv, curve.png  one line an epoch, and its picture
      checkpoints/        what `--resume` continues from

JSON and safetensors only: reading a run never unpickles, so a stranger's run can be opened without running code.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import CellwrightError, InputError
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.models.files import read_json, replace_file, write_json
from cellwright.models.reading import Reader, Reading

FORMAT = 1
CONFIG, MODEL, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"


class RunConfig(BaseModel):
    """The content of `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    """Version of the folder's layout."""
    cellwright: str
    """Version of the package that wrote the folder."""
    task: Literal["classify"] = "classify"
    labels: list[str]
    """The classes, in the order of the model's outputs."""
    text: str
    """Column that held the text."""
    label: str
    """Column that held the label."""
    classifier: ClassifierConfig
    reading: Reading = Reading()
    """How texts become the model's tokens."""
    fingerprint: str
    """SHA-256 of the training and validation rows: a run is resumed on these only."""
    training: dict[str, Any]
    """The other options of the training, for the reader and for `--resume`."""


@dataclass(frozen=True)
class Run:
    """A trained model, in evaluation mode, and what is needed to use it."""

    path: Path
    config: RunConfig
    model: Classifier
    tokenizer: Tokenizer

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the model's outputs."""
        return self.config.labels

    @property
    def reader(self) -> Reader:
        """Makes of texts what the model reads, as it was when training."""
        return Reader(self.tokenizer, self.config.reading)


def load_run(path: str | Path) -> Run:
    """Read a run folder.

    Raises InputError, naming the file, when the folder or one of its files is missing, cut short or of a newer
    format, or when the weights do not fit the description.
    """
    folder = Path(path)
    config = load_config(folder)
    try:
        model = Classifier(config.classifier)
    except CellwrightError as error:  # a cell that this version lacks
        raise InputError(f"{folder / CONFIG}: {error}") from None
    load_weights(folder / MODEL, model)
    model.eval()
    return Run(folder, config, model, load_tokenizer(folder))


def load_config(folder: Path) -> RunConfig:
    """Read and check `config.json`. Raises InputError."""
    if not folder.exists():
        raise InputError(f"{folder}: no such run folder; `cellwright fit DATA --out {folder}` makes one")
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a run folder, as `cellwright fit` makes it")
    content = read_json(_present(folder / CONFIG, f"{folder} is not a run folder of `cellwright fit`"))
    written = content.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise InputError(
            f"{folder / CONFIG}: has format {written}; this version reads formats up to {FORMAT}: "
            "install a newer cellwright"
        )
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{folder / CONFIG}: field {field!r}: {first['msg']}; got {first['input']!r}") from None


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json`. Raises InputError."""
    return Tokenizer.load(_present(folder / TOKENIZER, "copy the run folder again or train anew"))


def load_weights(path: Path, model: Classifier) -> None:
    """Put the weights of a safetensors file into `model`, in place. Raises InputError."""
    _present(path, "training stopped before its first epoch ended: go on with `cellwright fit … --resume`")
    try:
        weights = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as safetensors ({error}); the file is cut short or damaged: copy the run "
            "folder again or train anew"
        ) from None
    _check_weights(path, weights, model.state_dict())
    model.load_state_dict(weights)


def save_weights(folder: Path, model: Classifier, note: dict[str, str]) -> None:
    """Replace `model.safetensors`; `note` goes into its header. Raises InputError for a full disk."""
    # Copies, since tied weights and views (cuDNN's flat block) cannot be stored as they lie in memory.
    weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
    replace_file(folder / MODEL, save(weights, metadata=note))


def save_description(folder: Path, config: RunConfig, tokenizer: Tokenizer) -> None:
    """Write `config.json` and `tokenizer.json`. Raises InputError for a full disk."""
    write_json(folder / CONFIG, config.model_dump(mode="json"))
    replace_file(folder / TOKENIZER, tokenizer.to_json().encode())


def _present(path: Path, hint: str) -> Path:
    """The path, if the file is there."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; {hint}")
    return path


def _check_weights(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Raise InputError for the first name or shape in which the two differ."""
    for name in sorted(found.keys() | expected.keys()):
        shapes = [str(tuple(side[name].shape)) if name in side else "missing" for side in (found, expected)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{path}: weight {name} is {shapes[0]}; {CONFIG} beside it describes {shapes[1]}: "
                "the two files are of different runs"
            )
