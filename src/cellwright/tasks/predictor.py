"""A trained run put to use: `Predictor.load("runs/first").predict(["很好用"])`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar


@dataclass(frozen=True)
class Prediction(ABC):
    """What a model says of one text; its fields are what JSON can hold."""

    @abstractmethod
    def line(self, text: str) -> str:
        """The prediction as one line for people, fields with tabs between them."""

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


Said = TypeVar("Said", bound=Prediction)


class Predictor(ABC, Generic[Said]):
    """A run that takes texts. It may be called from several threads at once."""

    reads: str = ""
    """How texts are read, in a sentence, where a user has to know."""
    echoes: bool = True
    """Whether JSON repeats the text; a series has its name."""
    notes: Sequence[str] = ()
    """Sentences on how files were read, once `texts_of` has read them."""

    @property
    def header(self) -> str | None:
        """Names of the fields of `Prediction.line`, to stand above the first; None where they speak for themselves."""
        return None

    @staticmethod
    def load(path: str | Path) -> "Predictor[Any]":
        """Predict with the run in the folder `path`; raises InputError where it cannot be read, as `load_run` does."""
        from cellwright import tasks
        from cellwright.tasks.run import load_run

        run = load_run(path)
        return tasks.get(run.config.task).predictor(run)

    def texts_of(self, arguments: Sequence[str], encoding: str) -> list[str]:
        """The texts that arguments of the command line stand for: themselves, or those of the files that they name."""
        return list(arguments)

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> list[Said]:
        """What the model says of each text, in their order."""

    def unknown(self, said: Said) -> Sequence[str]:
        """The symbols of a text that training never saw, in a task whose answer hangs on each; none in the others."""
        return ()

    def predict_lines(self, texts: Sequence[str], first: int) -> list[Said]:
        """The same of the lines of a stream from line `first` on, for tasks whose answers and errors name a line."""
        return self.predict(texts)
