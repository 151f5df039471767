"""The run folder of a classifier."""

from dataclasses import dataclass
from pathlib import Path

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.models.text_encoding import LongTextOptions, TextEncoder
from cellwright.tasks.run import CONFIG, Run, RunConfig, check_size, load_model
from cellwright.tasks.texts import TOKENIZER, load_tokenizer


class ClassifyRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "classify"
    labels: list[str]
    """The classes, in the order of the model's outputs."""
    model: ClassifierConfig
    long_text: LongTextOptions = LongTextOptions()
    """How texts become the model's tokens."""


@dataclass(frozen=True)
class ClassifyRun(Run[ClassifyRunConfig, Classifier]):
    """A trained classifier and its tokenizer."""

    tokenizer: Tokenizer

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the model's outputs."""
        return self.config.labels

    @property
    def text_encoder(self) -> TextEncoder:
        """Makes of texts what the model reads, as it was when training."""
        return TextEncoder(self.tokenizer, self.config.long_text)


def load(folder: Path, config: ClassifyRunConfig) -> ClassifyRun:
    """Read weights and tokenizer. Raises InputError."""
    model = load_model(folder, lambda: Classifier(config.model))
    check_size(folder / CONFIG, "labels", len(config.labels), config.model.classes)
    return ClassifyRun(folder, config, model, load_tokenizer(folder / TOKENIZER, config.model.vocab_size))
