"""Lists in JSON lines, words with slashes, and which reader takes a file."""

import re

import pytest

from cellwright.data.readers.tagged import FORMATS, read_tagged
from cellwright.data.sentences import Sentences
from cellwright.errors import InputError


def test_lists_or_texts_of_json_lines(file):
    path = file(
        "a.jsonl",
        '{"tokens": ["fly", "to"], "tags": ["O", 1], "intent": "flight"}\n\n'
        '{"tokens": "a  b", "tags": "O O", "intent": 3}',
    )
    expected = Sentences([["fly", "to"], ["a", "b"]], [["O", "1"], ["O", "O"]], ["flight", "3"], [1, 3], str(path))
    assert read_tagged(path, label="intent") == expected
    assert read_tagged(path, tags="tokens", tokens="tags").tokens == [["O", "1"], ["O", "O"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": ["a", "b"], "tags": ["O"]}', "2 tokens in 'tokens' and 1 tags in 'tags'; expected a tag for each"),
        ('{"tokens": ["a"], "tags": [null]}', "item 1 of 'tags' is None; expected a string that is not blank"),
        ('{"tokens": ["a", " "], "tags": ["O", "O"]}', "item 2 of 'tokens' is ' '; expected a string that is not"),
        ('{"tokens": ["a"], "tags": {"x": "O"}}', "'tags' holds "),
        ('{"tokens": ["a"]}', "no column 'tags'; the columns are 'tokens': name yours with --tokens and --tags"),
        (
            r'{"tokens": "a0 \ud83d b", "tags": "X Y Z"}',
            r"column 'tokens' holds half of a surrogate pair, \ud83d, as char",
        ),
        (
            r'{"tokens": "a b", "tags": "X \ud83d"}',
            r"column 'tags' holds half of a surrogate pair, \ud83d, as character",
        ),
        ('{"tokens": ["a"], "tags": [[]]}', "column 'tags' holds [] (list); expected a label"),
    ],
)
def test_what_is_wrong_in_json_lines_is_said_with_its_line(file, line, message):
    path = file("a.jsonl", '{"tokens": [], "tags": []}\n' + line)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}, line 2: {message}")):
        read_tagged(path)


def test_one_key_for_both_is_refused(file):
    with pytest.raises(InputError, match="key 'tags' for both the tokens and the tags; expected two keys"):
        read_tagged(file("a.jsonl", '{"tags": "O"}'), tokens="tags")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_words_with_slashes(file, end):
    path = file("a.pos", "充满/v  希望/n\r\n\r\n1/2/CD ///SYM\r\n".replace("\r\n", end))
    tokens, tags = [["充满", "希望"], [], ["1/2", "//"]], [["v", "n"], [], ["CD", "SYM"]]
    assert read_tagged(path) == Sentences(tokens, tags, None, [1, 2, 3], str(path))
    with pytest.raises(InputError, match=r"lines of token/tag have no columns, and --tags is 2; leave it out"):
        read_tagged(path, tags="2")


@pytest.mark.parametrize("word", ["word", "/n", "word/"])
def test_a_word_without_its_tag_is_refused(file, word):
    path = file("a.pos", f"a/b\nc/d {word}\n")
    with pytest.raises(InputError, match=re.escape(f"{path}, line 2: '{word}' is no token with its tag; expected")):
        read_tagged(path)


def test_a_file_without_a_token_is_refused(file):
    with pytest.raises(InputError, match=r"a\.jsonl: no sentence holds a token; expected at least one"):
        read_tagged(file("a.jsonl", '{"tokens": [], "tags": []}'))


def test_the_suffix_or_the_name_of_a_format_chooses(file):
    assert read_tagged(file("a.txt", "a/b"), format="slashed").tags == [["b"]]
    with pytest.raises(InputError, match=r"the suffix '.csv' tells no format; expected a file that ends in .conll, "):
        read_tagged(file("a.csv", "a,b"))
    with pytest.raises(InputError, match="no format 'csv'; expected one of columns, conllu, jsonl, slashed"):
        read_tagged(file("a.conll", "a b"), format="csv")
    suffixes = [suffix for format in FORMATS.values() for suffix in format.suffixes]
    assert len(suffixes) == len(set(suffixes))
