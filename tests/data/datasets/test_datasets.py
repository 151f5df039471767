import pytest

from cellwright.data import datasets
from cellwright.data.checks import classes_of
from cellwright.errors import InputError


@pytest.mark.parametrize("name", datasets.names("texts"))
def test_every_set_can_be_trained_on_and_is_what_it_says(name):
    described = datasets.describe(name)
    assert described.name == name
    splits = datasets.load(name)
    assert all(len(split) for split in splits.values())
    if described.labels:
        assert sorted(described.labels) == classes_of(splits)
    else:
        assert all(split.labels is None for split in splits.values())


def test_an_unknown_set_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="no built-in set 'reviews-en'; expected one of reviews-zh"):
        datasets.load("reviews-en")


def test_a_set_that_holds_something_else_is_refused_with_those_that_do_not():
    with pytest.raises(InputError, match="pos-zh holds tagged sentences; expected a set of texts: reviews-zh, news-en"):
        datasets.load("pos-zh")
