"""All that training would see of what a task prepared: to compare ways of preparing it."""

from typing import Any

import torch

from cellwright.data.feed import Feed
from cellwright.tasks.task import Prepared


def everything_of(prepared: Prepared[Any, Any]) -> list[Any]:
    """The description, files and baseline of a run, what is said but for where arrays lie, and two epochs' batches."""
    config = prepared.run.model_dump(exclude={"options"})
    notes = [note for note in prepared.notes if "the data as arrays" not in note]
    fed = [feed and (feed.describe(), _batches(feed)) for feed in (prepared.train, prepared.validation)]
    return [config, prepared.files, prepared.baseline, notes, fed]


def _batches(feed: Feed) -> list[Any]:
    found = []
    for number in range(2):
        epoch = feed.epoch(number, 0, 1)
        found += [_plain(feed.collate([epoch.examples[row] for row in rows])) for rows in epoch.batches]
    return found


def _plain(batch: Any) -> Any:
    """Tensors as lists, which can be compared."""
    if isinstance(batch, torch.Tensor):
        return batch.tolist()
    return list(map(_plain, batch)) if isinstance(batch, tuple) else batch
