"""A classifier that begins from another run: its tokens, its embedding and the layer that reads."""

from pathlib import Path
from typing import Any

from cellwright.data import datasets
from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.classify.config import OWN, ClassifyConfig
from cellwright.tasks.config import FIRST
from cellwright.tasks.files import are_files, shared_cache
from cellwright.tasks.lm.config import LanguageConfig
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.run import load_run

EncoderRun = AutoencodeRun | LanguageRun
"""A sequence autoencoder, or a language model in both directions."""


def load_encoder(config: ClassifyConfig) -> EncoderRun | None:
    """The run that the classifier begins from, if one is given. Raises InputError where none can begin from it."""
    if config.begins_from is None:
        return None
    run = load_run(config.begins_from)
    if isinstance(run, AutoencodeRun):
        return run
    if not isinstance(run, LanguageRun):
        raise InputError(
            f"--encoder {config.encoder}: a run of task {run.config.task}; expected one of autoencode or lm: "
            "cellwright fit DATA --task lm --directions both --out RUN"
        )
    if config.truncation == "compress":
        raise InputError(
            f"--encoder {config.encoder}: a run of task lm, which learned no code; expected one of autoencode with "
            "--truncation compress"
        )
    shape = run.config.model
    if shape.directions != "both" or shape.num_layers != 1:
        raise InputError(
            f"--encoder {config.encoder}: a language model with --num-layers {shape.num_layers} --directions "
            f"{shape.directions}; expected one of --num-layers 1 --directions both"
        )
    return run


def language_of(config: ClassifyConfig) -> LanguageConfig | None:
    """The options of the language model that --pretrain asks for: what the two share is the classifier's."""
    if config.pretrain is None:
        return None
    own = config.pretrain == OWN
    data = config.data if own else config.pretrain
    return LanguageConfig(
        data=data,
        cache=_cache(config, data),
        train_split_only=own,
        out=config.out / FIRST,
        directions="both",
        max_epochs=config.pretrain_epochs,
        max_minutes=config.max_minutes and config.max_minutes / 2,
        **SHARES if config.pretrain not in datasets.names() else {},
        learning_rate=4e-3,  # of examples/recipes/classify-pretrained.sh
        held_out=sum(SplitOptions.of(config.model_dump()).shares().values()) if own else None,
        **config.model_dump(include=SHARED | (WRITTEN if own else set())),
    )


def _cache(config: ClassifyConfig, data: str) -> Path | None:
    """Where the arrays of its texts lie, as the classifier's do: beside the run, and not in it."""
    if config.cache is None:
        return shared_cache(LanguageConfig, data, (), config.out).get("cache")
    return config.cache if are_files(LanguageConfig, data) else None


SHARES: dict[str, Any] = {"validation_share": 0.1, "test_share": 0}
"""Of texts that are no built-in set, which has its own splits: of few of them one should fall to validation."""
SHARED = {
    "cell", "embedding_dim", "hidden_size", "tokenizer", "vocab_size", "min_frequency", "text", "encoding", "seed",
    "batch_tokens", "accumulate_grad_batches", "checkpoint_seconds", "num_workers", "threads", "precision", "overwrite",
}  # fmt: skip
"""Options of the classifier that are those of its language model too."""
WRITTEN = {"format", "separator", "header", "quoting"}
"""Those of its files, which its language model reads too where it learns from them."""


def adopted(config: ClassifyConfig, encoder: EncoderRun) -> ClassifyConfig:
    """The options with those that the encoder settles. Raises InputError for one that was given and differs."""
    settled = _settled(config, encoder)
    for name in sorted(config.model_fields_set & settled.keys()):
        if getattr(config, name) != settled[name]:
            raise InputError(
                f"{flag(name)} is {getattr(config, name)}, and --encoder {config.encoder} makes it "
                f"{settled[name]}; leave it out, or train another encoder"
            )
    return config.model_copy(update=settled)


def _settled(config: ClassifyConfig, encoder: EncoderRun) -> dict[str, Any]:
    shape, options = encoder.config.model, encoder.config.options
    settled: dict[str, Any] = {
        "cell": shape.cell,
        "embedding_dim": shape.embedding_dim,
        "hidden_size": shape.hidden_size,
    }
    if isinstance(encoder, LanguageRun) and encoder.config.model.tie_weights:
        settled["hidden_size"] = shape.embedding_dim
    settled |= {name: options[name] for name in ("tokenizer", "vocab_size", "min_frequency")}
    settled |= {"num_layers": 1, "bidirectional": True}
    # The code is learned of windows of that size, from tokens alone.
    if config.truncation == "compress" and isinstance(encoder, AutoencodeRun):
        settled |= {"pooling": "last", "bigram_buckets": 0, "max_length": encoder.config.long_text.max_length}
    return settled
