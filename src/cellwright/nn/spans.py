"""Where the windows of truncated back-propagation stand: the arithmetic of `nn.tbptt`, without tensors."""

from typing import NamedTuple


class Span(NamedTuple):
    """The steps [start, end) of a sequence that are a window; `new` and `ahead` as of `Window`."""

    start: int
    end: int
    new: int
    ahead: int


def spans(steps: int, stride: int) -> int:
    """How many windows so many steps have."""
    return -(-steps // stride)


def span(index: int, steps: int, window: int, stride: int) -> Span:
    """Where in so many steps a window stands; window and stride as of `windows`."""
    begin = index * stride  # the first step that is new
    end = min(begin + stride, steps)
    start = max(0, begin + stride - window)
    following = steps if end == steps else max(0, end + stride - window)
    return Span(start, end, end - begin, following - start)
