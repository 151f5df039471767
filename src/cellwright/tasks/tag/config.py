"""The options of `fit --task tag`."""

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from cellwright.data.sentences import SENTENCES
from cellwright.errors import InputError
from cellwright.models.tagger_architecture import TaggerArchitecture
from cellwright.tasks.config import FIXED, FitConfig, Locations, WordVectors
from cellwright.tasks.files import Cached, HeldOut, check_files


class Columns(BaseModel):
    """Where words and tags stand in a file."""

    model_config = FIXED

    tokens: str | None = None
    """Column of the words: its number (-1 is the last), its name in a header line, or a key of JSON or column of
    Parquet; by default the first, FORM of CoNLL-U, "tokens" of JSON and Parquet."""
    tags: str | None = None
    """Column of the tags, likewise; by default the last, UPOS of CoNLL-U, "tags" of JSON and Parquet."""
    sentence_label: str | None = None
    """Learn a label of each whole sentence too: a key of JSON, or NAME where comments say "# NAME = label"."""

    feature_columns: str | None = None
    """Columns of what else is said of each word, its part of speech, say, with commas between them: numbers, names or
    keys, as for --tokens. predict and evaluate read them too."""


class Files(HeldOut):
    """Files beside DATA, and how they are written."""

    model_config = FIXED

    format: Literal["columns", "conllu", "jsonl", "parquet", "slashed"] | None = None
    """Format of files whose suffix does not tell; slashed is lines of word/tag."""


class Words(BaseModel):
    """How words and tags are read."""

    model_config = FIXED

    vocab_size: int = Field(50_000, ge=3)
    """Most words kept."""
    min_frequency: int = Field(2, ge=1)
    """A word seen less often than this in training is unknown, and known by its characters only."""
    spans: Literal["auto", "iob2", "bioes", "bilou", "bmes", "bmewo", "none"] = "auto"
    """Score B-x I-x and their like as spans, written in this scheme (iob2 for IOB1 and IO too); auto takes the one that
    all tags are of but for one in a hundred words; none scores every tag by itself."""


# The last of the bases is the first in the help.
class TagConfig(FitConfig, TaggerArchitecture, WordVectors, Words, Cached, Files, Columns, Locations):
    """The options of a run that gives each word a tag. Only `data` and `out` must be given."""

    task: ClassVar[str] = "tag"
    reads: ClassVar[str] = SENTENCES
    usual_steps: ClassVar[int] = 1400

    crf: bool | None = None
    """Score neighbouring tags by a conditional random field; without it each tag is chosen by itself. By default where
    tags write spans."""
    token_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the words shown as unknown in training, so that characters and neighbours must do."""

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        check_files(self)
        self.check_vectors()
        named = None if self.feature_columns is None else [each.strip() for each in self.feature_columns.split(",")]
        if named is not None and ("" in named or len(set(named)) < len(named)):
            raise InputError(
                f"--feature-columns is {self.feature_columns!r}; expected columns with commas between them, each once"
            )
        if self.feature_dim != TagConfig.model_fields["feature_dim"].default and self.feature_columns is None:
            raise InputError(f"--feature-dim is {self.feature_dim}, and --feature-columns names no features to embed")


CONFIG = TagConfig
