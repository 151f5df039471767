"""Lists in JSON lines, words with slashes, and which reader takes a file."""

import json
import re

import pyarrow as pa
import pyarrow.parquet
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


def test_lists_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {"words": [["fly", "to"], []], "tags": ["O O", ""], "intent": ["flight", "none"]}
    pyarrow.parquet.write_table(pa.table(columns), path)
    read = read_tagged(path, tokens="words", label="intent")
    assert read == Sentences([["fly", "to"], []], [["O", "O"], []], ["flight", "none"], [1, 2], str(path), "row")
    pyarrow.parquet.write_table(pa.table({"tokens": [["a"], ["b", "c"]], "tags": [[1], [1]]}), path)
    with pytest.raises(InputError, match=r"a\.parquet, row 2: 2 tokens in 'tokens' and 1 tags in 'tags'; expected a"):
        read_tagged(path)


@pytest.mark.parametrize("blank", ["\u3000", "\u00a0", "\u2028", "\u200a", "\x0c"])
def test_other_white_space_than_spaces_and_tabs_is_part_of_a_token(file, blank):
    expected = [[f"9{blank}000", blank, "b"]]
    rows = [(token, "O") for token in expected[0]]
    lines = [f"{token} {tag}" for token, tag in rows]
    listed = json.dumps({"tokens": expected[0], "tags": ["O"] * 3})
    assert read_tagged(file("a.conll", "\n".join(lines))).tokens == expected
    assert read_tagged(file("b.conll", "\n".join(lines).replace(" ", "\t"))).tokens == expected
    assert read_tagged(file("a.pos", " ".join(f"{token}/{tag}" for token, tag in rows))).tokens == expected
    assert read_tagged(file("a.jsonl", listed)).tokens == expected
    assert (
        read_tagged(file("b.jsonl", json.dumps({"tokens": " ".join(expected[0]), "tags": "O O O"}))).tokens == expected
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.conll", "a O\nb \u3000\n", "line 2: the tag is missing ('b', '\\u3000'); expected one a line"),
        ("a.conll", "a O\n\u3000\nb O", "line 2: 1 column ('\\u3000'); expected 2, as on the first line of tokens"),
        ("a.pos", "a/\u3000", "line 1: 'a/\\u3000' is no token with its tag; expected token/tag"),
        (
            "a.jsonl",
            '{"tokens": ["a"], "tags": ["\u3000"]}',
            "line 1: item 1 of 'tags' is '\\u3000'; expected a string",
        ),
    ],
)
def test_white_space_alone_is_no_tag(file, name, content, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read_tagged(file(name, content))


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
    with pytest.raises(InputError, match="no format 'csv'; expected one of columns, conllu, jsonl, parquet, slashed"):
        read_tagged(file("a.conll", "a b"), format="csv")
    suffixes = [suffix for format in FORMATS.values() for suffix in format.suffixes]
    assert len(suffixes) == len(set(suffixes))
