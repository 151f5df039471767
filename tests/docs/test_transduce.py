"""The page on pairs says of copying what a run says."""

from pathlib import Path

from cellwright.tasks.transduce import TransduceConfig
from cellwright.tasks.transduce.copying import COPIED, settled

TEXT = (Path(__file__).parents[2] / "docs" / "transduce.md").read_text()


def test_its_sentence_is_that_of_a_run() -> None:
    config, said = settled(TransduceConfig(data="none", out="none"), None, lambda: 0.844)
    assert config.copying
    assert [f"    {sentence}" for sentence in said] == [
        line for line in TEXT.splitlines() if "symbols stand in" in line and line[0] == " "
    ]


def test_from_which_share_on() -> None:
    assert COPIED == 0.5
    assert "Where at least half of the targets' symbols stand in their source, a run may copy them" in " ".join(
        TEXT.split()
    )
