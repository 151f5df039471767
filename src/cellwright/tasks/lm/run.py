"""The run folder of a language model."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.evaluation.perplexity import Speller
from cellwright.files import read_json
from cellwright.models.language_model import LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.tasks.run import Run, RunConfig, load_model, present
from cellwright.tasks.texts import TOKENIZER, load_tokenizer

CHARACTERS = "characters.json"


class LanguageRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "lm"
    model: LanguageModelConfig


@dataclass(frozen=True)
class LanguageRun(Run[LanguageRunConfig, LanguageModel]):
    """A trained language model, its tokenizer, and what spells the tokens that it does not know."""

    tokenizer: Tokenizer
    speller: Speller

    def spelling(self, texts: Iterable[str]) -> float:
        """Nats to spell what the vocabulary lacks of the texts, or of their pieces."""
        return self.spelling_of(part for text in texts for part in self.tokenizer.unknown_parts(text, as_written=True))

    def spelling_of(self, parts: Iterable[str]) -> float:
        """The same of parts that the vocabulary lacks."""
        return self.speller.nats(parts, ended=self.tokenizer.kind != "characters")


def load(folder: Path, config: LanguageRunConfig) -> LanguageRun:
    """Read weights, tokenizer and the counts of characters. Raises InputError."""
    model = load_model(folder, lambda: LanguageModel(config.model))
    counts = read_json(present(folder / CHARACTERS, "copy the run folder again or train anew"))
    if not all(isinstance(count, int) and count > 0 for count in counts.values()):
        raise InputError(f"{folder / CHARACTERS}: holds other than counts; expected how often each character stands")
    tokenizer = load_tokenizer(folder / TOKENIZER, config.model.vocab_size)
    return LanguageRun(folder, config, model, tokenizer, Speller(Counter(counts)))
