"""Word vectors as word2vec, GloVe, fastText and safetensors write them; each file is written here by hand."""

import gzip
import json
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from cellwright.data.vectors import read_vectors
from cellwright.errors import InputError

WORDS = {"the": [0.5, -1.25, 2.0], "boston": [0.125, 3.0, -0.5], "日本": [1.0, 1e-3, -7.5], "other": [9.0, 9.0, 9.0]}
WANTED = {"the", "boston", "日本", "missing"}


def lines(words):
    return "".join(f"{word} {' '.join(map(repr, numbers))}\n" for word, numbers in words.items())


def word2vec(words, end=b""):
    rows = [word.encode() + b" " + struct.pack("<3f", *numbers) + end for word, numbers in words.items()]
    return f"{len(words)} 3\n".encode() + b"".join(rows)


def assert_read(path, reads=str, alike=()):
    found = read_vectors(path, WANTED, reads)
    assert (found.size, found.of.keys(), found.alike) == (3, WANTED - {"missing"}, set(alike))
    for word, numbers in found.of.items():
        np.testing.assert_array_equal(numbers, np.array(WORDS[word], np.float32))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("word2vec.txt", f"4 3\n{lines(WORDS)}".encode()),
        ("glove.txt", lines(WORDS).encode()),
        ("fasttext.vec", f"4 3\n{lines(WORDS)}".replace("\n", " \n").replace("4 3 ", "4 3").encode()),  # it ends so
        ("dos.txt", lines(WORDS).replace("\n", "\r\n").encode()),
        ("words.bin", word2vec(WORDS)),
        ("original.bin", word2vec(WORDS, b"\n")),  # as the first word2vec ends each vector
        ("no-suffix", word2vec(WORDS)),
        ("glove.txt.gz", gzip.compress(lines(WORDS).encode(), mtime=0)),
        ("words.bin.gz", gzip.compress(word2vec(WORDS), mtime=0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_format(file, name, content):
    assert_read(file(name, content))


def test_safetensors_with_words_in_its_metadata(tmp_path):
    matrix = np.array([*WORDS.values()], np.float32)
    save_file({"vectors": matrix}, tmp_path / "words.safetensors", {"words": json.dumps([*WORDS])})
    assert_read(tmp_path / "words.safetensors")


def test_safetensors_with_a_tokenizer_beside(tmp_path):
    order = [2, 0, 3, 1]
    matrix = np.array([[*WORDS.values()][k] for k in order], np.float16)
    save_file({"embeddings": matrix, "bias": np.zeros(3)}, tmp_path / "model.safetensors")
    vocab = {[*WORDS][k]: row for row, k in enumerate(order)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocab}}), "utf-8")
    found = read_vectors(tmp_path / "model.safetensors", WANTED, str)
    np.testing.assert_array_equal(found.of["日本"], np.array(WORDS["日本"], np.float16).astype(np.float32))
    assert found.of.keys() == WANTED - {"missing"}


def test_a_word_of_glove_may_have_spaces(file):
    found = read_vectors(file("glove.txt", "the 4 5 6\n. . 1 2 3\n"), {". ."}, str)
    np.testing.assert_array_equal(found.of[". ."], [1, 2, 3])


def test_the_word_as_it_is_written_goes_before_one_alike_and_the_first_before_the_second(file):
    boston = "Boston 9 9 9\nBOSTON 8 8 8\nboston 0.125 3 -0.5\nboston 7 7 7\n"
    others = "The 0.5 -1.25 2\nTHE 6 6 6\n日本 1 1e-3 -7.5\n"
    assert_read(file("cased.txt", boston + others), str.lower, alike={"the"})


def test_words_that_are_not_wanted_are_not_kept(file):
    many = {f"word{k}": [float(k)] * 3 for k in range(5000)}
    found = read_vectors(file("many.vec", f"5000 3\n{lines(many)}"), {"word4999"}, str)
    assert [*found.of] == ["word4999"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.txt", b"", "the file is empty"),
        ("short.txt", b"the 1 2 3\nboston 1 2\n", "short.txt, line 2: a word and 2 numbers; expected 3"),
        ("header.txt", b"2 3\nthe 1 2 3\nboston 1 2\n", "line 3: a word and 2 numbers; expected 3"),
        (
            "word.txt",
            b"the 1 2 x\n",
            "line 1: could not convert string to float: b'x'; expected 3 numbers behind 'the'",
        ),
        ("nan.txt", b"the 1 2 nan\n", "line 1: the vector of 'the' has a number that is not finite"),
        ("blank.txt", b"the 1 2 3\n\nboston 1 2 3\n", "line 2: blank; expected a word and 3 numbers"),
        ("cut.vec", b"3 3\nthe 1 2 3\nboston 1 2 3\n", "line 3: the file ends after 2 vectors; expected 3"),
        ("long.vec", b"1 3\nthe 1 2 3\nboston 1 2 3\n", "line 3: the file ends after 2 vectors; expected 1"),
        ("zero.vec", b"3 0\nthe\n", "line 1: vectors of 0 numbers"),
        ("cut.bin", word2vec(WORDS)[:-5], "vector 4 of 4: the file ends within it; expected 3 numbers of float32"),
        ("cut2.bin", word2vec(WORDS)[: len(word2vec(WORDS)) - 16], "vector 4 of 4: the file ends here"),
        ("prose.txt", b"Hello.\n", "line 1: no word with numbers behind it; expected word2vec"),
        ("model.bin", (793712314).to_bytes(4, "little") + b"\0" * 99, "is a model of fastText, not vectors"),
        ("cut.gz", gzip.compress(lines(WORDS).encode(), mtime=0)[:-20], "the file cannot be read"),
        ("odd.safetensors", b"nothing", "cannot be read as safetensors"),
    ],
)
def test_a_malformed_file_is_one_sentence(file, name, content, told):
    with pytest.raises(InputError) as error:
        read_vectors(file(name, content), WANTED, str)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("tensors", "metadata", "told"),
    [
        ({"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}, {"words": '["x", "y"]'}, "2 matrices; expected one"),
        ({"a": np.zeros((2, 3))}, {"words": '["x"]'}, "2 vectors and 1 words; expected as many"),
        ({"a": np.zeros((2, 3))}, {"words": "x y"}, "its words cannot be read"),
        ({"a": np.zeros((2, 3))}, {"words": "[1, 2]"}, "its words are none; expected a JSON list of strings"),
        (
            {"a": np.zeros((2, 3))},
            {},
            "has no words; expected a JSON list of them in its metadata, 'words', or tokenizer",
        ),
    ],
)
def test_safetensors_without_a_word_for_each_row_is_refused(tmp_path, tensors, metadata, told):
    save_file(tensors, tmp_path / "v.safetensors", metadata)
    with pytest.raises(InputError, match=told):
        read_vectors(tmp_path / "v.safetensors", WANTED, str)


@pytest.mark.parametrize("content", [lines(WORDS).encode(), f"4 3\n{lines(WORDS)}".encode(), word2vec(WORDS)])
def test_a_byte_order_mark_is_no_part_of_the_first_word(file, content):
    assert_read(file("words", b"\xef\xbb\xbf" + content))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (word2vec(WORDS).replace(b"4 3", b"3 3", 1), "goes on after 3 vectors; expected no more"),
        (word2vec(WORDS).replace(b"4 3", b"4 9999999999", 1), "line 1: vectors of 9,999,999,999 numbers; expected no"),
        (
            gzip.compress(word2vec(WORDS).replace(b"4 3", b"4 9999999999", 1), mtime=0),
            "expected no more than the file has room",
        ),
        (b"the 1e39 1 2\n", "has a number that is not finite"),
    ],
)
def test_numbers_that_the_file_or_float32_cannot_hold_are_refused(file, content, told):
    with pytest.raises(InputError, match=told):
        read_vectors(file("words", content), WANTED, str)


def test_safetensors_of_bfloat16(tmp_path):
    matrix = torch.tensor([*WORDS.values()]).bfloat16()
    save_torch({"vectors": matrix}, tmp_path / "words.safetensors", {"words": json.dumps([*WORDS])})
    found = read_vectors(tmp_path / "words.safetensors", WANTED, str)
    np.testing.assert_array_equal(found.of["the"], np.array(WORDS["the"], np.float32))  # bfloat16 holds these


@pytest.mark.parametrize(
    ("width", "words", "told"),
    [(0, json.dumps([*WORDS]), "vectors of 0 numbers"), (3, "[" * 100_000, "its words cannot be read")],
)
def test_safetensors_without_numbers_or_words_is_refused(tmp_path, width, words, told):
    save_file({"vectors": np.zeros((4, width), np.float32)}, tmp_path / "words.safetensors", {"words": words})
    with pytest.raises(InputError, match=told):
        read_vectors(tmp_path / "words.safetensors", WANTED, str)
