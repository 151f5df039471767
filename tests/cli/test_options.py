import inspect
from pathlib import Path
from typing import Literal

import pytest
import typer
from pydantic import BaseModel, ConfigDict, Field

from cellwright.cli.options import options_of
from cellwright.errors import InputError
from cellwright.options import configured
from cellwright.tasks.classify import ClassifyConfig


class Options(BaseModel):
    """A model with a field of every kind."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    data: str
    """What to read."""
    out: Path
    """Where to write."""
    share: float = Field(0.5, ge=0, lt=1)
    """A share of [it]."""
    kind: Literal["a", "b"] = "a"
    """A kind."""
    both_ways: bool = True
    """Both ways."""
    again: bool = False
    """Again."""
    by_data: bool | None = None
    """The data decide by default."""
    limit: float | None = Field(1.0, gt=0)
    """A limit."""
    minutes: int | None = None
    """No limit by default."""


def parsed(*arguments):
    """What a command with these options is called with."""
    given = {}

    def run(**options):
        given.update(options)

    run.__signature__ = inspect.Signature(options_of(Options, arguments=frozenset({"data"})))
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(run)
    app(list(arguments), standalone_mode=False)
    return given


def command(*arguments):
    return configured(Options, parsed(*arguments))


def test_defaults_are_the_models_and_count_as_not_given():
    options = command("x.csv", "--out", "run")
    assert options == Options(data="x.csv", out=Path("run"))
    assert options.model_fields_set == {"data", "out"}


def test_every_kind_of_field_can_be_given():
    given = [
        "--out",
        "r",
        "--share",
        "0.25",
        "--kind",
        "b",
        "--no-both-ways",
        "--again",
        "--no-by-data",
        "--limit",
        "3",
        "--minutes",
        "4",
    ]
    options = command("x.csv", *given)
    assert options.model_dump() == {
        "data": "x.csv", "out": Path("r"), "share": 0.25, "kind": "b", "both_ways": False, "again": True,
        "by_data": False, "limit": 3.0, "minutes": 4,
    }  # fmt: skip


def test_a_default_that_is_given_counts_as_given():
    assert "share" in command("x", "--out", "r", "--share", "0.5").model_fields_set


def test_none_switches_a_limit_off():
    options = command("x", "--out", "r", "--limit", "none")
    assert options.limit is None
    assert "limit" in options.model_fields_set


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("--share 2", "--share is 2; expected at least 0 and below 1"),
        ("--limit 0", "--limit is 0; expected above 0"),
        ("--limit x", "--limit is x; expected a valid number"),
        ("--minutes 1.5", "--minutes is 1.5; expected a valid integer"),
        ("--kind c", "--kind is c; expected 'a' or 'b'"),
        ("--share -1 --limit -1", "--share is -1; expected at least 0 and below 1; --limit is -1; expected above 0"),
    ],
)
def test_value_out_of_range(given, sentence):
    with pytest.raises(InputError) as error:
        command("x", "--out", "r", *given.split())
    assert str(error.value) == sentence


def test_help_is_the_docstring_with_range_and_default(capsys):
    parsed("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "--share FLOAT A share of [it] (at least 0; below 1; default 0.5)." in shown
    assert "--kind a|b A kind (default a)." in shown
    assert "--both-ways / --no-both-ways Both ways (default on)." in shown
    assert "--again Again." in shown
    assert "--by-data / --no-by-data The data decide by default." in shown
    assert "--limit FLOAT|none A limit (above 0; default 1.0)." in shown


def test_every_option_of_fit_has_a_help():
    assert [name for name, field in ClassifyConfig.model_fields.items() if not field.description] == []
