"""Where a sequence may be cut: a function of the index, true where an item may begin a part."""

from collections.abc import Callable

MayCut = Callable[[int], bool]


def anywhere(index: int) -> bool:
    """Every item stands for itself."""
    return True


def last_cut(may_cut: MayCut, low: int, high: int) -> int:
    """Return the last place to cut after `low` and up to `high`; `low` where there is none."""
    return next((index for index in range(high, low, -1) if may_cut(index)), low)


def first_cut(may_cut: MayCut, low: int, high: int) -> int:
    """Return the first place to cut from `low` on and before `high`; `high` where there is none."""
    return next((index for index in range(low, high) if may_cut(index)), high)
