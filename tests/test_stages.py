"""What a long piece of work says while it lasts."""

import threading

import pytest

from cellwright import stages
from cellwright.data.readers import read
from cellwright.evaluation import baselines
from cellwright.evaluation.baselines import linear_baseline
from cellwright.stages import in_turn, stage, staged, told


@pytest.fixture
def said(monkeypatch):
    """What was said, and when: each sentence sets `spoken`."""
    monkeypatch.setattr(stages, "FIRST", 0.01)
    monkeypatch.setattr(stages, "AGAIN", 0.02)
    return []


def listening(said, spoken):
    return lambda sentence: (said.append(sentence), spoken.set())


def test_a_stage_says_what_is_done_and_how_far_it_is(said):
    spoken = threading.Event()
    with told(listening(said, spoken)), stage("counting", 3000) as done:
        assert spoken.wait(10)
        spoken.clear()
        done(1200)
        assert spoken.wait(10)
        assert spoken.wait(10)
    assert said[0] == "counting: 0 of 3,000 …"
    assert any(sentence.startswith("counting: 1,200 of 3,000") for sentence in said)
    assert said[-1] == "counting: done in 0 s"


def test_what_is_over_soon_says_nothing(said, monkeypatch):
    monkeypatch.setattr(stages, "FIRST", 60.0)
    with told(said.append), stage("counting"):
        pass
    assert said == []


def test_what_the_user_has_waited_for_before_counts(said, monkeypatch):
    """Python and the command line's own modules take half a second before the first stage."""
    monkeypatch.setattr(stages, "FIRST", 60.0)
    spoken = threading.Event()
    with told(listening(said, spoken)), stage("loading", lasted=59.99):
        assert spoken.wait(10)
    assert said[0] == "loading …"


def test_a_stage_inside_another_is_silent_and_a_failed_one_is_not_done(said):
    spoken = threading.Event()

    def fail():
        with told(listening(said, spoken)), stage("outer"), stage("inner"):
            assert spoken.wait(10)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert {sentence.partition(",")[0].rstrip(" …") for sentence in said} == {"outer"}
    assert not any("done" in sentence for sentence in said)


def test_nobody_listens_nothing_is_started():
    before = threading.active_count()
    with stage("counting", 1) as done:
        done(1)
        assert threading.active_count() == before


def test_items_in_turn_are_a_stage_where_they_are_many(said):
    parts: list[slice] = []
    spoken = threading.Event()

    def work(part):
        parts.append(part)
        spoken.clear()
        if len(parts) < 4:
            assert spoken.wait(10)

    with told(listening(said, spoken)):
        in_turn("answering", 5, 2, work)
        assert any(sentence.startswith("answering: 2 of 5") for sentence in said)
        said.clear()
        in_turn("answering", 2, 2, work)
    assert parts == [slice(0, 2), slice(2, 4), slice(4, 5), slice(0, 2)]
    assert not any(sentence.startswith("answering") for sentence in said)


def test_a_function_is_a_stage(said):
    spoken = threading.Event()

    @staged(lambda count, **_: f"waiting for {count}")
    def wait(count: int, *, end: bool = True) -> int:
        assert spoken.wait(10)
        return count

    with told(listening(said, spoken)):
        assert wait(3, end=False) == 3
    assert said[0] == "waiting for 3 …"


def test_reading_is_one(said, tmp_path, monkeypatch):
    path, spoken = tmp_path / "texts.csv", threading.Event()
    path.write_text("text,label\na,b\n")
    monkeypatch.setattr("cellwright.data.readers.FORMATS", _slow(spoken))
    with told(listening(said, spoken)):
        assert read(path).texts == ["a"]
    assert said[0] == f"reading {path} …"


def _slow(spoken):
    from cellwright.data.readers import FORMATS, Format

    def wait(path, columns, how):
        assert spoken.wait(10)
        return FORMATS["csv"].read(path, columns, how)

    return FORMATS | {"csv": Format((".csv",), wait)}


def test_the_linear_baseline_is_fitted_on_a_sample_above_a_size(monkeypatch):
    """By the counts of what is fitted, and by answers that are as good."""
    monkeypatch.setattr(baselines, "MOST_TEXTS", 40)
    seen = []
    kept = baselines.TfidfVectorizer
    monkeypatch.setattr(baselines, "TfidfVectorizer", lambda **options: _Noted(kept(**options), seen))
    texts = [f"{'good' if k % 2 else 'poor'} {k}" for k in range(100)]
    labels = ["+" if k % 2 else "-" for k in range(100)]
    assert linear_baseline(texts, labels, ["good", "poor"]) == ["+", "-"]
    assert linear_baseline(texts[:40], labels[:40], ["good", "poor"]) == ["+", "-"]
    assert seen == [40, 40]


class _Noted:
    """The vectorizer, with a note of how many texts it is fitted on."""

    def __init__(self, inner, seen):
        self.inner, self.seen = inner, seen

    def fit(self, texts, labels=None):
        self.inner.fit(texts)
        return self

    def fit_transform(self, texts, labels=None):
        self.seen.append(len(texts))
        return self.inner.fit_transform(texts)

    def transform(self, texts):
        return self.inner.transform(texts)
