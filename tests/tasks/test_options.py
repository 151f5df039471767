"""What options name, beside the tables that it is looked up in: a type says it before the tables are loaded."""

from typing import Any, get_args

import pytest

from cellwright.data import readers
from cellwright.data.duplicates import KEPT
from cellwright.data.readers import records, series, tagged
from cellwright.data.tokenizer import FEATURED, KINDS
from cellwright.evaluation.spans import LETTERS, Scheme
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.config import Tokenising
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.lm.feed import LEAST_WINDOWS
from cellwright.tasks.lm.prepare import BATCH_TOKENS
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.tag import TagConfig

TABLES = {name: each for name, each in readers.FORMATS.items() if name != readers.FOLDER}  # which is told by what it is


@pytest.mark.parametrize(
    ("config", "formats"),
    [(ClassifyConfig, TABLES), (TagConfig, tagged.FORMATS), (SeriesConfig, series.FORMATS)],
)
def test_the_formats_of_files(config: Any, formats: dict[str, Any]) -> None:
    named, absent = get_args(config.model_fields["format"].annotation)
    assert (get_args(named), absent) == (tuple(formats), type(None))


def test_every_format_of_texts_is_read_piece_by_piece() -> None:
    assert records._READ.keys() == readers.FORMATS.keys()


def test_the_help_of_a_language_models_batch_says_what_is_taken() -> None:
    said = str(LanguageConfig.model_fields["batch_tokens"].description)
    assert f"{BATCH_TOKENS:,}" in said
    assert f"{LEAST_WINDOWS} windows" in said


def test_the_schemes_of_spans_and_the_ways_with_duplicates() -> None:
    assert get_args(TagConfig.model_fields["spans"].annotation) == ("auto", *LETTERS, "none")
    assert get_args(Scheme) == ("plain", *LETTERS)
    assert get_args(ClassifyConfig.model_fields["duplicates"].annotation) == tuple(KEPT)


@pytest.mark.parametrize("config", [Tokenising, LanguageConfig])
def test_the_kinds_of_tokens(config: Any) -> None:
    # What transducers read, which have options of their own: tokens between white space, and features.
    assert set(get_args(config.model_fields["tokenizer"].annotation)) == set(KINDS) - {"tokens", FEATURED}
