"""Options and parts of a description by the names of before: each loads as what it is called today."""

from typing import get_args

import pytest
from pydantic import BaseModel

from cellwright import tasks
from cellwright.tasks.config import LIMITS, ONE_CALL
from cellwright.tasks.renamed import NAMES, renamed


def fields_of(kind: type[BaseModel]) -> set[str]:
    """Of a class, and of the classes within it."""
    within = {each for f in kind.model_fields.values() for each in (f.annotation, *get_args(f.annotation))}
    return {*kind.model_fields}.union(
        *(fields_of(each) for each in within if isinstance(each, type) and issubclass(each, BaseModel))
    )


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_each_new_name_is_in_use_and_takes_the_old_ones_value(old: str, new: str) -> None:
    kinds = [kind for name in tasks.NAMES for kind in (tasks.config_of(name), tasks.get(name).run_config)]
    named = [kind for kind in kinds if new in kind.model_fields and old not in kind.model_fields]
    assert all(renamed({old: 3}, kind) == {new: 3} for kind in named)
    assert any(new in fields_of(kind) for kind in kinds)


def test_a_name_that_another_task_still_has_stays_what_it_is_there() -> None:
    assert renamed({"target": "b", "window": 9}, tasks.config_of("transduce")) == {"target": "b", "window": 9}
    assert renamed({"target": "forecast", "window": 9}, tasks.config_of("series")) == {
        "objective": "forecast", "window": 9,
    }  # fmt: skip
    assert renamed({"window": 9}, tasks.config_of("lm")) == {"bptt": 9}


def test_parts_within_a_description_are_renamed_too() -> None:
    series, pairs = (tasks.get(name).run_config for name in ("series", "transduce"))
    assert renamed({"model": {"target": "anomaly", "code": 3}}, series) == {
        "model": {"objective": "anomaly", "code_dim": 3}
    }
    assert renamed({"search": {"beam": 5, "alpha": 0.6, "best": 3}}, pairs) == {
        "decoding": {"beam_size": 5, "length_penalty": 0.6, "n_best": 3}
    }


def test_what_a_resumed_run_may_change_are_options_of_some_task() -> None:
    every = {option for name in tasks.NAMES for option in tasks.config_of(name).model_fields}
    assert every >= LIMITS | ONE_CALL
