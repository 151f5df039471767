"""A run is a folder that explains itself; this file writes its description and model, and reads them back.

    RUN/
      config.json         what was asked and what predict needs: format, labels, columns, model, training options
      model.safetensors   the weights of the best epoch so far
      tokenizer.json      how texts became numbers
      metrics.json        the best epoch's scores, how long it took, why training stopped
      log.csv  curve.png  one line an epoch, and its picture
      checkpoints/        what `--resume` continues from

JSON and safetensors only: loading a run never unpickles, so a run from a stranger can be opened.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.classifier import Classifier, ClassifierConfig

FORMAT = 1


class RunConfig(BaseModel):
    """The content of `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    """Version of the folder's layout; a newer one than FORMAT is refused."""
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
    fingerprint: str
    """SHA-256 of the training and validation rows: `--resume` refuses other data."""
    training: dict[str, Any]
    """The FitConfig the run was started with; models know nothing of it, it is kept for the reader and for resume."""


@dataclass(frozen=True)
class Run:
    """A trained model and what is needed to use it. The model is in evaluation mode."""

    path: Path
    config: RunConfig
    model: Classifier
    tokenizer: Tokenizer

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the model's outputs."""
        return self.config.labels


def load_run(path: str | Path) -> Run:
    """Read a run folder.

    Raises InputError, naming the file, when the folder or one of its files is missing, cut short, of a newer
    format, or when the weights do not fit the description.
    """
    raise NotImplementedError
