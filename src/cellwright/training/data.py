"""The batches of a run, for Lightning; each epoch's order is a pure function of the seed and the epoch."""

from collections.abc import Callable, Iterator
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Sampler

from cellwright.data.batches import Batch, LengthBatches, PiecedExample, collate_pieces
from cellwright.training.config import FitConfig


class Rest(Sampler[list[int]]):
    """What is left of an epoch when its first `done` batches were seen before the run was stopped."""

    def __init__(self, batches: list[list[int]], done: int) -> None:
        self.batches = batches
        self.done = done

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches[self.done :])

    def __len__(self) -> int:
        """All batches of the epoch, since Lightning counts on from the ones done."""
        return len(self.batches)


class ClassificationData(LightningDataModule):
    """Training and validation texts as token numbers and classes; those to train on may differ from epoch to epoch.

    The Trainer asks for a new loader each epoch (`reload_dataloaders_every_n_epochs=1`); `epoch` and `done` say
    where training stands, are kept by the checkpoints, and say after a resume where to go on.
    """

    def __init__(
        self, train: Callable[[int], list[PiecedExample]], validation: list[PiecedExample], config: FitConfig
    ) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.config = config
        self.epoch = 0
        self.done = 0

    def state_dict(self) -> dict[str, Any]:
        """The place in the data: epoch from 0, and its batches done."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.epoch, self.done = state_dict["epoch"], state_dict["done"]

    def train_dataloader(self) -> DataLoader[Batch]:
        """The batches of this epoch that are still to do."""
        return self._loader(self.train(self.epoch), self.epoch, self.done)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation texts, in the same order every time."""
        return self._loader(self.validation, 0, 0)

    def _loader(self, examples: list[PiecedExample], epoch: int, done: int) -> DataLoader[Batch]:
        if self.trainer is None:
            raise RuntimeError("ClassificationData: no Trainer yet; Trainer.fit asks for the loaders")
        sampler = LengthBatches(
            [self.config.cost(pieces) for pieces, _ in examples],
            self.config.batch_tokens,
            seed=self.config.seed,
            rank=self.trainer.global_rank,
            world_size=self.trainer.world_size,
        )
        return DataLoader(
            examples,  # type: ignore[arg-type]  # a list is a map-style dataset to DataLoader
            batch_sampler=Rest(sampler.batches(epoch), done),
            collate_fn=collate_pieces,
            num_workers=self.config.workers,
        )
