"""Which columns of a table are targets and which covariates, as the options name them, and whether they can be that."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from cellwright.data.readers.fill import filled
from cellwright.data.readers.series_options import Fill
from cellwright.data.readers.values import listed
from cellwright.data.series import Roles, SeriesTable, Values
from cellwright.data.wording import counted
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.process import columns_of, is_process, name_of


def arranged(table: SeriesTable, config: SeriesConfig) -> SeriesTable:
    """The table with its targets first, then past, future and static covariates, up to the last target of each series.

    Raises:
        InputError: a column that there is not, nothing to forecast, nothing to simulate from, or a static covariate
            that changes.

    """
    targets, future, static = config.named.values()
    if not (targets or future or static):
        return table
    for option, columns in config.named.items():
        for column in columns:
            if column not in table.channels:
                raise InputError(
                    f"{table.source}: {flag(option)} names {column!r}, which is no column of values; expected some of "
                    f"{listed(table.channels)}"
                )
    past = tuple(name for name in table.channels if name not in {*targets, *future, *static})
    if not targets:
        targets, past = past, ()
    if not targets:
        raise InputError(
            f"{table.source}: every column of values is a covariate ({listed(table.channels)}); expected one to "
            "forecast: name it with --targets"
        )
    simulated = config.objective == "simulate"
    if simulated and is_process(config.cell):
        past = columns_of(config, table, (*targets, *static))
    if simulated and not past:
        raise InputError(
            f"{table.source}: no column of values beside {listed((*targets, *static))}; expected one that changes, to "
            "simulate from"
        )
    roles = Roles(len(past), len(future), len(static), simulated)
    columns = (*targets, *past, *future, *static)
    unread = [name for name in table.channels if name not in columns]
    notes = (
        (f"{table.source}: columns that --cell {name_of(config)} does not read: {listed(unread)}",) if unread else ()
    )
    order = [table.channels.index(name) for name in columns]
    values = [each[:, order] for each in table.values]
    found = replace(table, values=values, channels=columns, roles=roles, notes=(*table.notes, *notes))
    return until_targets(completed(found, config.fill))


def completed(table: SeriesTable, fill: Fill | None) -> SeriesTable:
    """The table with the covariates that the steps around them tell; notes say so.

    A static one is put in all steps of its series, and others are filled as --fill says. Targets are not: a value that
    was made up would be learned and scored, and one in the future would begin the forecast too late.

    Raises InputError for a static covariate that changes.
    """
    values = [each.copy() for each in table.values]
    begin, notes = len(table.channels) - table.roles.static, []
    for channel in range(begin, len(table.channels)):
        spread = sum(_spread(table, row, channel, each) for row, each in enumerate(values))
        if spread:
            what = f"the static covariate {table.channels[channel]!r}"
            notes.append(f"{table.source}: {what} is in some steps of {spread:,} series, and taken for all of them")
    if table.roles.covariates and fill is not None:
        before = sum(int(np.isnan(each).sum()) for each in values)
        for each in values:
            each[:, table.targets : begin] = filled(each[:, table.targets : begin], fill)
        if gained := before - sum(int(np.isnan(each).sum()) for each in values):
            what = f"{counted(gained, 'missing value')} of covariates"
            verb = "is" if gained == 1 else "are"
            notes.append(f"{table.source}: {what} {verb} filled, as --fill {fill} says; those of targets are not")
    return replace(table, values=values, notes=(*table.notes, *notes))


def _spread(table: SeriesTable, row: int, channel: int, values: Values) -> bool:
    """Put the one number of a static covariate in all steps of a series, and say whether some had none."""
    absent = np.isnan(values[:, channel])
    found = np.unique(values[~absent, channel])
    if len(found) > 1:
        raise InputError(
            f"{table.where(row)}: the static covariate {table.channels[channel]!r} is {found[0]:g} and "
            f"{found[1]:g} in one series; expected one number in all of its steps, or a run without it in "
            "--static-covariates"
        )
    if not len(found) or not absent.any():
        return False
    values[:, channel] = found[0]
    return True


def check_covariates(train: SeriesTable) -> None:
    """Raise InputError for a covariate of which nothing is learned, or from which a target is copied."""
    _check_varied(train)
    _check_no_copy(train)


def _check_no_copy(train: SeriesTable) -> None:
    """Raise InputError for a covariate that is a target under another name, and known where that is to be found."""
    end = len(train.channels) - train.roles.static
    begin = train.targets if train.roles.simulated else end - train.roles.future
    steps = np.concatenate(train.values)
    for target in range(train.targets):
        for channel in range(begin, end):
            known = ~np.isnan(steps[:, [target, channel]]).any(1)
            if known.any() and (steps[known, target] == steps[known, channel]).all():
                raise InputError(
                    f"{train.source}: the covariate {train.channels[channel]!r} equals the target "
                    f"{train.channels[target]!r} at every step of the training split that has both; expected one that "
                    f"is known before the target is: --ignore {train.channels[channel]} leaves it out"
                )


def _check_varied(train: SeriesTable) -> None:
    """Raise InputError for a covariate that is the same everywhere in the training split: nothing is learned of it."""
    for channel in range(train.targets, len(train.channels)):
        steps = np.concatenate([values[:, channel] for values in train.values])
        known = np.unique(steps[~np.isnan(steps)])
        if len(known) < 2:
            is_static = channel >= len(train.channels) - train.roles.static
            found = f"is {known[0]:g} in every step" if len(known) else "is missing in every step"
            where = "every series" if is_static else "the training split"
            raise InputError(
                f"{train.source}: the covariate {train.channels[channel]!r} {found} of {where}; expected one that "
                f"varies: --ignore {train.channels[channel]} leaves it out"
            )


def until_targets(table: SeriesTable) -> SeriesTable:
    """Each series up to the last step of which a target is known, and those alone that have one; notes say so.

    Raises InputError where none has.
    """
    if not table.roles.covariates:
        return table
    found = table.until(table.ends, table.firsts)
    names, notes = listed(table.channels[: table.targets]), []
    if not len(found):
        raise InputError(f"{table.source}: no series has a value of {names}; expected some to learn from, or to score")
    if left := len(table) - len(found):
        notes.append(f"{table.source}: {left} series without a value of {names} left out")
    kept = [end for end in table.ends if end]
    further = sum(len(values) for values, end in zip(table.values, table.ends, strict=True) if end) - sum(kept)
    if further:
        what = f"{counted(further, 'step')} after the last value of {names}"
        notes.append(f"{table.source}: {what} left out: there is nothing to learn of them, or to score")
    return replace(found, notes=(*table.notes, *notes))


def described(channels: Sequence[str], roles: Roles) -> str:
    """What follows from which, for people.

    >>> described(["flow", "rain", "pet", "area"], Roles(1, 1, 1))
    "'flow' from its past, from the past of 'rain', from 'pet', known ahead, and from 'area' of each series"
    """
    begin = len(channels) - roles.covariates
    ends = np.cumsum([begin, roles.past, roles.future, roles.static]).tolist()
    targets = channels[:begin]
    past, future, static = (channels[a:b] for a, b in pairwise(ends))
    if roles.simulated:
        parts = [f"from {listed(past)} up to the same step"]
    else:
        parts = [f"from {'its' if begin == 1 else 'their'} past"]
        parts += [f"from the past of {listed(past)}"] if past else []
        parts += [f"from {listed(future)}, known ahead"] if future else []
    parts += [f"from {listed(static)} of each series"] if static else []
    last = f", and {parts[-1]}" if len(parts) > 2 else f" and {parts[-1]}" if len(parts) == 2 else ""
    return f"{listed(targets)} {', '.join(parts[:-1] if last else parts)}{last}"
