"""The run folder of a sequence autoencoder."""

from dataclasses import dataclass
from pathlib import Path

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import AutoencoderConfig
from cellwright.models.autoencoder import Autoencoder
from cellwright.models.text_encoding import LongTextOptions, TextEncoder
from cellwright.tasks.run import Run, RunConfig, load_model
from cellwright.tasks.texts import TOKENIZER, load_tokenizer


class AutoencodeRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "autoencode"
    model: AutoencoderConfig
    long_text: LongTextOptions
    """How texts become the windows that are compressed."""


@dataclass(frozen=True)
class AutoencodeRun(Run[AutoencodeRunConfig, Autoencoder]):
    """A trained autoencoder and its tokenizer."""

    tokenizer: Tokenizer

    @property
    def text_encoder(self) -> TextEncoder:
        """Makes of texts the windows that are compressed."""
        return TextEncoder(self.tokenizer, self.config.long_text)


def load(folder: Path, config: AutoencodeRunConfig) -> AutoencodeRun:
    """Read weights and tokenizer. Raises InputError."""
    model = load_model(folder, lambda: Autoencoder(config.model))
    return AutoencodeRun(folder, config, model, load_tokenizer(folder / TOKENIZER, config.model.vocab_size))
