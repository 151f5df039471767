"""The options of the estimators: fields of dataclasses, since scikit-learn reads them off the signature of `__init__`.

Each is an option of `cellwright fit`, and its default is that of the task's own class of options.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.data.splits import SHARE
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.tag.config import TagConfig

NOWHERE: dict[str, Any] = {"data": "X", "out": Path()}
"""What every run has to be told, and an estimator knows better."""
SERIES, TEXTS, TAGS = SeriesConfig(**NOWHERE), ClassifyConfig(**NOWHERE), TagConfig(**NOWHERE)
"""The defaults."""
LISTS = frozenset({"feature_columns", "quantiles"})
"""Options that the command line has with commas between their items."""


def as_listed(name: str, value: Any) -> Any:
    """Return one of LISTS as the command line has it; an empty list as None. Raises ValueError."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} is {value!r}; expected a list, or a string with commas between its items")
    items = [str(each) for each in value]
    for each in items:
        if "," in each:
            raise ValueError(f"{name} has {each!r}; expected no comma in an item, since they stand between items")
    return ",".join(items) or None


@dataclass(kw_only=True, eq=False, repr=False)
class Training:
    """How a model of texts is trained; of series some defaults are others."""

    cell: str = TEXTS.cell
    hidden_size: int = TEXTS.hidden_size
    num_layers: int = TEXTS.num_layers
    dropout: float = TEXTS.dropout
    max_epochs: int | None = TEXTS.max_epochs
    max_minutes: float | None = TEXTS.max_minutes
    patience: int | None = TEXTS.patience
    batch_tokens: int | None = TEXTS.batch_tokens
    accumulate_grad_batches: int = TEXTS.accumulate_grad_batches
    learning_rate: float = TEXTS.learning_rate
    lr_schedule: str = TEXTS.lr_schedule
    weight_decay: float = TEXTS.weight_decay
    ema_decay: float = TEXTS.ema_decay
    clip_norm: float | None = TEXTS.clip_norm
    clip_value: float | None = TEXTS.clip_value
    threads: int | None = TEXTS.threads
    precision: str = TEXTS.precision
    validation_share: float = SHARE
    random_state: int | np.random.RandomState | None = None
    warm_start: bool = False
    verbose: bool = False


@dataclass(kw_only=True, eq=False, repr=False)
class OfSeries(Training):
    """The same of series, and what is done to their values in training."""

    max_epochs: int | None = SERIES.max_epochs
    patience: int | None = SERIES.patience
    batch_tokens: int | None = SERIES.batch_tokens
    lr_schedule: str = SERIES.lr_schedule
    ema_decay: float = SERIES.ema_decay
    noise: float = SERIES.noise
    input_dropout: float = SERIES.input_dropout
    recurrent_dropout: float = SERIES.recurrent_dropout


@dataclass(kw_only=True, eq=False, repr=False)
class OfWholeSeries(OfSeries):
    """The same where one thing is said of a whole series."""

    bidirectional: bool = SERIES.bidirectional
    pooling: str = SERIES.pooling


@dataclass(kw_only=True, eq=False, repr=False)
class OfPanels(OfSeries):
    """The same where series have columns of which some follow from others, and are read in windows."""

    series: str = SERIES.series
    time: str = SERIES.time
    static_covariates: str | int | Sequence[str | int] | None = SERIES.static_covariates
    quantiles: str | Sequence[float] = SERIES.quantiles
    window: int = SERIES.window


@dataclass(kw_only=True, eq=False, repr=False)
class OfForecasts(OfPanels):
    """The same where series go on."""

    targets: str | int | Sequence[str | int] | None = SERIES.targets
    future_covariates: str | int | Sequence[str | int] | None = SERIES.future_covariates
    horizon: int = SERIES.horizon
    likelihood: str = SERIES.likelihood
    scaling: str = SERIES.scaling
    season_length: int | None = SERIES.season_length


@dataclass(kw_only=True, eq=False, repr=False)
class OfSimulations(OfPanels):
    """The same where targets follow from the other columns."""

    cell_inputs: str | None = SERIES.cell_inputs
    parameter_ranges: str | None = SERIES.parameter_ranges
    warm_up: int = SERIES.warm_up


@dataclass(kw_only=True, eq=False, repr=False)
class OfTexts(Training):
    """The same of texts: how they become tokens, and how long ones are shortened."""

    bidirectional: bool = TEXTS.bidirectional
    pooling: str = TEXTS.pooling
    embedding_dim: int = TEXTS.embedding_dim
    embedding_dropout: float = TEXTS.embedding_dropout
    vectors: str | Path | None = TEXTS.vectors
    freeze_vectors: bool = TEXTS.freeze_vectors
    token_dropout: float = TEXTS.token_dropout
    bigram_buckets: int = TEXTS.bigram_buckets
    label_smoothing: float = TEXTS.label_smoothing
    class_weights: str | None = TEXTS.class_weights
    adversarial_epsilon: float = TEXTS.adversarial_epsilon
    tokenizer: str = TEXTS.tokenizer
    vocab_size: int = TEXTS.vocab_size
    min_frequency: int = TEXTS.min_frequency
    truncation: str | None = TEXTS.truncation
    max_length: int = TEXTS.max_length
    head_share: float = TEXTS.head_share
    overlap: int = TEXTS.overlap
    join: str = TEXTS.join
    samples: int = TEXTS.samples
    shuffle: bool = TEXTS.shuffle


@dataclass(kw_only=True, eq=False, repr=False)
class OfWords(Training):
    """The same of words in sentences, and where these and what else is said of each word stand in a DataFrame."""

    tokens: str | None = TAGS.tokens
    feature_columns: str | Sequence[str] | None = TAGS.feature_columns
    feature_dim: int = TAGS.feature_dim
    bidirectional: bool = TAGS.bidirectional
    embedding_dim: int = TAGS.embedding_dim
    embedding_dropout: float = TAGS.embedding_dropout
    vectors: str | Path | None = TAGS.vectors
    freeze_vectors: bool = TAGS.freeze_vectors
    char_embedding_dim: int = TAGS.char_embedding_dim
    token_dropout: float = TAGS.token_dropout
    vocab_size: int = TAGS.vocab_size
    min_frequency: int = TAGS.min_frequency
    spans: str = TAGS.spans
    crf: bool | None = TAGS.crf
