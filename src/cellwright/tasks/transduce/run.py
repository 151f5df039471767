"""The run folder of a transducer."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from cellwright.data.symbols import Kind, tokenize, without_features
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.transducer import Transducer
from cellwright.models.transducer_architecture import TransducerConfig
from cellwright.tasks.run import Run, RunConfig, load_model
from cellwright.tasks.texts import load_tokenizer
from cellwright.tasks.transduce.config import DecodingOptions

SOURCE, TARGET = "source.json", "target.json"
"""The vocabularies, as `tokenizer.json` of other tasks."""


class Symbols(BaseModel):
    """What sources and targets consist of, and how long an answer may become."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Kind
    target: Kind
    longest: int
    """Symbols of the longest target of training."""
    features: bool = False
    """Whether features stand behind the sources, a + before each."""

    def bare(self, source: str) -> list[str]:
        """The symbols of a source without features: what a model without memory turns into a target."""
        return tokenize(without_features(source) if self.features else source, self.source)

    def limits(self, lengths: Tensor) -> Tensor:
        """Most symbols of an answer to sources of these lengths (B): the longest of training, or twice the source."""
        return (2 * lengths).clamp(min=self.longest)


class TransduceRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "transduce"
    model: TransducerConfig
    symbols: Symbols
    decoding: DecodingOptions
    """How answers are looked for."""


@dataclass(frozen=True)
class TransduceRun(Run[TransduceRunConfig, Transducer]):
    """A trained transducer and its vocabularies."""

    source: Tokenizer
    target: Tokenizer


def load(folder: Path, config: TransduceRunConfig) -> TransduceRun:
    """Read weights and vocabularies. Raises InputError."""
    model = load_model(folder, lambda: Transducer(config.model))
    return TransduceRun(folder, config, model, *load_vocabularies(folder, config.model))


def load_vocabularies(folder: Path, model: TransducerConfig) -> tuple[Tokenizer, Tokenizer]:
    """Those of source and target of such a model. Raises InputError."""
    return (
        load_tokenizer(folder / SOURCE, model.source_vocab_size),
        load_tokenizer(folder / TARGET, model.target_vocab_size),
    )
