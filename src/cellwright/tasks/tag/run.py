"""The run folder of a tagger."""

from dataclasses import dataclass
from pathlib import Path

from cellwright.data.special_tokens import KNOWN
from cellwright.data.words import Lexicon
from cellwright.evaluation.spans import Scheme
from cellwright.models.tagger import Tagger
from cellwright.models.tagger_architecture import TaggerConfig
from cellwright.tasks.run import CONFIG, Run, RunConfig, check_size, load_model, present

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
    check_size(folder / CONFIG, "tags", len(config.tags), config.model.tags)
    check_size(folder / CONFIG, "labels", len(config.labels), config.model.classes)
    return TagRun(folder, config, model, load_lexicon(folder, config.model))


def load_lexicon(folder: Path, model: TaggerConfig) -> Lexicon:
    """Read the `lexicon.json` of such a model. Raises InputError."""
    path = present(folder / LEXICON, "copy the run folder again or train anew")
    lexicon = Lexicon.from_json(path.read_bytes(), str(path))
    check_size(path, "word ids", len(lexicon.vocabulary) + KNOWN, model.vocab_size)
    check_size(path, "character ids", len(lexicon.alphabet) + KNOWN, model.alphabet)
    check_size(path, "columns of features", len(lexicon.features), len(model.features))
    for values, size in zip(lexicon.features, model.features, strict=True):
        check_size(path, "feature ids", len(values) + KNOWN, size)
    return lexicon
