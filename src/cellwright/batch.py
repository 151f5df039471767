"""A run that answers batches of rows, in the workers of an engine: Ray Data, Spark, a pool of processes.

    from cellwright.batch import Predictor

    dataset.map_batches(Predictor, fn_constructor_args=["runs/reviews"], concurrency=4)             # Ray Data
    frame.mapInPandas(Predictor("runs/reviews").over, "text string, label string, probability double")     # Spark

The run is loaded once in each process, when its first batch comes; what goes to the workers is the path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.data.readers.records import Records
    from cellwright.tasks import predictor


class Predictor:
    """Gives a batch back with what a run says of each row in further columns.

    A batch is a dict of columns (lists or arrays), a pandas DataFrame or a pyarrow Table, and what comes back is of the
    same kind, its rows in their order. The columns are those of `predict --json`: of a classifier label, probability
    and probabilities. One that the batch has already stands as predicted_…, as in `predict --out`.

        predictor = Predictor("runs/reviews", fields=["label"])
        predictor({"id": [7], "text": ["The room was clean."]})["label"]

    Nothing is read before the first batch.

    Args:
        run: A folder that `fit` made, which every worker can read.
        column: What is answered, where it has another name than in training: texts; of a tagger lists of words too;
            of series their JSON, in a column "series" by default.
        fields: The columns to add. None is all.
        threads: Threads of the arithmetic in each process. None leaves them as the engine has set them.
        options: As of `cellwright.load`.

    """

    def __init__(
        self,
        run: str | Path,
        *,
        column: str | None = None,
        fields: Sequence[str] | None = None,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Take note of a run; nothing is read."""
        self.run = str(Path(run).absolute())  # workers have another working directory
        self.column = column
        self.fields = None if fields is None else list(fields)
        self.threads = threads
        self.options = dict(options or {})

    def __call__(self, batch: Any) -> Any:
        """Answer a batch of any number of rows.

        Raises:
            InputError: The run cannot be read, the batch lacks a column or has columns of several lengths, a cell
                holds no text, or `fields` names what the run does not say.
            TypeError: The batch is of another kind.

        """
        loaded = self._loaded()
        names = _names(batch)
        _check_even(batch)
        asked = self._asked(loaded, batch, names)
        answers = [each.as_json() for each in loaded.predict(asked)]
        said = list(answers[0]) if answers else _said_of_nothing(loaded)
        chosen = said if self.fields is None else self.fields
        for name in chosen:
            if name not in said:
                raise InputError(f"fields: {name!r} is nothing that {self.run} says; expected of {', '.join(said)}")
        return _with(batch, _beside(names, chosen, answers))

    def over(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Answer batch after batch, as Spark's `mapInPandas` and `mapInArrow` hand them to a function."""
        return map(self, batches)

    def _loaded(self) -> predictor.Predictor[Any]:
        from cellwright.tasks.run import MODEL

        weights = Path(self.run, MODEL)
        written = weights.stat().st_mtime_ns if weights.exists() else 0  # loading says what is missing
        return _load(self.run, written, self.threads, tuple(sorted(self.options.items())))

    def _asked(self, loaded: predictor.Predictor[Any], batch: Any, names: Sequence[str]) -> Sequence[Any]:
        """What each row asks. Raises InputError."""
        from cellwright.tasks.series.predictor import SeriesPredictor

        role = loaded.roles[0]
        if isinstance(loaded, SeriesPredictor):
            return _records(batch, names, [self.column or role]).texts(self.column or role)
        options = loaded.run.config.options | ({} if self.column is None else {role: self.column})
        # A tagger's run may leave open where its words are.
        main = options[role] or ("tokens" if "tokens" in names else "text")
        beside = [options.get("features"), *str(options.get("feature_columns") or "").split(",")]
        records = _records(batch, names, [main, *(name for name in beside if name in names and name != main)])
        return loaded.cells(records, loaded.settled(records, options)) if records.rows else []


@lru_cache(maxsize=4)
def _load(
    run: str, written: int, threads: int | None, options: tuple[tuple[str, Any], ...]
) -> predictor.Predictor[Any]:
    """The run, once a process: engines make a function anew for each task; written: when its weights were."""
    import torch

    from cellwright.runs import load

    if threads is not None:
        torch.set_num_threads(threads)
    return load(run, options=dict(options))


def _said_of_nothing(loaded: predictor.Predictor[Any]) -> list[str]:
    """The names of the fields, where there is no row; of series, which there are none without steps, none."""
    return list(loaded.predict([""])[0].as_json()) if loaded.takes_texts else []


def _beside(names: Sequence[str], fields: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of the answers, under the names that they have beside those of the batch."""
    from cellwright.tasks.predictor import name_beside

    return {name_beside(name, names, fields): [answer[name] for answer in answers] for name in fields}


def _names(batch: Any) -> list[str]:
    kind = _kind(batch)
    return [str(name) for name in (batch.column_names if kind == "pyarrow" else batch)]


def _check_even(batch: Any) -> None:
    """Raise InputError for a dict whose columns are not of one length; the other kinds cannot be so."""
    if _kind(batch) != "dict":
        return
    lengths = {name: len(column) for name, column in batch.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"batch: {', '.join(f'{name!r} has {count:,} rows' for name, count in lengths.items())}; expected as many "
            "in each column"
        )


def _records(batch: Any, names: Sequence[str], wanted: Sequence[str]) -> Records:
    """The rows, of which only the columns that are asked for are looked at.

    wanted: the first is what is answered. Raises InputError for a column that misses, and for a row without that.
    """
    from cellwright.data.readers.records import Records

    for name in wanted:
        if name not in names:
            raise InputError(
                f"batch: no column {name!r}; expected one of {', '.join(map(repr, names))}: name it by column=…"
            )
    columns = [_values(batch[name]) for name in wanted]
    for row, value in enumerate(columns[0], start=1):
        if value is None:  # as pandas' NaN: an empty text is ""
            raise InputError(
                f"batch, row {row}: column {wanted[0]!r} holds None; expected a value in every row: leave the row out, "
                "or fill it"
            )
    rows = [list(zip(wanted, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return Records(rows, range(1, len(rows) + 1), "batch", "row", ordered=False)


def _values(column: Any) -> list[Any]:
    """The cells as Python has them: of arrays, and of arrays in them, lists."""
    values = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    return [value.tolist() if hasattr(value, "tolist") else value for value in values]


def _with(batch: Any, columns: Mapping[str, list[Any]]) -> Any:
    """The batch with columns behind its own."""
    kind = _kind(batch)
    if kind == "pandas":
        return batch.assign(**columns)
    if kind == "dict":
        return {**batch, **columns}
    import pyarrow

    for name, values in columns.items():
        batch = batch.append_column(name, pyarrow.array(values))
    return batch


def _kind(batch: Any) -> str:
    """Which library's a batch is, told without loading any. Raises TypeError."""
    if isinstance(batch, Mapping):
        return "dict"
    kind = type(batch)
    library = kind.__module__.partition(".")[0]
    if (library, kind.__name__) in (("pandas", "DataFrame"), ("pyarrow", "Table")):
        return library
    raise TypeError(
        f"batch: a {kind.__module__}.{kind.__name__}; expected a dict of columns, a pandas DataFrame or a pyarrow Table"
    )
