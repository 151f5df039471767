"""Files of tagged sentences: one file a format, each `read(path, columns, encoding) -> Sentences`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cellwright.data.readers import Format, columns, format_of, slashed, token_lists
from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.files import reading
from cellwright.data.readers.places import Places
from cellwright.data.readers.several import files_of
from cellwright.data.sentences import Sentences, joined
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
    tagged: bool = True,
    features: Sequence[str] = (),
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
        tagged: whether to read tags; where not, each token stands for its own.
        features: columns of what else is said of each token, as those of the tokens are given.

    Raises:
        InputError: the file, a line or a value is not as expected; names file and line, what was found.

    Many arguments: options of `fit --task tag`, by their names.
    """
    files, columns = (
        files_of(path, FORMATS, built_in, folder=False),
        TokenColumns(tokens, tags, label, tagged, tuple(features)),
    )
    found = [FORMATS[format_of(file, format, FORMATS)].read(file, columns, encoding) for file in files]
    sentences = found[0] if len(found) == 1 else joined(found, str(path), Places(found))
    if not any(sentences.tokens):
        raise InputError(f"{path}: no sentence holds a token; expected at least one")
    return sentences
