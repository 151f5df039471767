"""The channels that --values and --ignore leave of formats without a table of columns: by name, or by number from 1."""

from collections.abc import Sequence
from dataclasses import replace

from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.options import flag


def picked(table: SeriesTable, options: SeriesOptions) -> SeriesTable:
    """The table with the channels that are read, in the order of --values where it names them.

    A file beside the one that was learned from, which names no channels or others, is returned whole: its channels go
    by their order, or are refused, where they are compared with those.

    Raises InputError for a channel that there is not, one that is both read and ignored, and where none is left.
    """
    if options.further and not {*options.values} <= {*table.channels}:
        return table
    ignored = [_place(name, table, "ignore") for name in options.ignore]
    ignored += [table.channels.index(name) for name in options.passed_over if name in table.channels]
    named = [_place(name, table, "values") for name in options.values]
    if twice := next((place for place in named if place in ignored), None):
        raise InputError(
            f"{table.source}: --values names channel {table.channels[twice]!r}, and --ignore leaves it out; expected "
            "one of the two"
        )
    kept = named if options.values else [place for place in range(len(table.channels)) if place not in ignored]
    if kept == [*range(len(table.channels))]:
        return table
    if not kept:
        raise InputError(
            f"{table.source}: --ignore leaves out {listed(table.channels)}, and there is no other channel; expected "
            "one to read"
        )
    passed = [name for k, name in enumerate(table.channels) if k not in (*kept, *ignored)]
    notes = [f"{table.source}: channels that are not read: {listed(passed)}"] if passed else []
    return replace(
        table,
        values=[values[:, kept] for values in table.values],
        channels=tuple(table.channels[place] for place in kept),
        notes=(*table.notes, *notes),
    )


def _place(name: str, table: SeriesTable, option: str) -> int:
    """Where a channel stands, from 0. Raises InputError where there is none of that name or number."""
    if name in table.channels:
        return table.channels.index(name)
    if name.isdecimal() and 1 <= int(name) <= len(table.channels):
        return int(name) - 1
    found: Sequence[str] = table.channels
    numbers = f"1 to {len(found)}" if len(found) > 1 else "1, the only one"
    expected = f"{listed(found)}, or their numbers from 1" if table.named else f"numbers, {numbers}, for it names none"
    raise InputError(f"{table.source}: {flag(option)} names channel {name!r}, which is not there; expected {expected}")
