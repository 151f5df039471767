"""Batches on an engine: the answers of `predict`, beside the columns that came, from a predictor that travels."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pytest

import cellwright
from cellwright import batch
from cellwright.batch import Predictor
from cellwright.cli import main
from cellwright.errors import InputError

TEXTS = ["很好 3", "坏了 4", "", "好"]
SMALL = {"max_epochs": 6, "hidden_size": 8, "embedding_dim": 8, "threads": 1, "learning_rate": 0.05}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    texts = [f"{'很好' if n % 2 else '坏了'} {n} {'好' * (n % 2)}" for n in range(120)]
    rows = "".join(f"{text},{['bad', 'good'][n % 2]}\n" for n, text in enumerate(texts))
    path.write_text("text,label\n" + rows, "utf-8")
    return cellwright.fit(path, path.parent / "run", options=SMALL | {"batch_tokens": 256}, say=lambda said: None).out


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "tags.conll"
    path.write_text("".join(f"w{n % 7}\tA\nof\tB\nx{n}\tC\n\n" for n in range(90)))
    told = {"task": "tag", "options": SMALL | {"max_epochs": 2}, "say": lambda said: None}
    return cellwright.fit(path, path.parent / "run", **told).out


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "series.csv"
    rows = [f"s{n},{'ab'[n % 2]},{n % 2 + k / 9}\n" for n in range(60) for k in range(3 + n % 4)]
    path.write_text("series,label,x\n" + "".join(rows))
    told = {"task": "series", "options": {"label": "label", "hidden_size": 4, "max_epochs": 2, "threads": 1}}
    return cellwright.fit(path, path.parent / "run", **told, say=lambda said: None).out


def test_the_answers_are_those_of_predict(run: Path) -> None:
    expected = [each.as_json() for each in cellwright.load(run).predict(TEXTS)]
    found = Predictor(run)({"id": [1, 2, 3, 4], "text": TEXTS})
    assert list(found) == ["id", "text", *expected[0]]
    assert found["id"] == [1, 2, 3, 4]
    assert [{name: found[name][k] for name in expected[0]} for k in range(len(TEXTS))] == expected


def test_the_columns_are_named_as_those_of_predict_out(run: Path, tmp_path: Path) -> None:
    rows = [{"text": text, "label": "own", "predicted_label": "too"} for text in TEXTS]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["predict", str(run), str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl")]) == 0
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    found = Predictor(run)({name: [row[name] for row in rows] for name in rows[0]})
    assert list(found) == list(written[0])
    assert [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)] == written


def test_a_batch_comes_back_as_what_it_was(run: Path) -> None:
    plain = {"id": [1, 2, 3, 4], "text": TEXTS}
    expected = Predictor(run)(plain)
    frame = Predictor(run)(pandas.DataFrame(plain, index=[7, 3, 9, 1]))
    assert frame.index.tolist() == [7, 3, 9, 1]
    assert frame.to_dict("list") == expected
    table = Predictor(run)(pyarrow.table(plain))
    assert table.to_pydict() == expected
    arrays = Predictor(run)({name: np.array(values) for name, values in plain.items()})
    assert isinstance(arrays["id"], np.ndarray)
    assert arrays["label"] == expected["label"]


def test_words_and_series_have_columns_of_their_own(tagger: Path, series: Path) -> None:
    words = [["w1", "of"], ["x2"]]
    expected = [each.tags for each in cellwright.load(tagger).predict(words)]
    assert Predictor(tagger)({"tokens": words})["tags"] == expected
    assert (
        Predictor(tagger, column="w")(pyarrow.table({"text": ["a", "b"], "w": words}))["tags"].to_pylist() == expected
    )
    objects = [json.dumps({"name": "one", "values": [[0.1], [0.4], [1.0]]})]
    [answer] = cellwright.load(series).predict(objects)
    found = Predictor(series)({"series": objects})
    assert (found["label"], found["probability"]) == ([answer.label], [answer.probability])


def test_a_batch_of_no_rows_has_the_columns_of_others(run: Path) -> None:
    frame = Predictor(run, fields=["label"])(pandas.DataFrame({"text": []}))
    assert list(frame) == ["text", "label"]
    assert len(frame) == 0
    assert list(Predictor(run)({"text": []})) == ["text", "label", "probability", "probabilities"]


def test_it_travels_as_a_path_and_loads_once_in_a_process(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = [], cellwright.runs.load
    monkeypatch.setattr(cellwright.runs, "load", lambda *a, **o: (loaded.append(1), load(*a, **o))[1])
    batch._load.cache_clear()
    monkeypatch.chdir(run.parent)
    sent = pickle.dumps(Predictor("run", fields=["label"]))
    assert len(sent) < 1000
    monkeypatch.chdir("/")
    for _ in range(3):
        found = pickle.loads(sent)({"text": TEXTS})
    assert list(found) == ["text", "label"]
    assert loaded == [1]


def test_batch_after_batch_as_spark_hands_them(run: Path) -> None:
    frames = [pandas.DataFrame({"text": TEXTS[:1]}), pandas.DataFrame({"text": TEXTS[1:]})]
    assert [len(frame) for frame in Predictor(run).over(iter(frames))] == [1, 3]


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, {"review": ["a"]}, r"batch: no column 'text'; expected one of 'review': name it by column=…"),
        ({"column": "review"}, {"text": ["a"]}, "batch: no column 'review'"),
        ({"fields": ["labels"]}, {"text": ["a"]}, "fields: 'labels' is nothing that .* says; expected of label, "),
        ({}, {"text": ["a", 3.5]}, "batch, row 2"),
        ({}, {"text": ["a", None]}, "batch, row 2: column 'text' holds None; expected a value in every row"),
        ({}, pyarrow.table({"text": ["a", None]}), "batch, row 2: column 'text' holds None"),
        ({}, pandas.DataFrame({"text": ["a", None]}), "batch, row 2: column 'text' holds "),
        ({}, {"id": [1, 2], "text": ["a"]}, "batch: 'id' has 2 rows, 'text' has 1 rows; expected as many in each"),
    ],
)
def test_what_cannot_be_answered_is_said(run: Path, options: dict, given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Predictor(run, **options)(given)


def test_another_kind_of_batch_is_refused(run: Path) -> None:
    with pytest.raises(TypeError, match=r"batch: a builtins.list; expected a dict of columns, a pandas DataFrame or"):
        Predictor(run)([{"text": "a"}])


def test_a_folder_that_is_none_is_said_by_the_worker(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        Predictor(tmp_path / "nosuch")({"text": ["a"]})


@pytest.mark.slow
def test_on_ray(run: Path) -> None:
    ray = pytest.importorskip("ray")
    from ray import data

    expected = Predictor(run)({"text": TEXTS})
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        rows = data.from_items([{"id": k, "text": text} for k, text in enumerate(TEXTS)])
        told = {"fn_constructor_args": [str(run)], "concurrency": 1, "batch_size": 3}
        for kind in ("numpy", "pandas", "pyarrow"):
            found = rows.map_batches(Predictor, batch_format=kind, **told).take_all()
            found.sort(key=lambda row: row["id"])
            assert [row["label"] for row in found] == expected["label"]
            assert [row["probability"] for row in found] == pytest.approx(expected["probability"])
            assert [row["probabilities"] for row in found] == [pytest.approx(e) for e in expected["probabilities"]]
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_on_spark(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    expected = Predictor(run)({"text": TEXTS})
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        rows = spark.createDataFrame(list(enumerate(TEXTS)), "id long, text string")
        answers = "label string, probability double"
        predictor = Predictor(run, fields=["label", "probability"])
        for map_in in (rows.mapInPandas, rows.repartition(3).mapInPandas):
            found = sorted(map_in(predictor.over, f"id long, text string, {answers}").collect())
            assert [row.label for row in found] == expected["label"]
            assert [row.probability for row in found] == pytest.approx(expected["probability"])
    finally:
        spark.stop()
