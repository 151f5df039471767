import json

import pytest

from agreement import SINGLE, assert_agree


def test_label_probability_and_text_of_each_argument(cellwright, run):
    ended = cellwright("predict", run, "a great phone", "awful 差", "the\nbook")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[0] for row in rows[:2]] == ["very good", "坏 评"]
    assert [row[2] for row in rows] == ["a great phone", "awful 差", "the book"]
    assert all(0.5 <= float(row[1]) <= 1 for row in rows)
    assert ended.status == 0
    assert ended.err == "unknown to this run: 1 of the 7 words: 'book'\n"


def test_json_is_one_object_a_line_with_every_class(cellwright, run):
    ended = cellwright("predict", run, "a great\n🙂", "--json")
    answer = json.loads(ended.out)
    assert ended.out.count("\n") == 1
    assert answer["text"] == "a great\n🙂"
    assert answer["label"] == "very good"
    assert list(answer["probabilities"]) == ["very good", "坏 评"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["probability"] == max(answer["probabilities"].values())


def test_lines_of_standard_input_pair_with_answers(cellwright, run):
    content = "\ufeffgreat\r\n\r\nawful\u2028poor\n 好".encode()
    answers = [json.loads(line) for line in cellwright("predict", run, "--json", stdin=content).out.splitlines()]
    assert [answer["text"] for answer in answers] == ["great", "", "awful\u2028poor", " 好"]
    alone = [json.loads(cellwright("predict", run, "--json", answer["text"]).out) for answer in answers]
    assert [answer["label"] for answer in answers] == [answer["label"] for answer in alone]
    assert_agree([answer["probability"] for answer in answers], [answer["probability"] for answer in alone], SINGLE)


def test_more_lines_than_are_read_at_once(cellwright, run):
    texts = [f"{'great' if number % 3 else 'awful'} {number}" for number in range(2500)]
    out = cellwright("predict", run, stdin="\n".join(texts).encode()).out
    assert [line.split("\t")[2] for line in out.splitlines()] == texts


def test_empty_text_is_answered(cellwright, run):
    ended = cellwright("predict", run, "")
    assert ended.status == 0
    assert ended.out.split("\t")[0] in {"very good", "坏 评"}


def test_no_line_no_answer(cellwright, run):
    ended = cellwright("predict", run, stdin=b"")
    assert (ended.status, ended.out) == (0, "")


def test_half_a_character_among_the_arguments_is_answered(cellwright, run):
    assert cellwright("predict", run, "great \udce5").status == 0


def test_text_of_a_hundred_thousand_characters(cellwright, run):
    ended = cellwright("predict", run, "--json", stdin=b"great " * 17_000)
    assert json.loads(ended.out)["label"] == "very good"


def test_standard_input_in_the_encoding_that_is_named(cellwright, run):
    ended = cellwright("predict", run, "--encoding", "gb18030", stdin="好\n差".encode("gb18030"))
    assert [line.split("\t")[2] for line in ended.out.splitlines()] == ["好", "差"]


@pytest.mark.parametrize(
    ("encoding", "content", "parts"),
    [
        ("utf-8", b"good\nb\xffd\n", ["standard input, line 2: not utf-8", "byte 0xff at offset 1", "--encoding"]),
        ("utf-16", b"\xff\xfea\0\n\0", ["cannot be read line by line in utf-16", "iconv -f utf-16"]),
        ("idna", b"good\n", ["--encoding is 'idna'; expected one such as utf-8 or gb18030"]),
        ("utf-88", b"good\n", ["--encoding is 'utf-88'; expected one such as utf-8 or gb18030"]),
    ],
)
def test_standard_input_that_is_not_in_the_encoding(cellwright, run, encoding, content, parts):
    ended = cellwright("predict", run, "--encoding", encoding, stdin=content)
    assert ended.status == 2
    assert ended.err.startswith("cellwright: ")
    assert ended.err.count("\n") == 1
    for part in parts:
        assert part in ended.err
