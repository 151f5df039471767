"""The mistakes a user can make, each one sentence that says what, got, expected, fix.

    CellwrightError
    ├── InputError         a file, a text, an option: the command line ends with status 2 and this sentence
    ├── ProcessLost        one of the processes that train together is gone: status 3
    └── DefinitionError    a cell whose equations cannot be what it declares

Wrong shapes and types given to a layer raise what torch.nn raises: RuntimeError, ValueError, TypeError.
"""

import re

# torch has a class for the memory of a GPU alone.
_NO_MEMORY = re.compile("can't allocate memory|not enough memory|out of memory|size calculation overflowed")
_ASKED = re.compile(r"allocate (\d[\d.]* \w+)")


class CellwrightError(Exception):
    """Base of the errors that a user can mend."""


class InputError(CellwrightError):
    """A file, a text or an option is not what was expected; the message is one sentence for the user."""


class ProcessLost(CellwrightError):
    """Another of the processes that train together ended or cannot be reached; the message is one sentence."""


class DefinitionError(CellwrightError, ValueError):
    """A cell's definition contradicts itself; the message names the cell, the letter and the reason."""


def expected_of(message: str) -> str:
    """What pydantic says of a value, as it follows "expected": "Input should be a valid number" is "a valid number"."""
    return message.removeprefix("Input should be ").removeprefix("String should have ")


def no_memory(error: BaseException) -> str | None:
    """The sentence for an error that says that memory is out; None for one that says something else."""
    if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
        return None
    asked = _ASKED.search(str(error))
    return (
        f"not enough memory{f' for {asked[1]} at once' if asked else ''}; expected a model, a batch and a text "
        "that fit into this machine's: make the largest of them smaller"
    )
