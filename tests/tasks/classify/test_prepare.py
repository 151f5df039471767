"""What a run on texts is held against before it is trained."""

import pytest

from cellwright.data.source import open_source
from cellwright.data.tokenizer import Tokenizer
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.prepare import prepare


def test_baseline_and_report_mean_the_same_most_frequent_label(tmp_path):
    data = tmp_path / "texts.csv"
    rows = [f"text {k},a" for k in range(60)]
    data.write_text("\n".join(["text,label", *rows]) + "\n")
    splits = open_source(str(data))
    texts = splits["train"].texts[:20]
    # As many of b as of a, b first; of what is validated on, all are a.
    labelled = [f"{text},{label}" for text, label in zip(texts, ["b", "a"] * 10, strict=True)]
    kept = [f"{text},a" for split in ("validation", "test") for text in splits[split].texts]
    data.write_text("\n".join(["text,label", *labelled, *kept]) + "\n")
    prepared = prepare(ClassifyConfig(data=str(data), out=tmp_path / "run"), None)
    assert prepared.baseline.score == 1


@pytest.mark.parametrize(
    ("options", "method"),
    [({}, "rows"), ({"bigram_buckets": 0}, "rows"), ({"truncation": "head"}, "encode_with_spans")],
)
def test_each_text_is_tokenised_once(tmp_path, monkeypatch, options, method):
    """Of a large file that is most of the time before the first step."""
    data = tmp_path / "texts.csv"
    rows = [f"good text {k},{'ab'[k % 2]}" for k in range(60)]
    data.write_text("\n".join(["text,label", *rows]) + "\n")
    read, encode = [], getattr(Tokenizer, method)
    monkeypatch.setattr(Tokenizer, method, lambda self, texts: (read.extend(texts), encode(self, texts))[1])
    splits = open_source(str(data))
    prepared = prepare(ClassifyConfig(data=str(data), out=tmp_path / "run", **options), None)
    assert sorted(read) == sorted([*splits["train"].texts, *splits["validation"].texts])
    [numbers] = prepared.train.epoch(0, 0, 1).examples[0][0]
    assert len(numbers) == 3
