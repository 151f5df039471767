"""The page on defaults has the numbers of the code."""

import re
from pathlib import Path

from cellwright import tasks
from cellwright.tasks.series.config import SeriesConfig
from cellwright.training.plan import FEWEST_EPOCHS, MOST_EPOCHS, Plan

TEXT = (Path(__file__).parents[2] / "docs" / "defaults.md").read_text()


def test_its_table_of_steps():
    rows = re.findall(r"^\| ([a-z, ]+) \| ([\d,]+) \|$", TEXT, re.MULTILINE)
    said = {name: int(steps.replace(",", "")) for names, steps in rows for name in names.split(", ")}
    assert said == {name: tasks.config_of(name).usual_steps for name in tasks.NAMES if name != "series"}
    assert f"at least {FEWEST_EPOCHS} and at most {MOST_EPOCHS}." in TEXT


def test_its_sentence_is_one_of_a_plan():
    config = tasks.config_of("transduce")(data="none", out="none")
    assert Plan.of(config, steps=133).describe(validated=True) in TEXT


def test_the_series_it_tells_of():
    config = SeriesConfig(data="none", out="none")
    told = f"{config.max_epochs} epochs, a patience of {config.patience}, a {config.lr_schedule} step size"
    assert told in TEXT
