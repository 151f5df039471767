"""The mistakes a user can make, each one sentence that says what, got, expected, fix.

    CellwrightError
    ├── InputError         a file, a text, an option: the command line ends with status 2 and this sentence
    ├── ProcessLost        one of the processes that train together is gone: status 3
    └── DefinitionError    a cell whose equations cannot be what it declares

Wrong shapes and types given to a layer raise what torch.nn raises: RuntimeError, ValueError, TypeError.
"""


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
