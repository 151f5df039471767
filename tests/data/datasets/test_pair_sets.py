"""The figures of the sets of pairs, which scores are compared by."""

import subprocess
import sys

import pytest

from cellwright.data import datasets
from cellwright.data.datasets.cipher import SYMBOLS, encrypt
from cellwright.data.datasets.dataset import package_path
from cellwright.data.datasets.vigenere import KEY_LENGTH
from cellwright.data.pairs import PAIRS

SIZES = {
    "g2p-en": (100_692, 12_776, 12_584),
    "pinyin": (37_618, 4_614, 4_879),
    "cipher": (8_851, 1_082, 1_072),
    "vigenere": (95_690, 12_301, 11_509),
}


@pytest.fixture(scope="module")
def sets():
    return {name: datasets.load(name, PAIRS) for name in SIZES}


def test_all_sets_of_pairs_are_here():
    assert set(datasets.names(PAIRS)) == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_no_source_in_two_splits(sets, name):
    splits = sets[name]
    assert tuple(map(len, splits.values())) == SIZES[name]
    sources = [source for split in splits.values() for source in split.sources]
    assert len(set(sources)) == len(sources)
    assert datasets.describe(name).name == name


def of(splits, source):
    return next(split.targets[split.sources.index(source)] for split in splits.values() if source in split.sources)


def test_pronunciations_of_a_word_stand_together(sets):
    assert of(sets["g2p-en"], "read") == ["R EH D", "R IY D"]
    assert not any("(" in source for split in sets["g2p-en"].values() for source in split.sources)
    phones = {phone for split in sets["g2p-en"].values() for ts in split.targets for t in ts for phone in t.split()}
    assert len(phones) == 39


def test_every_line_of_the_dictionary_is_kept(sets):
    path = package_path("pocketsphinx", "model/en-us/cmudict-en-us.dict", "g2p-en")
    pairs = sum(len(targets) for split in sets["g2p-en"].values() for targets in split.targets)
    assert pairs == len(path.read_text().splitlines()) == 134_860


def test_a_syllable_a_character(sets):
    assert of(sets["pinyin"], "一不小心") == ["yí bù xiǎo xīn"]
    for split in sets["pinyin"].values():
        assert all(len(s) == len(t.split()) for s, (t,) in zip(split.sources, split.targets, strict=True))


def test_the_shift_of_the_notes():
    assert encrypt("SECRET", "N") == "ERPDRF"
    assert encrypt("SECRET", "KEY") == "BI-AIQ"
    assert encrypt(SYMBOLS, "A") == SYMBOLS


def test_every_message_is_its_source_read_with_its_key(sets):
    for split in sets["cipher"].values():
        assert all(encrypt(t, "N") == s for s, (t,) in zip(split.sources, split.targets, strict=True))
        assert "ERPDRF" not in split.sources
    keys = {}
    for name, split in sets["vigenere"].items():
        for source, (target,) in zip(split.sources, split.targets, strict=True):
            key, written = source.split(":")
            assert len(key) == KEY_LENGTH
            assert encrypt(target, key) == written
            assert keys.setdefault(key, name) == name  # a key stands in one split


def test_the_packages_are_not_imported():
    code = "import sys; from cellwright.data import datasets; datasets.load('pinyin', 'pairs'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"pypinyin", "pocketsphinx", "torch", "pyarrow", "tokenizers"} & set(modules)
