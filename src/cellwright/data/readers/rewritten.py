"""A file of columns once more, with other tags: comments, ranges, lines between documents and all else as they stand.

# text = vámonos                 # text = vámonos
1-2  vámonos  _                  1-2  vámonos  _
1    vamos    VERB    becomes    1    vamos    AUX
2    nos      PRON               2    nos      PRON

Where the tags have a column of their own, lines that are no token's have a _ there, and the names of the columns end
with its name.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from cellwright.data.readers.columns import (
    BLANK,
    COMMENT,
    CONLLU,
    DOCUMENT,
    NAMING,
    NO_WORD,
    Block,
    TokenColumns,
    blocks,
    cut_line,
    parted,
    place_in,
    without_ranges,
)
from cellwright.data.readers.files import lines, opened
from cellwright.data.readers.values import index_of, listed
from cellwright.errors import InputError

REWRITTEN = ("columns", "conllu")
"""The formats of `tagged.FORMATS` that can be."""
OPTION = "--column tags=NAME"
"""By which `predict` is told the column."""
MARK = "\ufeff"
"""The byte order mark of a file, where it is in UTF-8."""
_EMPTY = "_"
_FIELD = re.compile(f"[^{BLANK}]+")
_NUMBERED = re.compile(r"(-?\d+)(?::(\S+))?")
"""A column by its number, and what one that is not there will be called."""


class Kind(Enum):
    """Of a line."""

    TOKEN = auto()
    OTHER_ROW = auto()
    """It has the columns of a token, and is none: a range, an empty node, a -DOCSTART-."""
    NAMES = auto()
    """It names the columns."""
    ELSE = auto()


@dataclass(frozen=True)
class Line:
    """One as it stands in its file."""

    text: str
    end: str
    """What ends it; nothing where the file does."""
    kind: Kind = Kind.ELSE

    @property
    def names(self) -> list[str]:
        """The names that one of that kind says."""
        said = COMMENT.match(self.text)
        return said[2].split() if said else parted(self.text)


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
    names: tuple[str, ...]
    """Of the columns when the tags are in them, perhaps of further ones; none where the file says none."""
    title: str | None
    """What is written behind the names that the file says, where they do not have that of the tags."""
    label: str | None
    """What comments call a label of the whole sentence."""
    end: str
    """What ends the lines of the file, to end those that are new."""

    @property
    def added(self) -> bool:
        """Whether it is not there yet."""
        return self.place == self.width

    @property
    def written(self) -> int:
        """Columns with the tags."""
        return self.width + self.added

    @property
    def alike(self) -> tuple[object, ...]:
        """What is the same of files that can stand in one."""
        return self.place, self.written, self.names[: self.written], self.tabs

    @property
    def drawn(self) -> str:
        """The columns with the tags in them, in words."""
        named = f", {listed(self.names[: self.written])}" if self.names else ""
        return (
            f"{self.written} columns with {'tabs' if self.tabs else 'spaces'} between them{named}, "
            f"the tags in column {self.place + 1}"
        )

    @property
    def note(self) -> str:
        """Where, in a sentence."""
        named = f" ({self.names[self.place]})" if self.place < len(self.names) else ""
        if self.added:
            return (
                f"{self.source}: the tags stand in a column of their own, behind the {self.width} that are there{named}"
            )
        return f"{self.source}: the tags take the place of column {self.place + 1} of {self.width}{named}"

    def put(self, line: str, tag: str) -> str:
        """Return a line of columns with this tag. Raises InputError for one that would be several columns."""
        if (("\t" in tag) if self.tabs else bool(re.search(f"[{BLANK}]", tag))) or not tag:
            raise InputError(
                f"{self.source}: the tag {tag!r} does not fit into a column, which {'a tab' if self.tabs else 'white'}"
                f"{'' if self.tabs else ' space'} ends; write CSV, TSV, JSONL or Parquet"
            )
        if self.added:
            return _longer(line, tag, tabs=self.tabs)
        if self.tabs:
            cells = line.split("\t")
            cells[self.place] = tag
            return "\t".join(cells)
        begin, end = [each.span() for each in _FIELD.finditer(line)][self.place]
        return line[:begin] + tag + line[end:]

    def beside(self, line: Line) -> str:
        """Return a line that is no token's as it stands beside those that are."""
        if self.added and line.kind is Kind.OTHER_ROW:
            return self.put(line.text, _EMPTY)
        if self.title is not None and line.kind is Kind.NAMES and len(line.names) == self.width:
            return _longer(line.text, self.title, tabs="\t" in line.text and not COMMENT.match(line.text))
        return line.text


@dataclass(frozen=True)
class AsWritten:
    """A sentence as it stands in its file, with what stands above it and the blank line below."""

    lines: list[Line]
    column: TagColumn
    head: str = ""
    """What its file begins with before the first line: a byte order mark, and names that the lines do not say."""

    @property
    def tokens(self) -> list[int]:
        """Which of the lines are those of its tokens; none in what stands below the last sentence."""
        return [index for index, line in enumerate(self.lines) if line.kind is Kind.TOKEN]

    def tagged(self, tags: Sequence[str] = (), label: str | None = None) -> str:
        """Return its text with a tag for each token, and the label in its comment. Raises InputError."""
        left = iter(tags)
        found = [
            self.column.put(line.text, next(left)) if line.kind is Kind.TOKEN else self.column.beside(line)
            for line in self.lines
        ]
        whole = [text + line.end for text, line in zip(found, self.lines, strict=True)]
        name = self.column.label
        if name is not None and label is not None:
            said = f"# {name} = {' '.join(label.split())}"
            there = [index for index, line in enumerate(found) if (of := COMMENT.match(line)) and of[1] == name]
            if there:
                whole[there[-1]] = said + self.lines[there[-1]].end
            else:
                first = self._first()
                whole.insert(first, said + (self.lines[first].end or self.column.end))
        return self.head + "".join(whole)

    def _first(self) -> int:
        """The first line of the sentence that is no comment: of a token, or of the range or the empty node above it."""
        first = self.tokens[0]
        for index in range(first - 1, -1, -1):
            line = self.lines[index].text
            if not line.strip(BLANK) or line.startswith(DOCUMENT):
                break
            if self.lines[index].kind is Kind.OTHER_ROW:
                first = index
        return first


def as_written(path: Path, columns: TokenColumns, encoding: str, format: str) -> Iterator[AsWritten]:
    """Yield every sentence of a file of columns, in their order, then what stands below the last, if anything.

    columns: of the tokens and the features as they are read, and that of the tags to write. Raises InputError.
    """
    conllu = format == "conllu"
    columns = columns.usual(conllu)
    kept, names, column, done = list[Line](), list(CONLLU) if conllu else [], None, 0

    def keeping() -> Iterator[str]:
        for line in lines(path, encoding, ends=True):
            text = line.removesuffix("\n").removesuffix("\r")
            kept.append(Line(text, line[len(text) :]))
            yield text

    told = without_ranges(keeping()) if conllu else keeping()
    for block in blocks(path, told, names, columns, also=columns.tags):
        head = ""
        if column is None:
            column = _column(path, columns, block, names, kept[0].end or "\n")
            told_above = not conllu or any(_names_columns(line.text) for line in kept)
            head = _mark(path, encoding) + ("" if told_above else _names_above(column))
        yield AsWritten(_told_apart(kept, block, done, column, conllu=conllu), column, head)
        done += len(kept)
        kept.clear()
    if kept and column is not None:
        yield AsWritten(_told_apart(kept, Block(), done, column, conllu=conllu), column)


def _told_apart(kept: Sequence[Line], block: Block, done: int, column: TagColumn, *, conllu: bool) -> list[Line]:
    """The lines of a sentence, each with its kind; done: those before them in the file."""
    tokens, heads = {number for number, _ in block.rows}, set(block.heads)

    def kind(number: int, text: str) -> Kind:
        if number in tokens:
            return Kind.TOKEN
        if number in heads or _names_columns(text):
            return Kind.NAMES
        document = text.startswith(DOCUMENT) and len(cut_line(text, column.tabs)) == column.width > 1
        return Kind.OTHER_ROW if document or (conllu and NO_WORD.match(text)) else Kind.ELSE

    return [replace(line, kind=kind(number, line.text)) for number, line in enumerate(kept, start=done + 1)]


def _names_columns(text: str) -> bool:
    said = COMMENT.match(text)
    return said is not None and said[1] == NAMING


def _mark(path: Path, encoding: str) -> str:
    """The byte order mark of a file that stays in UTF-8."""
    with opened(path) as file:
        marked = file.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8)
    return MARK if marked and codecs.lookup(encoding).name in ("utf-8", "utf-8-sig") else ""


def _names_above(column: TagColumn) -> str:
    """The line of CoNLL-U Plus that names the columns, where one is there that CoNLL-U has not."""
    return "" if column.title is None else f"# {NAMING} = {' '.join(column.names)}{column.end}"


def _column(path: Path, columns: TokenColumns, first: Block, names: list[str], end: str) -> TagColumn:
    """Where the tags go, by the first sentence. Raises InputError where that is said, and cannot be."""
    number, fields = first.rows[0]
    where, width = f"{path}, line {number}", len(fields)
    asked = [(str(columns.tokens), "--column tokens=NAME")]
    asked += [(each, "--column feature_columns=NAMES") for each in columns.features]
    read = {place_in(each, option, names, width, where) for each, option in asked}
    place, title = _place(str(columns.tags), names, width, read, where)
    if place in read:
        raise InputError(
            f"{where}: the tags would take the place of column {place + 1} of {width}, which is read; name another one "
            f"with {OPTION}: {_behind(names, width)} is one behind them"
        )
    named = tuple(names)
    if place == width:
        named, title = _named(title, names, width, where)
    return TagColumn(str(path), place, width, first.tabs, named, title, columns.label, end)


def _place(tags: str, names: list[str], width: int, read: set[int], where: str) -> tuple[int, str | None]:
    """The place of the tags, and the name that is given to one behind all others. Raises InputError."""
    numbered = None if tags in names else _NUMBERED.fullmatch(tags)
    if numbered is not None:
        number, title = int(numbered[1]), numbered[2]
        if number == width + 1 or (number == -1 and width - 1 in read):
            return width, title
        if 1 <= abs(number) <= width and title is None:
            return number - 1 if number > 0 else width + number, None
    elif tags not in names:
        known = f"the columns are {listed(names)}" if names else "no line names the columns"
        raise InputError(
            f"{where}: no column {tags!r} to put the tags in: {known}; give its number: {OPTION}, of which "
            f"{_behind(names, width)} is one behind them"
        )
    elif (place := index_of(tags, names, where, OPTION)) < width:
        return place, None
    else:
        tags = f"{place + 1} ({tags})"
    raise InputError(
        f"{where}: the tags go into column {tags}, and there are {width}; expected 1 to {width}, -1 to -{width} "
        f"counted from the end, or {_behind(names, width)} for one behind them: {OPTION}"
    )


def _behind(names: Sequence[str], width: int) -> str:
    """How a column behind those that are there is asked for: by a name, too, where those have names."""
    return f"{width + 1}:NAME" if len(names) == width else str(width + 1)


def _named(title: str | None, names: list[str], width: int, where: str) -> tuple[tuple[str, ...], str | None]:
    """The names of all columns with one behind those that are there, and what is to be written behind what names them.

    title: as it is given. Raises InputError where the column needs a name, or cannot have that.
    """
    there = names[width] if len(names) > width else None
    if title is not None and there not in (None, title):
        raise InputError(f"{where}: column {width + 1} has the name {there!r}, not {title!r}; give its number alone")
    if title is not None and not names:
        raise InputError(f"{where}: no line names the columns, so {title!r} can be none; give its number alone")
    if not names or there is not None:
        return tuple(names), None
    if len(names) < width:
        raise InputError(
            f"{where}: the columns are {listed(names)}, and there are {width}, so that one behind them can have no "
            f"name; name all of them, or take the place of one: {OPTION}"
        )
    if title is None or title in names:
        plus = ", in a file .conllup" if tuple(names) == CONLLU else ""
        raise InputError(
            f"{where}: the columns are {listed(names)}, and the tags stand behind them; expected a name that none of "
            f"them has: --column tags={_behind(names, width)}{plus}"
        )
    return (*names, title), title


def _longer(line: str, cell: str, *, tabs: bool) -> str:
    """A line with a cell behind the others."""
    return f"{line}\t{cell}" if tabs else f"{line.rstrip(BLANK)} {cell}"
