"""Files of tagged sentences: one file a format, each `read(path, columns, encoding) -> Iterator[Sentences]`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from cellwright.data.arrays import MEMORY, Store
from cellwright.data.lists import lengths_of
from cellwright.data.readers import Format, columns, format_of, slashed, token_lists
from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.files import reading
from cellwright.data.readers.rows import built
from cellwright.data.readers.sentence_builder import SentenceBuilder, sentences_of
from cellwright.data.readers.several import files_of
from cellwright.data.sentences import Sentences
from cellwright.errors import InputError
from cellwright.stages import staged

FORMATS = {
    "columns": Format((".conll", ".bio", ".iob", ".iob2", ".iobes", ".col"), columns.read),
    "conllu": Format((".conllu", ".conllup"), columns.read_conllu),
    "jsonl": Format((".jsonl", ".ndjson"), token_lists.read),
    "parquet": Format((".parquet", ".pq"), token_lists.read_parquet),
    "slashed": Format((".pos",), slashed.read),
}


@staged(reading)
def read_tagged(
    path: str | Path,
    *,
    tokens: str | None = None,
    tags: str | None = None,
    label: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    built_in: Iterable[str] = (),
    features: Sequence[str] = (),
    store: Store = MEMORY,
) -> Sentences:
    """Read every sentence of a file, those without a token too.

    Args:
        path: the file, or what `several.files_of` takes for several.
        tokens: the column of the tokens: a number, a name or a key, as the format has it; None is the format's own.
        tags: the column of the tags, likewise.
        label: what is said of each whole sentence: a key, or the name in `# name = value`; None: nothing is asked.
        encoding: how the file's bytes spell characters.
        format: a name from FORMATS, where the suffix does not tell.
        built_in: names of sets that one may have meant where there is no such file.
        features: columns of what else is said of each token, as those of the tokens are given.
        store: where the sentences lie.

    Raises:
        InputError: the file, a line or a value is not as expected; names file and line, what was found.

    Many arguments: options of `fit --task tag`, by their names.
    """
    files = files_of(path, FORMATS, built_in, folder=False)
    columns = TokenColumns(tokens, tags, label, features=tuple(features))
    formats = {file: format_of(file, format, FORMATS) for file in files}
    made, store = built(
        files,
        store,
        "sentences",
        SentenceBuilder.kinds(columns),
        partial(SentenceBuilder, columns),
        lambda file: FORMATS[formats[file]].read(file, columns, encoding),
        [[formats[file] for file in files], asdict(columns), encoding],
    )
    sentences = sentences_of(made, files, str(path), store)
    if not lengths_of(sentences.tokens).any():
        raise _empty(path)
    return sentences


def tagged_pieces(
    path: str | Path, columns: TokenColumns, encoding: str, format: str | None = None
) -> Iterator[Sentences]:
    """Yield the same some sentences at a time; arguments and errors as above."""
    empty = True
    for file in files_of(path, FORMATS, folder=False):
        for some in FORMATS[format_of(file, format, FORMATS)].read(file, columns, encoding):
            empty = empty and not any(some.tokens)
            yield some
    if empty:
        raise _empty(path)


def _empty(path: str | Path) -> InputError:
    return InputError(f"{path}: no sentence holds a token; expected at least one")
