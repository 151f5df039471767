import json

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "given", ["--truncation middle --max-length 4", "--truncation windows --max-length 5 --overlap 2 --join max"]
)
def test_a_run_on_shortened_texts_scores_and_predicts_as_it_was_trained(cellwright, small, reviews, tmp_path, given):
    out = tmp_path / "run"
    ended = cellwright("fit", reviews, "--out", out, "--max-epochs", 2, *given.split(), *small)
    assert ended.status == 0, ended.err
    config = json.loads((out / "config.json").read_text())
    assert config["long_text"]["truncation"] == given.split()[1]
    scores = json.loads((out / "test.json").read_text())["model"]
    assert json.loads(cellwright("evaluate", out, reviews, "--json").out)["model"] == scores
    long, cut = (cellwright("predict", out, "--json", text) for text in ("great and " * 9 + "书", "great and and 书"))
    answers = [json.loads(ended.out)["probabilities"] for ended in (long, cut)]
    assert (answers[0] == answers[1]) == (config["long_text"]["truncation"] == "middle")


def test_an_option_that_does_nothing_is_a_mistake(cellwright, reviews, tmp_path):
    ended = cellwright("fit", reviews, "--out", tmp_path / "run", "--samples", 3)
    assert ended.status == 2
    assert ended.err == (
        "cellwright: --samples is 3, and --truncation is none; leave it out, or give --truncation sentences\n"
    )
