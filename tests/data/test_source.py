import pytest

from cellwright.data.source import open_source
from cellwright.errors import InputError


def test_a_file_is_read_and_split_with_its_own_columns(file):
    path = file("r.tsv", "review\tstars\n" + "".join(f"review {k}\t{k % 2}\n" for k in range(200)))
    splits = open_source(str(path), text="review", label="stars")
    assert list(splits) == ["train", "validation", "test"]
    pairs = [pair for split in splits.values() for pair in zip(split.texts, split.labels, strict=True)]
    assert sorted(pairs) == sorted((f"review {k}", str(k % 2)) for k in range(200))


def test_a_built_in_name_means_the_set_though_a_folder_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "reviews-zh").mkdir()
    monkeypatch.chdir(tmp_path)
    assert sum(map(len, open_source("reviews-zh").values())) == 17_363
    with pytest.raises(InputError, match=r"^reviews-zh: nothing; expected a folder a class, each with a file a text"):
        open_source("./reviews-zh")


def test_what_is_neither_suggests_the_nearest_built_in_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^review-zh: no such file; did you mean reviews-zh\?$"):
        open_source("review-zh")


def test_what_is_like_nothing_lists_the_built_in_sets(tmp_path):
    with pytest.raises(
        InputError, match=r"no such file; expected the path of a file, or a built-in set \(reviews-zh, news-en\)"
    ):
        open_source(str(tmp_path / "qqqq.csv"))
