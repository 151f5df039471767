"""A tagger from a file: what it learns, what it says it scored, and what is refused."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from seqeval.metrics import f1_score

from cellwright.errors import InputError
from cellwright.evaluation.tagging import FrequentTags
from cellwright.tasks.run import load_run
from cellwright.tasks.tag import TagConfig
from cellwright.tasks.tag.data import open_data
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.training import fit
from tagged_requests import lines

Options = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("crf", [True, False])
def test_learns_and_the_scores_are_those_of_the_kept_model(options: Options, crf: bool) -> None:
    said: list[str] = []
    result = fit(TagConfig(**options(sentence_label="intent", crf=crf)), progress=False, say=said.append)
    run = load_run(result.out)
    validation = open_data(run.config.options["data"], run.config.options | {"out": run.path})["validation"]
    answers = TagPredictor(run).tag(validation.tokens)
    f1 = f1_score(validation.tags, [answer.tags for answer in answers])
    labelled = sum(a.label == label for a, label in zip(answers, validation.labels or [], strict=True)) / len(answers)
    whole = [
        (a.tags, a.label) == (tags, label)
        for a, tags, label in zip(answers, validation.tags, validation.labels or [], strict=True)
    ]
    assert result.metric == "joint_accuracy"
    assert result.validation["f1"] == pytest.approx(f1)
    assert result.validation["sentence_accuracy"] == pytest.approx(labelled)
    assert result.validation["joint_accuracy"] == pytest.approx(sum(whole) / len(whole))
    assert min(f1, labelled) > 0.95 > result.baseline
    splits = open_data(run.config.options["data"], run.config.options | {"out": run.path})
    frequent = FrequentTags(splits["train"])
    [(usual, _)] = Counter(splits["train"].labels).most_common(1)
    rows = zip(validation.tags, frequent.tags(validation.tokens), validation.labels or [], strict=True)
    right = sum(list(tags) == list(given) and label == usual for tags, given, label in rows)
    assert result.baseline == pytest.approx(right / len(validation))
    chosen = "chosen together (CRF)" if crf else "chosen one by one"
    assert f"5 tags, {chosen}, read as spans (iob2), 2 labels of whole sentences" in said[0]


@pytest.mark.parametrize(("spans", "crf"), [("auto", True), ("none", False)])
def test_neighbouring_tags_are_scored_together_where_they_write_spans(options: Options, spans: str, crf: bool) -> None:
    result = fit(TagConfig(**options(spans=spans, max_epochs=1)), progress=False)
    assert load_run(result.out).config.model.crf is crf


def test_plain_tags_are_scored_by_the_word(options: Options) -> None:
    result = fit(TagConfig(**options(spans="none", max_epochs=1)), progress=False)
    assert result.metric == "accuracy"
    assert set(result.validation) == {"loss", "accuracy"}
    assert load_run(result.out).config.scheme == "plain"


def test_files_for_validation_and_test_are_taken_whole(options: Options, tmp_path: Path) -> None:
    paths = {split: tmp_path / f"{split}.jsonl" for split in ("validation", "test")}
    for seed, path in enumerate(paths.values(), start=1):
        path.write_text(lines(20, seed) + '{"tokens": [], "tags": []}\n')
    own = {split: str(path) for split, path in paths.items()}
    config = TagConfig(**options(max_epochs=1, **own))
    splits = open_data(config.data, config.model_dump())
    assert [len(splits[split]) for split in ("train", "validation", "test")] == [300, 20, 20]
    half = open_data(config.data, config.model_dump() | {"validation": None})
    assert len(half["test"]) == 20
    assert 0 < len(half["validation"]) == 300 - len(half["train"])
    said: list[str] = []
    fit(config, progress=False, say=said.append)
    assert any(note.startswith("validation: ") and "the scores flatter" in note for note in said)


def test_tags_and_labels_that_training_lacks_count_as_wrong(options: Options, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    rows = [json.loads(line) for line in lines(20, 1).splitlines()]
    for row in rows:
        row["tags"] = [tag.replace("B-to.city", "B-goal") for tag in row["tags"]]
        row["intent"] = "new"
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said: list[str] = []
    config = TagConfig(**options(sentence_label="intent", validation=str(other), max_epochs=4))
    result = fit(config, progress=False, say=said.append)
    assert any("no training sentence has the tag 'B-goal', so that no model can learn it" in note for note in said)
    assert any("no training sentence has the label 'new', so that no model can learn it" in note for note in said)
    assert result.validation["sentence_accuracy"] == 0
    assert 0 < result.validation["accuracy"] < 0.9


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "one tag": ({"data": '{"tokens": ["a"], "tags": ["O"]}\n' * 9}, "no sentence falls to the "),
    "no such set": ({"data": "pos-zhh"}, "pos-zhh: no such file; did you mean pos-zh?"),
    "a set of texts": ({"data": "reviews-zh"}, "reviews-zh holds texts; expected a set of tagged sentences: pos-zh"),
    "columns of a set": (
        {"data": "pos-zh", "tags": "2"},
        "a built-in set, and --tags is 2, which is for files",
    ),
    "no such key": ({"sentence_label": "topic"}, "no column 'topic'; the columns are 'tokens', 'tags', 'intent': name"),
    "no such cell": ({"cell": "lstn"}, "did you mean lstm?"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(options: Options, tmp_path: Path, case: str) -> None:
    changes, message = REFUSED[case]
    if "\n" in changes.get("data", ""):
        path = tmp_path / "data.jsonl"
        path.write_text(changes["data"])
        changes = changes | {"data": str(path)}
    with pytest.raises(InputError) as error:
        fit(TagConfig(**options(**changes)), progress=False)
    assert message in str(error.value)


def test_nothing_to_tell_apart(options: Options, tmp_path: Path) -> None:
    path = tmp_path / "same.jsonl"
    path.write_text("".join(json.dumps({"tokens": [f"w{k}"], "tags": ["O"], "of": "x"}) + "\n" for k in range(99)))
    with pytest.raises(InputError, match="every tag of the training sentences is 'O'; expected at least two"):
        fit(TagConfig(**options(data=str(path))), progress=False)
    path.write_text("".join(json.dumps({"tokens": [f"w{k}"], "tags": [k % 3], "of": "x"}) + "\n" for k in range(99)))
    with pytest.raises(InputError, match="every label of the training sentences is 'x'; expected at least two"):
        fit(TagConfig(**options(data=str(path), sentence_label="of")), progress=False)
