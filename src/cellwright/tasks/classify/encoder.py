"""A classifier that begins from a sequence autoencoder: its tokens, its embedding and its encoder."""

from typing import Any

from cellwright.errors import InputError
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.run import load_run


def load_encoder(config: ClassifyConfig) -> AutoencodeRun | None:
    """The run that the classifier begins from, if one is given. Raises InputError where it is of another task."""
    if config.encoder is None:
        return None
    run = load_run(config.encoder)
    if not isinstance(run, AutoencodeRun):
        raise InputError(
            f"--encoder {config.encoder}: a run of task {run.config.task}; expected one of autoencode: "
            "cellwright fit DATA --task autoencode --out RUN"
        )
    return run


def adopted(config: ClassifyConfig, encoder: AutoencodeRun) -> ClassifyConfig:
    """The options with those that the encoder settles. Raises InputError for one that was given and differs."""
    settled = _settled(config, encoder)
    for name in sorted(config.model_fields_set & settled.keys()):
        if getattr(config, name) != settled[name]:
            raise InputError(
                f"--{name.replace('_', '-')} is {getattr(config, name)}, and --encoder {config.encoder} makes it "
                f"{settled[name]}; leave it out, or train another encoder"
            )
    return config.model_copy(update=settled)


def _settled(config: ClassifyConfig, encoder: AutoencodeRun) -> dict[str, Any]:
    shape, options = encoder.config.model, encoder.config.options
    settled: dict[str, Any] = {name: getattr(shape, name) for name in ("cell", "embedding", "hidden")}
    settled |= {name: options[name] for name in ("tokenizer", "vocabulary", "minimum")}
    settled |= {"layers": 1, "bidirectional": True}
    if config.long == "compress":  # its code is learned of windows of that size, from tokens alone
        settled |= {"pooling": "last", "pairs": 0, "max_length": encoder.config.reading.max_length}
    return settled
