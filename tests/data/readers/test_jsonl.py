import re

import pytest

from cellwright.data.readers import read
from cellwright.data.table import Table
from cellwright.errors import InputError


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_objects_give_texts_labels_and_lines(file, end):
    path = file(
        "r.jsonl",
        end.join(['{"text": "很\\u597d", "label": "pos"}', "", '{"label": "neg", "text": "bad", "more": [1]}']),
    )
    assert read(path) == Table(["很好", "bad"], ["pos", "neg"], [1, 3], source=str(path))


@pytest.mark.parametrize(
    ("value", "label"), [("3", "3"), ("-1", "-1"), ("true", "true"), ('"0"', "0"), ("1.0", "1"), ("2.5", "2.5")]
)
def test_labels_become_strings(file, value, label):
    assert read(file("r.jsonl", f'{{"text": "a", "label": {value}}}')).labels == [label]


@pytest.mark.parametrize("row", ["null", '""', '" "', "NaN", None])
def test_a_missing_label_is_empty_and_so_is_one_whose_key_is_absent(file, row):
    line = '{"text": "b"}' if row is None else f'{{"text": "b", "label": {row}}}'
    assert read(file("r.jsonl", f'{{"text": "a", "label": 1}}\n{line}')).labels == ["1", ""]


def test_a_label_that_no_row_has_is_named(file):
    with pytest.raises(InputError, match="line 1: no column 'label'; the columns are 'text', 'class'"):
        read(file("r.jsonl", '{"text": "a", "class": 1}'))


def test_null_is_an_empty_text(file):
    assert read(file("r.jsonl", '{"text": null, "label": "pos"}')).texts == [""]


def test_an_escaped_pair_of_surrogates_is_one_character(file):
    assert read(file("r.jsonl", '{"text": "\\ud83d\\ude42", "label": 1}')).texts == ["🙂"]


def test_a_line_separator_inside_a_string_ends_no_line(file):
    assert read(file("r.jsonl", '{"text": "a\u2028b", "label": 1}\n')).texts == ["a\u2028b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a" "label": 1}', ", column 14: not JSON (Expecting ',' delimiter)"),
        ('{"text": "a", "lab', ", column 15: not JSON (Unterminated string starting at)"),
        ('["a", 1]', ": a list by itself; expected an object such as"),
        ('{"review": "a", "label": 1}', ": no column 'text'; the columns are 'review', 'label'"),
        ('{"text": "a", "label": 1, "text": "b"}', ": column 'text' stands 2 times (1 and 3); expected once"),
        ('{"text": 5, "label": 1}', ": column 'text' holds 5 (int); expected a string"),
        ('{"text": "a", "label": Infinity}', ": column 'label' holds inf (float); expected a label"),
        ('{"text": "a", "label": ["x"]}', ": column 'label' holds ['x'] (list); expected a label"),
        (
            '{"text": "ab\\ud83d", "label": 1}',
            ": column 'text' holds half of a surrogate pair, \\ud83d, as character 3",
        ),
        (
            '{"text": "a", "label": "\\ude42"}',
            ": column 'label' holds half of a surrogate pair, \\ude42, as character 1",
        ),
        ('{"text": "a", "label": ' + "9" * 5000 + "}", ": JSON beyond what can be read (Exceeds the limit"),
        ("[" * 100_000, ": JSON beyond what can be read (maximum recursion depth"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(file, line, message):
    path = file("r.jsonl", '{"text": "good", "label": "pos"}\n' + line + "\n")
    with pytest.raises(InputError, match="^" + re.escape(f"{path}, line 2{message}")):
        read(path)


def test_blank_file_is_refused(file):
    with pytest.raises(InputError, match=r"r\.jsonl: the file is blank; expected a JSON object on each line"):
        read(file("r.jsonl", "\n \n"))


@pytest.mark.parametrize(
    "content", ['[{"text": "a"}]\n', '[\n  {"text": "a"}\n]\n', '[{"text": "a"},\n{"text": "b"}]\n']
)
def test_an_array_of_objects_is_refused_with_what_makes_lines_of_it(file, content):
    with pytest.raises(InputError, match=r"line 1.*; expected an object .*on each line: .*`jq -c '\.\[\]' FILE`"):
        read(file("r.jsonl", content), label=None)
