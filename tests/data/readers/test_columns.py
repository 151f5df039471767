import re

import pytest

from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.columns import read as read_columns
from cellwright.data.readers.files import PIECE
from cellwright.data.readers.tagged import read_tagged
from cellwright.data.sentences import Sentences
from cellwright.errors import InputError


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tokens_and_tags_of_a_conll_file(file, end):
    content = (
        "-DOCSTART- -X- -X- O\r\n\r\nEU NNP B-NP B-ORG\r\nrejects  VBZ\tB-VP O\r\n \r\n\r\n# NNP B-NP O\r\n"
        "-DOCSTART- -X- -X- O\r\nPeter NNP B-NP B-PER"
    )
    path = file("a.conll", content.replace("\r\n", end))
    tokens = [["EU", "rejects"], ["#"], ["Peter"]]
    assert read_tagged(path) == Sentences(tokens, [["B-ORG", "O"], ["O"], ["B-PER"]], None, [3, 7, 9], str(path))
    assert read_tagged(path, tags="2").tags == [["NNP", "VBZ"], ["NNP"], ["NNP"]]
    assert read_tagged(path, tokens="-1", tags="-3").tokens == [["B-ORG", "O"], ["O"], ["B-PER"]]


def test_a_document_line_of_one_column_does_not_set_the_width(file):
    assert read_tagged(file("a.bio", "-DOCSTART-\n\na\tO\n")).tokens == [["a"]]


def test_with_tabs_a_token_may_hold_spaces(file):
    assert read_tagged(file("a.col", "New York\tB-LOC\nis\tO\n")).tokens == [["New York", "is"]]


def test_comments_are_no_tokens_and_say_things_of_the_sentence_below(file):
    path = file(
        "a.iob", "# a remark of some words\n# intent = find flight\n# id=7\nfly O\n#now O\n\n# intent = stay\nb B-x\n"
    )
    read = read_tagged(path, label="intent")
    assert (read.tokens, read.labels) == ([["fly", "#now"], ["b"]], ["find flight", "stay"])
    with pytest.raises(InputError, match=re.escape(f"{path}, line 8: nothing says 'id' of the sentence that begins")):
        read_tagged(path, label="id")


@pytest.mark.parametrize("header", ["word pos ner\n", "\n# global.columns = word pos ner\n"])
def test_columns_by_the_names_of_a_header(file, header):
    path = file("a.conll", header + "EU NNP B-ORG\n\nb NN O\n")
    read = read_tagged(path, tokens="word", tags="pos")
    assert (read.tokens, read.tags) == ([["EU"], ["b"]], [["NNP"], ["NN"]])
    assert read_tagged(path, tokens="word", tags="-1").tags == [["B-ORG"], ["O"]]
    message = "no column 'lemma'; the columns are 'word', 'pos', 'ner': name yours with --tokens and --tags"
    with pytest.raises(InputError, match=message):
        read_tagged(path, tokens="word", tags="lemma")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_conllu_leaves_out_multiword_tokens_and_empty_nodes(file, end):
    rows = [("1-2", "vámonos", "_"), ("1", "vamos", "VERB"), ("2", "nos", "PRON"), ("2.1", "x", "X"), ("3", "#", "SYM")]
    lines = "\n".join("\t".join([number, form, form.lower(), tag, *"______"]) for number, form, tag in rows)
    path = file("a.conllu", f"# text = vámonos #\n{lines}\n\n".replace("\n", end))
    read = read_tagged(path)
    assert (read.tokens, read.tags, read.lines) == ([["vamos", "nos", "#"]], [["VERB", "PRON", "SYM"]], [3])
    assert read_tagged(path, tags="3").tags == [["vamos", "nos", "#"]]


def test_columns_of_conllu_have_the_names_of_its_specification(file):
    row = "1\tbooks\tbook\tNOUN\tNNS\tNumber=Plur\t0\troot\t_\t_"
    read = read_tagged(file("a.conllu", f"{row}\n"), tags="XPOS", tokens="LEMMA", features=("FEATS",))
    assert (read.tokens, read.tags, read.features) == ([["book"]], [["NNS"]], [[("Number=Plur",)]])
    plus = file("b.conllu", f"# global.columns = ID FORM STEM UPOS X F H D E M\n{row}\n")
    assert read_tagged(plus, tokens="STEM", tags="UPOS").tokens == [["book"]]
    with pytest.raises(InputError, match="no column 'POS'; the columns are 'ID', 'FORM', 'LEMMA', 'UPOS', 'XPOS'"):
        read_tagged(file("c.conllu", f"{row}\n"), tags="POS")


@pytest.mark.parametrize("asked", [{}, {"tags": "XPOS", "tokens": "FORM"}, {"tags": "5", "tokens": "2"}])
@pytest.mark.parametrize("header", ["ID FORM LEMMA UPOS XPOS", "ID\tFORM\tLEMMA\tUPOS", "# x\n\nID FORM"])
def test_a_line_of_the_names_of_conllu_is_no_word(file, header, asked):
    rows = "1\tNew York\tNew York\tPROPN\tNNP\n2\t#\t#\tSYM\tNN\n"
    read = read_tagged(file("a.conllu", f"{header}\n{rows}"), **asked)
    assert (read.tokens, read.tags) == ([["New York", "#"]], [["NNP", "NN"] if asked else ["PROPN", "SYM"]])


@pytest.mark.parametrize("sentences", [1, PIECE + 5])
def test_columns_are_named_once_wherever_they_are_named_again(file, sentences):
    named, rows = "# global.columns = ID FORM UPOS XPOS\n", "1\ta\tX\tY\n\n" * sentences
    again = named.replace("UPOS XPOS", "XPOS UPOS")
    path = file("a.conllup", named + rows + again + rows)
    with pytest.raises(
        InputError,
        match=rf"line {2 * sentences + 2}: the columns are 'ID', 'FORM', 'XPOS', 'UPOS', and 'ID', 'FORM', 'UPOS'",
    ):
        read_tagged(path, tags="UPOS")
    assert read_tagged(path, tags="3").tags == [["X"]] * 2 * sentences
    assert read_tagged(file("b.conllup", named + rows + named + rows), tags="UPOS").tags == [["X"]] * 2 * sentences
    with pytest.raises(InputError, match=rf"line {2 * sentences + 1}: the columns are .*; expected the same names in"):
        read_tagged(file("c.conllu", rows + named + rows), tags="UPOS")


def test_form_and_upos_are_found_by_their_names(file):
    """They were the second and the fourth column, whatever the file called these."""
    head = "# global.columns = ID UPOS FORM\n"
    read = read_tagged(file("a.conllup", f"{head}1\tX\ta\n"))
    assert (read.tokens, read.tags) == ([["a"]], [["X"]])
    assert read_tagged(file("b.conllup", "# global.columns =\n1\ta\t_\tX\n")).tags == [["X"]]
    with pytest.raises(InputError, match="no column 'UPOS'; the columns are 'ID', 'FORM', 'XPOS', 'LEMMA'"):
        read_tagged(file("c.conllup", "# global.columns = ID FORM XPOS LEMMA\n1\ta\tX\ta\n"))
    with pytest.raises(
        InputError, match="line 4: the columns are 'ID', 'FORM', 'UPOS', and 'ID', 'UPOS', 'FORM' before"
    ):
        read_tagged(file("d.conllup", f"{head}1\tX\ta\n\n# global.columns = ID FORM UPOS\n1\tb\tY\n"))


@pytest.mark.parametrize(
    ("content", "asked", "tokens", "names"),
    [
        ("tag\nthe\n", {}, ["tag", "the"], False),
        ("tag NN\nthe DT\n", {}, ["tag", "the"], False),
        ("NN tag\nDT the\n", {"tokens": "-1"}, ["tag", "the"], False),
        ("word tag\nthe DT\n", {}, ["the"], True),
        ("tag word\nDT the\n", {"tokens": "2"}, ["the"], True),
    ],
)
def test_a_first_word_that_is_called_as_the_tags_is_a_word_and_names_are_said(file, content, asked, tokens, names):
    """The word was taken for the name of a column, and nothing said so."""
    path = file("a.conll", content)
    columns = TokenColumns(asked.get("tokens"), "tag", tagged=False)
    (read,) = read_columns(path, columns, "utf-8")
    assert list(read.tokens) == [tokens]
    assert list(read.notes) == ([f"{path}, line 1: names the columns, and is no word"] if names else [])


@pytest.mark.parametrize(
    ("name", "content", "asked", "message"),
    [
        ("a.conllu", "1 a a X\n", {"tags": "XPOS"}, ", line 1: --tags is 'XPOS', the name of column 5, and"),
        ("a.conllu", "1 a a X\n", {"features": ("FEATS",)}, ", line 1: --feature-columns is 'FEATS', the name of"),
        ("a.conll", "word pos ner\na X\n", {"tags": "ner"}, ", line 2: --tags is 'ner', the name of column 3, and"),
        ("a.conll", "# global.columns = w p n\na X\n", {"tags": "n"}, ", line 2: --tags is 'n', the name of column 3"),
    ],
)
def test_a_name_beyond_the_columns_is_a_mistake_of_the_user(file, name, content, asked, message):
    path = file(name, content)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}{message}")):
        read_tagged(path, **asked)


@pytest.mark.parametrize(
    ("content", "asked", "message"),
    [
        ("a O\nb\n", {}, ", line 2: 1 column ('b'); expected 2, as on the first line of tokens; is its tag missing?"),
        ("a O\nb O O\n", {}, ", line 2: 3 columns ('b', 'O', 'O'); expected 2, as on the first line of tokens"),
        ("a\tO\nb\t\n", {}, ", line 2: the tag is missing ('b', ''); expected one a line"),
        ("a\tO\n\tO\n", {}, ", line 2: the token is missing ('', 'O'); expected one a line"),
        ("a\nb\n", {}, ", line 1: column 1 of 1 for both the tokens and the tags; expected two columns"),
        ("\na O\n", {"tags": "4"}, ", line 2: --tags is column 4, and there are 2; expected 1 to 2, or -1 to -2"),
        ("a O\n", {"tokens": "0"}, ", line 1: --tokens is column 0, and there are 2; expected 1 to 2"),
        ("\n\n# nothing\n", {}, ": no line of tokens; expected a token a line, with its tag in another column"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(file, content, asked, message):
    path = file("a.conll", content)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}{message}")):
        read_tagged(path, **asked)
