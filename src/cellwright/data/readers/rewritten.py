"""A file of columns once more, with other tags: comments, ranges, lines between documents and all else as they stand.

# text = vámonos                 # text = vámonos
1-2  vámonos  _                  1-2  vámonos  _
1    vamos    VERB    becomes    1    vamos    AUX
2    nos      PRON               2    nos      PRON
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellwright.data.readers.columns import (
    BLANK,
    COMMENT,
    CONLLU,
    Block,
    TokenColumns,
    blocks,
    place_in,
    usual_columns,
    without_ranges,
)
from cellwright.data.readers.files import lines
from cellwright.data.readers.values import NUMBER, listed
from cellwright.errors import InputError

REWRITTEN = ("columns", "conllu")
"""The formats of `tagged.FORMATS` that can be."""
OPTION = "--column tags=NAME"
"""By which `predict` is told the column."""
_FIELD = re.compile(f"[^{BLANK}]+")


@dataclass(frozen=True)
class TagColumn:
    """Where the tags go in a file."""

    source: str
    place: int
    """From 0."""
    width: int
    """Columns that are there: where it is the place too, the tags stand behind all of them."""
    tabs: bool
    """Whether columns are parted by tabs."""
    name: str | None
    """What the file calls the column, if anything."""
    label: str | None
    """What comments call a label of the whole sentence."""

    @property
    def note(self) -> str:
        """Where, in a sentence."""
        if self.place == self.width:
            return f"{self.source}: the tags stand in a column of their own, behind the {self.width} that are there"
        named = "" if self.name is None else f" ({self.name})"
        return f"{self.source}: the tags take the place of column {self.place + 1} of {self.width}{named}"

    def put(self, line: str, tag: str) -> str:
        """Return a line of a token with this tag. Raises InputError for one that would be several columns."""
        if (("\t" in tag) if self.tabs else bool(re.search(f"[{BLANK}]", tag))) or not tag:
            raise InputError(
                f"{self.source}: the tag {tag!r} does not fit into a column, which {'a tab' if self.tabs else 'white'}"
                f"{'' if self.tabs else ' space'} ends; write CSV, TSV, JSONL or Parquet"
            )
        if self.tabs:
            cells = line.split("\t")
            cells[self.place : self.place + 1] = [tag]
            return "\t".join(cells)
        if self.place == self.width:
            return f"{line.rstrip(BLANK)} {tag}"
        begin, end = [each.span() for each in _FIELD.finditer(line)][self.place]
        return line[:begin] + tag + line[end:]


@dataclass(frozen=True)
class AsWritten:
    """A sentence as it stands in its file, with what stands above it and the blank line below."""

    lines: list[str]
    tokens: list[int]
    """Which of the lines are those of its tokens; none in what stands below the last sentence."""
    column: TagColumn

    def tagged(self, tags: Sequence[str], label: str | None = None) -> list[str]:
        """Return the lines with a tag for each token, and the label in its comment. Raises InputError."""
        found = list(self.lines)
        for index, tag in zip(self.tokens, tags, strict=True):
            found[index] = self.column.put(found[index], tag)
        name = self.column.label
        if name is not None and label is not None:
            said = f"# {name} = {' '.join(label.split())}"
            there = [index for index, line in enumerate(found) if (of := COMMENT.match(line)) and of[1] == name]
            if there:
                found[there[-1]] = said
            else:
                found.insert(self.tokens[0], said)
        return found


def as_written(path: Path, columns: TokenColumns, encoding: str, format: str) -> Iterator[AsWritten]:
    """Yield every sentence of a file of columns, in their order, then what stands below the last, if anything.

    columns: of the tokens and the features as they are read, and that of the tags to write. Raises InputError.
    """
    conllu = format == "conllu"
    kept, names, column, done = list[str](), list(CONLLU) if conllu else [], None, 0

    def keeping() -> Iterator[str]:
        for line in lines(path, encoding):
            kept.append(line)
            yield line

    told = without_ranges(keeping()) if conllu else keeping()
    for block in blocks(path, told, names, columns):
        column = column or _column(path, columns, conllu, block, names)
        yield AsWritten(list(kept), [number - 1 - done for number, _ in block.rows], column)
        done += len(kept)
        kept.clear()
    if kept and column is not None:
        yield AsWritten(kept, [], column)


def _column(path: Path, columns: TokenColumns, conllu: bool, first: Block, names: list[str]) -> TagColumn:
    """Where the tags go, by the first sentence. Raises InputError where that is said, and cannot be."""
    (number, fields), tokens, tags = first.rows[0], *usual_columns(columns, conllu)
    where, width = f"{path}, line {number}", len(fields)
    read = {place_in(each, OPTION, names, width, where) for each in (tokens, *columns.features)}
    if NUMBER.fullmatch(tags) and int(tags) in (width + 1, -1) and (int(tags) > 0 or width - 1 in read):
        place = width
    elif not NUMBER.fullmatch(tags) and tags not in names:
        known = f"the columns are {listed(names)}" if names else "no line names the columns"
        raise InputError(f"{where}: no column {tags!r} to put the tags in: {known}; give its number: {OPTION}")
    else:
        place = place_in(tags, OPTION, names, width, where)
    if place in read:
        raise InputError(
            f"{where}: the tags would take the place of column {place + 1} of {width}, which is read; name another one "
            f"with {OPTION}: {width + 1} is one behind them"
        )
    name = names[place] if place < len(names) and place < width else None
    return TagColumn(str(path), place, width, first.tabs, name, columns.label)
