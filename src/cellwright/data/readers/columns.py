"""CoNLL-style columns: a token a line, its tag in another column, a blank line between sentences.

    # intent = flight
    fly     O
    to      O
    boston  B-city

Columns are parted by tabs where the first line of tokens holds one, else by spaces and tabs: other white space, such as
a no-break space or the wide one of Chinese, is part of a token, or one by itself. What is no line of tokens:
-DOCSTART- lines, which end a sentence as blank lines do, and comments, lines that begin with # and either say
`# name = value` or have another number of columns than the tokens (a hashtag may be a token). A comment
`# name = value` says something of the whole sentence below it; `# global.columns = …` names the columns of the file.

In CoNLL-U (https://universaldependencies.org/format.html) the lines of multiword tokens (1-2) and empty nodes (8.1)
are left out: their words stand on lines of their own. Its columns have names that no line of the file need say, and
`# global.columns = …` others (CoNLL-U Plus); where the first line says them, it is no word.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from cellwright.data.readers.files import in_pieces, lines
from cellwright.data.readers.values import NUMBER, index_of, listed, named_by, numbered
from cellwright.data.sentences import Features, Sentences
from cellwright.errors import InputError

COMMENT = re.compile(r"#\s*(\S+)\s*=\s*(.*)")
NO_WORD = re.compile(r"\d+[-.]\d+")
DOCUMENT = "-DOCSTART-"
NAMING = "global.columns"
OPTIONS = "--tokens and --tags"
FEATURES = "--feature-columns"
CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
BLANK = " \t\r\n"
"""What parts tokens."""
_BLANKS = re.compile(f"[{BLANK}]+")

Line = tuple[int, list[str]]  # its number, from 1, and its fields


@dataclass(frozen=True)
class TokenColumns:
    """Columns by number (from 1, or from −1 at the end) or by the name that a header line gives them."""

    tokens: str | None
    tags: str | None
    label: str | None = None
    """What `# label = value` says of each sentence; None: nothing is asked."""
    tagged: bool = True
    """Whether there are tags to read; where not, each token stands for its own."""
    features: tuple[str, ...] = ()
    """Columns of what else is said of each token."""

    def usual(self, conllu: bool) -> "TokenColumns":
        """Return them with the format's own where nobody names others: FORM and UPOS, or the first and the last."""
        tokens, tags = ("FORM", "UPOS") if conllu else ("1", "-1")
        return replace(self, tokens=self.tokens or tokens, tags=self.tags or tags)

    @property
    def named(self) -> set[str]:
        """The columns that are read and asked for by their names."""
        read = (self.tokens, self.tags if self.tagged else None, *self.features)
        return {column for column in read if column is not None and not NUMBER.fullmatch(column)}

    def are_names(self, fields: Sequence[str]) -> bool:
        """Whether a first line names the columns, where none is asked for by name.

        The name of the tags stands there, and elsewhere than the tokens do: it may be one of them.
        """
        if self.tagged or self.tags is None or NUMBER.fullmatch(self.tags) or self.tags not in fields:
            return False
        at = int(self.tokens or 1)
        return fields.index(self.tags) != (at - 1 if at > 0 else len(fields) + at)


@dataclass
class Block:
    """One sentence as its lines: the comments above it, and its fields."""

    comments: dict[str, str] = field(default_factory=dict)
    rows: list[Line] = field(default_factory=list)
    tabs: bool = False
    """Whether tabs part the fields."""
    heads: list[int] = field(default_factory=list)
    """The lines above it that name the columns and are no comments."""


def without_ranges(written: Iterable[str]) -> Iterator[str]:
    """Yield the lines of CoNLL-U, those of multiword tokens and empty nodes blanked: the numbers of the lines stay."""
    return ("#" if NO_WORD.match(line) else line for line in written)


def parted(text: str) -> list[str]:
    """Return what stands between spaces and tabs."""
    return _BLANKS.split(text.strip(BLANK)) if text.strip(BLANK) else []


def read(path: Path, columns: TokenColumns, encoding: str) -> Iterator[Sentences]:
    """Read the first column as tokens and the last as tags, unless others are asked for."""
    return _read(path, lines(path, encoding), columns, conllu=False)


def read_conllu(path: Path, columns: TokenColumns, encoding: str) -> Iterator[Sentences]:
    """Read FORM as tokens and UPOS as tags, unless others are asked for."""
    return _read(path, without_ranges(lines(path, encoding)), columns, conllu=True)


def _read(path: Path, written: Iterable[str], columns: TokenColumns, *, conllu: bool) -> Iterator[Sentences]:
    """Read a file's sentences, some at a time; of CoNLL-U the format names the columns, else a line does."""
    columns = columns.usual(conllu)
    tokens, tags = str(columns.tokens), str(columns.tags if columns.tagged else columns.tokens)
    asked = [(tokens, "--tokens"), (tags, "--tags"), *((column, FEATURES) for column in columns.features)]
    names, width, places = list(CONLLU) if conllu else [], 0, list[int]()
    for some in in_pieces(blocks(path, written, names, columns)):
        notes = list[str]()
        if not places:
            line, fields = some[0].rows[0]
            where, width = f"{path}, line {line}", len(fields)
            places = [place_in(column, option, names, width, where) for column, option in asked]
            if columns.tagged:
                _check_tags(places, width, where)
            if not columns.named:
                notes = [f"{path}, line {head}: names the columns, and is no word" for head in some[0].heads]
        yield replace(_sentences(path, columns, some, width, places), notes=notes)
    if not places:
        raise InputError(f"{path}: no line of tokens; expected a token a line, with its tag in another column")


def _check_tags(places: list[int], width: int, where: str) -> None:
    """Raise InputError where the column of the tags is another's too; places: of the tokens, the tags, the features."""
    if places[0] == places[1]:
        raise InputError(
            f"{where}: column {places[0] + 1} of {width} for both the tokens and the tags; expected two columns: name "
            f"yours with {named_by(OPTIONS)}"
        )
    if places[1] in places[2:]:
        raise InputError(
            f"{where}: column {places[1] + 1} of {width} is that of the tags, and {FEATURES} names it: what is to be "
            "learned would be told; leave it out"
        )


def _sentences(path: Path, columns: TokenColumns, blocks: list[Block], width: int, places: list[int]) -> Sentences:
    cells = [[_cells(path, row, width, places) for row in block.rows] for block in blocks]
    label = columns.label
    return Sentences(
        tokens=[[token for token, _, _ in sentence] for sentence in cells],
        tags=[[tag for _, tag, _ in sentence] for sentence in cells],
        labels=None if label is None else [_said(path, block, label) for block in blocks],
        lines=[block.rows[0][0] for block in blocks],
        source=str(path),
        features=[[features for _, _, features in sentence] for sentence in cells] if columns.features else None,
    )


def blocks(
    path: Path, written: Iterable[str], names: list[str], columns: TokenColumns, also: str | None = None
) -> Iterator[Block]:
    """Cut a file into sentences.

    names: of its columns. The first comment that names them above all rows replaces them, and where they are asked for
    and there are none, the first line does. Raises InputError where those asked for have another place later.
    also: one that is not read, and must not have another either.
    """
    block, settled, by_name = Block(), False, bool(columns.named)
    for number, fields, comment, tabs, head in _fields(written, names):
        if head:
            block.heads.append(number)
        elif comment is not None:
            block.comments.update([comment])
            if comment[0] == NAMING and (said := comment[1].split()):
                if settled and _places(names, {*columns.named, also}) != _places(said, {*columns.named, also}):
                    raise InputError(
                        f"{path}, line {number}: the columns are {listed(said)}, and {listed(names)} before; expected "
                        "the same names in all of a file: give the columns by number, or make it several files"
                    )
                names[:], settled = (names if settled else said), True
        elif not fields or fields[0] == DOCUMENT:
            if block.rows:
                yield block
                block = Block()
        elif not names and (by_name or (not settled and columns.are_names(fields))):
            names[:], settled = fields, True
            block.heads.append(number)
        else:
            settled, block.tabs = True, tabs
            block.rows.append((number, fields))
    if block.rows:
        yield block


def _places(names: Sequence[str], asked: Container[str | None]) -> list[tuple[int, str]]:
    return [(place, name) for place, name in enumerate(names) if name in asked]


class _Read(NamedTuple):
    """A line as it was read."""

    number: int
    fields: list[str]
    comment: tuple[str, str] | None
    """Name and value, where it is a comment that says something."""
    tabs: bool
    """Whether tabs part the fields of this file."""
    head: bool = False
    """Whether it says names that are known already."""


def _fields(written: Iterable[str], names: list[str]) -> Iterator[_Read]:
    """Yield of each line what was read of it.

    names: of the columns, as far as they are known then: the first line is passed by where it is the first of them.
    """
    tabs, width = False, 0
    for number, line in enumerate(written, start=1):
        said = COMMENT.match(line)
        if said:
            yield _Read(number, [], (said[1], said[2].strip()), tabs)
            continue
        if not width and line.strip(BLANK) and not line.startswith(("#", DOCUMENT)):
            if names and len(first := parted(line)) > 1 and first == names[: len(first)]:
                yield _Read(number, [], None, tabs, head=True)
                continue
            tabs = "\t" in line
            width = len(cut_line(line, tabs))
        fields = cut_line(line, tabs)
        if not line.startswith("#") or len(fields) == width:
            yield _Read(number, fields, None, tabs)


def cut_line(line: str, tabs: bool) -> list[str]:
    """Return the fields of a line, none of a blank one."""
    if not tabs or not line.strip(BLANK):
        return parted(line)
    return [part.strip(BLANK) for part in line.split("\t")]


def place_in(column: str, option: str, names: list[str], width: int, where: str) -> int:
    """Return the place of a column, from 0."""
    if not NUMBER.fullmatch(column):
        place = index_of(column, names, where, OPTIONS)
        if place >= width:
            raise InputError(
                f"{where}: {option} is {column!r}, the name of column {place + 1}, and there are {width}; expected one "
                f"of {listed(names[:width])}"
            )
        return place
    return numbered(column, width, f"{where}: {option} is column {column}")


def _cells(path: Path, row: Line, width: int, places: list[int]) -> tuple[str, str, Features]:
    number, fields = row
    if len(fields) != width:
        found = f"{len(fields)} column{'s' if len(fields) > 1 else ''} ({listed(fields)})"
        missing = "; is its tag missing?" if len(fields) < width else ""
        raise InputError(f"{path}, line {number}: {found}; expected {width}, as on the first line of tokens{missing}")
    token, tag, *features = (fields[place] for place in places)
    for kind, cell in (("token", token), ("tag", tag.strip()), *(("feature", each.strip()) for each in features)):
        if not cell:
            raise InputError(f"{path}, line {number}: the {kind} is missing ({listed(fields)}); expected one a line")
    return token, tag, tuple(features)


def _said(path: Path, block: Block, name: str) -> str:
    if not block.comments.get(name):
        raise InputError(
            f"{path}, line {block.rows[0][0]}: nothing says {name!r} of the sentence that begins here; expected a line "
            f'"# {name} = …" above it'
        )
    return block.comments[name]
