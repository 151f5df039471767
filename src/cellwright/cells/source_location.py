"""Where in a user's step something happens, for messages."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, TracebackType

_MODULES = ("definition", "derived", "expression", "language", "source_location", "trace")
_LANGUAGE = {f"cellwright.cells.{name}" for name in _MODULES}


def frame_of_the_step() -> FrameType:
    """The innermost frame that is not the language itself: the line of the step that is being traced."""
    frame: FrameType | None = sys._getframe(1)
    while frame and _is_language(frame):
        frame = frame.f_back
    assert frame is not None
    return frame


def place(frame: FrameType, line: int | None = None) -> str:
    """line 12 (`g = numpy.tanh(x.g)`); without the text where no source is at hand, as in a plain REPL."""
    return _written(frame.f_code, frame.f_lineno if line is None else line)


def place_of(traceback: TracebackType | None) -> str:
    """The place in the step at which an error arose."""
    found = ""
    while traceback:
        if not _is_language(traceback.tb_frame):
            found = place(traceback.tb_frame, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def place_of_definition(step: Callable[..., object]) -> str:
    """Where the step and its declaration begin."""
    assert isinstance(step, FunctionType)  # the first check of a definition
    code = step.__code__
    return _written(code, code.co_firstlineno)


def _written(code: CodeType, line: int) -> str:
    text = linecache.getline(code.co_filename, line).strip()
    return f"line {line} (`{text}`)" if text else f"line {line}"


def _is_language(frame: FrameType) -> bool:
    """Whether the frame is of the language, or of a library that handed the call on to it."""
    module = frame.f_globals.get("__name__") or ""
    return module in _LANGUAGE or module.partition(".")[0] in ("torch", "numpy")
