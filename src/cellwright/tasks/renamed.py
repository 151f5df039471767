"""Names that options had in runs of before: such a run loads, goes on and is scored as ever."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

NAMES = {
    "activation_penalty": "activation_regularization",
    "adversarial": "adversarial_epsilon",
    "alpha": "length_penalty",
    "also_classify": "sentence_label",
    "averaging": "ema_decay",
    "beam": "beam_size",
    "best": "n_best",
    "change_penalty": "temporal_activation_regularization",
    "characters": "char_embedding_dim",
    "code": "code_dim",
    "embedding": "embedding_dim",
    "hidden": "hidden_size",
    "layers": "num_layers",
    "long": "truncation",
    "long_ratio": "head_share",
    "minimum": "min_frequency",
    "normal": "normal_label",
    "output": "likelihood",
    "pairs": "bigram_buckets",
    "reading": "long_text",
    "schedule": "lr_schedule",
    "search": "decoding",
    "season": "season_length",
    "source_vocabulary": "source_vocab_size",
    "target": "objective",
    "target_vocabulary": "target_vocab_size",
    "thaw_epochs": "unfreeze_epochs",
    "tied": "tie_weights",
    "train_side_only": "train_split_only",
    "vocabulary": "vocab_size",
    "window": "bptt",
    "word_dropout": "embedding_row_dropout",
    "workers": "num_workers",
}
"""Old name -> new."""


def renamed(content: Mapping[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """The fields of `kind` that a file holds, those within its own fields too, each by the name that it has now."""
    fields = kind.model_fields
    found: dict[str, Any] = {}
    for name, value in content.items():
        new = NAMES.get(name, name)
        now = new if name not in fields and new in fields else name
        inner = fields[now].annotation if now in fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, Mapping):
            value = renamed(value, inner)
        found[now] = value
    return found
