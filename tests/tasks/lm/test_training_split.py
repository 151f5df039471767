"""A language model's splits within the training split of other tasks."""

from pathlib import Path

import pytest

from cellwright.data.source import open_source
from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError
from cellwright.tasks.lm.data import open_training_split


def test_its_splits_are_those_of_the_training_texts_and_of_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(2000)))
    whole = open_source(str(path))
    within = open_training_split(str(path), splits=SplitOptions(validation_share=0.2, test_share=0.1))
    found = [text for split in within.values() for text in split.texts]
    assert sorted(found) == sorted(whole["train"].texts)
    assert len(found) == len(set(found))
    # 5 standard deviations of a binomial, as the salted hash draws them.
    for split, share in (("validation", 0.2), ("test", 0.1)):
        assert abs(len(within[split]) - share * len(found)) < 5 * (share * (1 - share) * len(found)) ** 0.5
    assert any("of the validation and test splits left alone" in note for note in within.notes)


def test_a_plain_text_has_no_training_split(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one text")
    with pytest.raises(InputError, match="one text, of which no row is in the training split; expected a table"):
        open_training_split(str(path))
