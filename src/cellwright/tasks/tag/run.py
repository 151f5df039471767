"""The run folder of a tagger."""

from dataclasses import dataclass
from pathlib import Path

from cellwright.data.words import Lexicon
from cellwright.evaluation.spans import Scheme
from cellwright.models.tagger import Tagger
from cellwright.models.tagging_architecture import TaggerConfig
from cellwright.tasks.run import Run, RunConfig, load_model, present

LEXICON = "lexicon.json"


class TagRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "tag"
    tags: list[str]
    """The tags, in the order of the model's outputs."""
    labels: list[str]
    """The labels of whole sentences, likewise; empty where they are not classified."""
    scheme: Scheme
    """How tags write spans; plain where they don't."""
    model: TaggerConfig


@dataclass(frozen=True)
class TagRun(Run[TagRunConfig, Tagger]):
    """A trained tagger and its words."""

    lexicon: Lexicon


def load(folder: Path, config: TagRunConfig) -> TagRun:
    """Read weights and words. Raises InputError."""
    model = load_model(folder, lambda: Tagger(config.model))
    return TagRun(folder, config, model, load_lexicon(folder))


def load_lexicon(folder: Path) -> Lexicon:
    """Read `lexicon.json`. Raises InputError."""
    path = present(folder / LEXICON, "copy the run folder again or train anew")
    return Lexicon.from_json(path.read_bytes(), str(path))
