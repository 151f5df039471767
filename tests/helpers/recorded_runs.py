"""Runs that nobody trained: a tagger, a transducer, an autoencoder, a model of series; for tests of what they do."""

import torch

from cellwright.data.scaling import Scaling
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.data.words import Lexicon
from cellwright.models.architecture import AutoencoderConfig
from cellwright.models.autoencoder import Autoencoder
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_classifier import SeriesClassifier
from cellwright.models.tagger import Tagger
from cellwright.models.tagger_architecture import TaggerConfig
from cellwright.models.text_encoding import LongTextOptions
from cellwright.models.transducer import Transducer
from cellwright.models.transducer_architecture import TransducerConfig
from cellwright.tasks.autoencode.run import AutoencodeRun, AutoencodeRunConfig
from cellwright.tasks.autoencode.run import load as load_autoencoder
from cellwright.tasks.run import save_description, save_weights
from cellwright.tasks.series.objectives import load as load_series
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig
from cellwright.tasks.tag.run import LEXICON, TagRun, TagRunConfig
from cellwright.tasks.tag.run import load as load_tagger
from cellwright.tasks.texts import TOKENIZER
from cellwright.tasks.transduce.config import DecodingOptions
from cellwright.tasks.transduce.run import SOURCE, TARGET, Symbols, TransduceRun, TransduceRunConfig
from cellwright.tasks.transduce.run import load as load_transducer

TAGS = ["O", "B-city", "I-city"]


def tagger_run(folder, labels=("fly", "fare"), scheme="iob2", **options) -> TagRun:
    """Its weights are far from zero, and so are the scores of neighbouring tags."""
    torch.manual_seed(3)
    lexicon = Lexicon.train([["fly", "from", "new", "york", "to", "oslo"]], size=100, min_frequency=1)
    sizes = {"vocab_size": len(lexicon.vocabulary) + 2, "alphabet": len(lexicon.alphabet) + 2}
    small = {"embedding_dim": 5, "char_embedding_dim": 3, "hidden_size": 7}
    config = TaggerConfig(**sizes, tags=len(TAGS), classes=len(labels), **small | options)
    model = Tagger(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        if model.crf is not None:
            for parameter in model.crf.parameters():
                parameter.normal_()
    description = TagRunConfig(
        cellwright="0",
        tags=TAGS,
        labels=list(labels),
        scheme=scheme,
        model=config,
        fingerprint="",
        options={"data": "x"},
    )
    save_description(folder, description, {LEXICON: lexicon.to_json().encode()})
    save_weights(folder, model, {})
    return load_tagger(folder, description)


def transducer_run(folder, **options) -> TransduceRun:
    """Its weights are far from zero; it never ends an answer before the limit of four symbols or twice the source.

    Where it copies, a lower-case letter becomes the upper-case one.
    """
    torch.manual_seed(1)
    source, target = (Tokenizer.train([text], "characters", min_frequency=1) for text in ("cafe é", "KAFEY"))
    sizes = {"source_vocab_size": source.size, "target_vocab_size": target.size}
    config = TransducerConfig(**sizes, **{"embedding_dim": 5, "hidden_size": 6} | options)
    model = Transducer(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
        model.dense.bias[0] -= 30
    if model.copying is not None:
        upper = dict(zip(target.symbols(range(target.size)), range(target.size), strict=True))
        copies = [upper.get(symbol.upper(), UNKNOWN) for symbol in source.symbols(range(source.size))]
        model.copying.counterparts.copy_(torch.tensor(copies))
    symbols = Symbols(source="characters", target="characters", longest=4)
    description = TransduceRunConfig(
        cellwright="0",
        model=config,
        symbols=symbols,
        decoding=DecodingOptions(beam_size=2, n_best=2),
        fingerprint="",
        options={"data": "x"},
    )
    save_description(folder, description, {SOURCE: source.to_json().encode(), TARGET: target.to_json().encode()})
    save_weights(folder, model, {})
    return load_transducer(folder, description)


def autoencoder_run(folder, kind="characters", max_length=4, **options) -> AutoencodeRun:
    """Its weights are far from zero; a text comes back as another one, since nobody trained it."""
    torch.manual_seed(2)
    tokenizer = Tokenizer.train(["the cat sat on the mat", "the\ndog"], kind, min_frequency=1)
    config = AutoencoderConfig(
        vocab_size=tokenizer.size, **{"embedding_dim": 5, "hidden_size": 6, "code_dim": 3} | options
    )
    model = Autoencoder(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    long_text = LongTextOptions(truncation="windows", max_length=max_length)
    description = AutoencodeRunConfig(
        cellwright="0", model=config, long_text=long_text, fingerprint="", options={"data": "x"}
    )
    save_description(folder, description, {TOKENIZER: tokenizer.to_json().encode()})
    save_weights(folder, model, {})
    return load_autoencoder(folder, description)


def series_run(folder) -> SeriesRun:
    """Of two classes and two channels."""
    torch.manual_seed(4)
    config = SeriesModelConfig(hidden_size=4, channels=2, masked=False, classes=2)
    scaling = Scaling([10.0, 100.0], [0.5, 5.0])
    description = SeriesRunConfig(
        cellwright="0", labels=["fast", "slow"], channels=["wave", "noise"], scaling=scaling, model=config,
        fingerprint="", options={"data": "waves.csv"},
    )  # fmt: skip
    save_description(folder, description, {})
    save_weights(folder, SeriesClassifier(config), {})
    return load_series(folder, description)
