"""Two Japanese vowels said by nine speakers, 12 coefficients of the sound a step, from the package sktime.

Kudo, Toyama and Shimbo (1999), Multidimensional curve classification using passing-through regions. 270 utterances
to train on, 30 of each speaker, and 370 to test. Every tenth of those to train on is the validation split.
"""

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.readers.series import read_series
from cellwright.data.series import SERIES, SeriesTable
from cellwright.data.splits import Splits


def _load() -> Splits[SeriesTable]:
    folder = package_path("sktime", "datasets/data/JapaneseVowels", DATASET.name)
    known, test = (read_series(folder / f"JapaneseVowels_{split}.ts") for split in ("TRAIN", "TEST"))
    # The file goes speaker by speaker: every tenth takes three of each.
    validation = range(9, len(known), 10)
    train = sorted(set(range(len(known))) - set(validation))
    return Splits({"train": known.take(train), "validation": known.take(validation), "test": test}, [])


DATASET = Dataset(
    name="vowels",
    content="640 utterances of nine speakers as numeric series of 12 channels, 7 to 29 steps",
    source="sktime (BSD-3-Clause), datasets/data/JapaneseVowels; the data are the UCI archive's (CC BY 4.0)",
    labels=tuple("123456789"),
    load=_load,
    holds=SERIES,
)
