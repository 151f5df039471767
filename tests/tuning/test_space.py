"""What is typed for an option becomes a value, a range or choices, or one sentence."""

from typing import Any

import pytest

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.tuning.space import Choices, Range, Space


def space(task: str = "classify", /, **given: Any) -> Space:
    return Space.of(tasks.config_of(task), given)


READ: dict[str, tuple[str, str, Range | Choices]] = {
    "sizes, by their logarithm": ("hidden_size", "64..512", Range(64, 512, log=True)),
    "a short range": ("hidden_size", "64..256", Range(64, 256, log=False)),
    "a rate": ("learning_rate", "1e-4..1e-2", Range(1e-4, 1e-2, log=True)),
    "a share, which is below 1": ("dropout", "0.01..0.5", Range(0.01, 0.5, log=False)),
    "from nothing": ("weight_decay", "0..0.1", Range(0.0, 0.1, log=False)),
    "numbers to choose from": ("hidden_size", "64,128", Choices((64, 128))),
    "or none of them": ("clip_norm", "none,0.5", Choices((None, 0.5))),
    "words": ("pooling", "max,mean", Choices(("max", "mean"))),
    "cells": ("cell", "lstm,gru", Choices(("lstm", "gru"))),
    "true and false": ("bidirectional", "true,false", Choices((True, False))),
    "an option that is none unless it is given": ("patience", "2..9", Range(2, 9, log=False)),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_searched(case: str) -> None:
    name, text, expected = READ[case]
    found = space(**{name: text}).searched[name]
    assert found == expected
    assert [type(each) for each in vars(found).values()] == [type(each) for each in vars(expected).values()]


def test_lists_and_python_values_are_read_as_their_words() -> None:
    found = space(cell=["lstm", "gru"], clip_norm=[None, 1], bidirectional=False, dropout=0.25, patience=None)
    assert found.searched == {"cell": Choices(("lstm", "gru")), "clip_norm": Choices((None, 1.0))}
    assert found.fixed == {"bidirectional": False, "dropout": 0.25, "patience": None}


def test_names_of_columns_keep_their_commas_and_dots() -> None:
    found = space("series", values="a,b", ignore="c..d", hidden_size="8,16")
    assert found.fixed == {"values": "a,b", "ignore": "c..d"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown option": ({"hiden_size": "4..8"}, "no option 'hiden_size'; .*did you mean hidden_size"),
    "one of every call": ({"resume": "true,false"}, "no option 'resume'"),
    "a range from above": ({"hidden_size": "512..64"}, r"--hidden-size is 512..64; .*the first below the second"),
    "a range of one": ({"hidden_size": "64..64"}, "the first below the second"),
    "a range without an end": ({"hidden_size": "64.."}, r"--hidden-size is 64..; expected a range LOW..HIGH"),
    "three ends": ({"hidden_size": "1..2..3"}, "expected a range LOW..HIGH"),
    "a range among choices": ({"hidden_size": "1..2,4"}, "expected a range LOW..HIGH"),
    "an end that is no number": ({"hidden_size": "small..64"}, "--hidden-size is small; expected a valid integer"),
    "an end out of the option's range": ({"dropout": "0.5..1"}, "--dropout is 1; expected at least 0 and below 1"),
    "a range of words": ({"pooling": "last..mean"}, "--pooling is last..mean; expected"),
    "none in a range": ({"clip_norm": "none..1"}, "expected two numbers LOW..HIGH"),
    "an empty choice": ({"cell": "lstm,"}, "--cell is 'lstm,', a choice of which is empty"),
    "nothing at all": ({"cell": ","}, "a choice of which is empty"),
    "a choice twice": ({"cell": "lstm,lstm"}, "a value stands twice"),
    "a word that is none": ({"pooling": "max,min"}, "--pooling is min; expected 'last', 'max', 'mean' or 'attention'"),
    "a cell that is none": ({"cell": "lstm,lsmt"}, "lsmt"),
    "one value of each": ({"hidden_size": "64", "cell": "gru"}, "every option has one value"),
    "no options": ({}, "every option has one value"),
    "what changes no step": ({"threads": "1,2"}, "--threads is 1,2, and changes no score; give one value"),
    "other validation rows": ({"validation_share": "0.1..0.2"}, "scores of runs that differ in it cannot be compared"),
    "another score": ({"class_weights": "none,balanced"}, "scores of runs that differ in it cannot be compared"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot(case: str) -> None:
    given, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        space(**given)


def test_perplexities_of_other_tokens_are_not_compared() -> None:
    with pytest.raises(InputError, match="--tokenizer is words,characters, and scores of runs"):
        space("lm", tokenizer="words,characters")


def test_series_take_any_cell_but_not_process_models_among_networks() -> None:
    assert space("series", cell="lstm,ea-lstm").searched == {"cell": Choices(("lstm", "ea-lstm"))}
    assert space("series", cell="hbv,gr4j").searched == {"cell": Choices(("hbv", "gr4j"))}
    found = space("series", targets=["a", "b"], static_covariates="c,d", learning_rate="0.01..0.1")
    assert found.fixed == {"targets": "a,b", "static_covariates": "c,d"}
    with pytest.raises(InputError, match="--cell is lstm,hbv: hbv gives one number a step and lstm quantiles"):
        space("series", cell="lstm,hbv")
    with pytest.raises(InputError, match=r"--cell: hbv reads x\.precipitation"):
        space("classify", cell="lstm,hbv")
    with pytest.raises(InputError, match="--warm-up is 1,2, and scores of runs that differ in it cannot be compared"):
        space("series", warm_up="1,2")


@pytest.mark.parametrize("task", tasks.NAMES)
def test_what_is_declared_incomparable_is_an_option(task: str) -> None:
    config = tasks.config_of(task)
    assert config.incomparable <= config.model_fields.keys()
