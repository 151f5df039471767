"""The batches of a run, for Lightning; each epoch's order is a pure function of the seed and the epoch."""

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from cellwright.data.feed import Epoch, Feed


class Share(NamedTuple):
    """What one process has of a batch."""

    batch: Any
    counts: bool = True
    """False: nothing of the batch falls to it, and this is another's."""


class Shares(Dataset[Share]):
    """The batches of an epoch, each made when it is asked for."""

    def __init__(self, epoch: Epoch, collate: Callable[[Sequence[Any]], Any]) -> None:
        self.epoch = epoch
        self.collate = collate

    def __getitem__(self, number: int) -> Share:
        batch = self.collate([self.epoch.examples[index] for index in self.epoch.batches[number]])
        return Share(batch, number not in self.epoch.idle)


class Rest(Sampler[int]):
    """What is left of an epoch when its first `done` batches were seen before the run was stopped."""

    def __init__(self, batches: int, done: int) -> None:
        self.batches = batches
        self.done = done

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.done, self.batches))

    def __len__(self) -> int:
        """All batches of the epoch, since Lightning counts on from the ones done."""
        return self.batches


class TrainingData(LightningDataModule):
    """Batches of the training and the validation split.

    The Trainer asks for a new loader each epoch (`reload_dataloaders_every_n_epochs=1`); `epoch` and `done` say
    where training stands, are kept by the checkpoints, and say after a resume where to go on.
    """

    def __init__(self, train: Feed, validation: Feed | None, workers: int) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.workers = workers
        self.epoch = 0
        self.done = 0

    def state_dict(self) -> dict[str, Any]:
        """The place in the data: epoch from 0, and its batches done."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.epoch, self.done = state_dict["epoch"], state_dict["done"]

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of this epoch that are still to do."""
        return self._loader(self.train, self.epoch, self.done)

    def val_dataloader(self) -> DataLoader[Any]:
        """All of the validation split, in the same order every time; not asked for where there is none."""
        assert self.validation is not None
        return self._loader(self.validation, 0, 0)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """As Lightning does, but on the CPU, where the batch is: it would look at each number of its lists."""
        return batch if device.type == "cpu" else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def _loader(self, feed: Feed, number: int, done: int) -> DataLoader[Any]:
        if self.trainer is None:
            raise RuntimeError("TrainingData: no Trainer yet; Trainer.fit asks for the loaders")
        epoch = feed.epoch(number, self.trainer.global_rank, self.trainer.world_size)
        return DataLoader(
            Shares(epoch, feed.collate),
            batch_size=None,  # a share is a batch already
            sampler=Rest(len(epoch.batches), done),
            collate_fn=_as_it_is,  # type: ignore[arg-type]  # which gets no list where there is no batch size
            num_workers=self.workers,
            worker_init_fn=_leave_signals,
        )


def _as_it_is(share: Share) -> Share:
    """Nothing is left to do; torch's own would look at each number."""
    return share


def _leave_signals(worker: int) -> None:
    """Let the training process alone answer Ctrl-C, which a terminal sends to its workers too, and be ended by it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
