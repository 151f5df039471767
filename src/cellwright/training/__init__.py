"""Training, on Lightning's Trainer: `fit(FitConfig(data="reviews-zh", out="runs/first"))`."""

from typing import TYPE_CHECKING, Any

from cellwright.training.config import FitConfig

if TYPE_CHECKING:
    from cellwright.training.fit import FitResult, fit

__all__ = ["FitConfig", "FitResult", "fit"]


def __getattr__(name: str) -> Any:
    """Import Lightning when training is asked for: the command line lists its options without it."""
    if name in ("FitResult", "fit"):
        # Both at once: importing the module `fit` would else leave itself under the function's name.
        from cellwright.training.fit import FitResult, fit

        globals().update(FitResult=FitResult, fit=fit)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
