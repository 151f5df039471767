from pydoc_data.topics import topics

from cellwright.data import datasets


def test_every_topic_is_there_and_cut_by_position():
    splits = datasets.load("pydoc")
    text = "".join(text for split in splits.values() for text in split.texts)
    assert text == "\n".join(topics[name] for name in sorted(topics))
    assert [round(len(split.texts[0]) / len(text), 3) for split in splits.values()] == [0.9, 0.05, 0.05]
    assert 400_000 < len(text) < 1_500_000  # the manual grows with each version of Python
