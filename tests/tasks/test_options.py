"""What options name, beside the tables that it is looked up in: a type says it before the tables are loaded."""

from typing import Any, get_args

import pytest

from cellwright.data.readers import series, tagged
from cellwright.data.tokenizer import KINDS
from cellwright.tasks.config import Tokenising
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.tag import TagConfig


@pytest.mark.parametrize(("config", "formats"), [(TagConfig, tagged.FORMATS), (SeriesConfig, series.FORMATS)])
def test_the_formats_of_files(config: Any, formats: dict[str, Any]) -> None:
    named, absent = get_args(config.model_fields["format"].annotation)
    assert (get_args(named), absent) == (tuple(formats), type(None))


@pytest.mark.parametrize("config", [Tokenising, LanguageConfig])
def test_the_kinds_of_tokens(config: Any) -> None:
    # White space alone parts the symbols of transducers, which have options of their own.
    assert set(get_args(config.model_fields["tokenizer"].annotation)) == set(KINDS) - {"tokens"}
