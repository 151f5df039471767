"""Options of a run on series that is resumed, or that an older version wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

import made_series
from cellwright.errors import InputError
from series_runs import Options, report, train


def test_a_resumed_run_is_held_against_its_own_options(options: Options) -> None:
    given = options(made_series.days(200, 0, 0.05), objective="forecast", horizon=4, window=16, max_epochs=1)
    train(given)
    resumed = {"data": given["data"], "out": given["out"], "max_epochs": 2, "resume": True}
    with pytest.raises(InputError, match="was started with --horizon 4, and 3 is given now"):
        train(resumed | {"horizon": 3})
    assert train(resumed | {"horizon": 4}).epochs == 2  # the default --objective reads no horizon


@pytest.mark.parametrize(
    ("changes", "unread"),
    [
        ({"objective": "anomaly"}, {"num_layers": 2, "dropout": 0.1}),
        ({"objective": "forecast", "likelihood": "bernoulli"}, {"season_length": 8}),
    ],
)
def test_a_run_that_was_started_with_an_option_that_does_nothing_is_still_of_use(
    options: Options, changes: dict[str, Any], unread: dict[str, Any]
) -> None:
    given = options(made_series.chords(60, 0), **changes, window=16, max_epochs=1)
    train(given)
    before = report(given)
    written = Path(given["out"]) / "config.json"
    content = json.loads(written.read_text())
    for part in ("model", "options"):  # as versions wrote it that did not refuse the option
        content[part] |= unread
    written.write_text(json.dumps(content))
    assert report(given) == before
    resumed = {name: given[name] for name in ("data", "out")}
    assert train(resumed | {"max_epochs": 2, "resume": True}).epochs == 2
