"""How the tags of a run write spans, and which of them are odd."""

from cellwright.data.lists import frequencies
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences
from cellwright.data.wording import counted, shortened
from cellwright.errors import InputError
from cellwright.evaluation.spans import Scheme, likely_scheme, odd_tags, scheme_of, writes_spans
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.tag.run import TagRunConfig


def scheme_for(config: TagConfig, train: Sentences) -> Scheme:
    """How tags write spans, found or as the options say. Raises InputError for a scheme that no tag is of."""
    if config.spans == "none":
        return "plain"
    tags = frequencies(train.tags)
    if config.spans == "auto":
        return scheme_of(tags)
    if not writes_spans(tags, config.spans):
        raise InputError(
            f"{train.source}: --spans is {config.spans}, and no tag of a training sentence is written so; the tags are "
            f"{listed(sorted(tags))}"
        )
    return config.spans


def odd_ones(train: Sentences, run: TagRunConfig) -> list[str]:
    """Name the tags that are none of the scheme of the others."""
    tags = frequencies(train.tags)
    likely = likely_scheme(tags) if run.scheme == "plain" else run.scheme
    odd = odd_tags(tags, likely)
    if not odd or run.options["spans"] == "none":
        return []
    places = [next(row for row, found in enumerate(train.tags) if tag in found) for tag in odd]
    lines = [f"{train.unit} {train.lines[row]}".lstrip() for row in places]
    named = [
        f"{tag!r} ({counted(odd[tag], 'word')}, the first in the sentence on {line})"
        for tag, line in zip(odd, lines, strict=True)
    ]
    read = "each scored by itself: --spans {} reads them as spans" if run.scheme == "plain" else "read as spans ({})"
    return [f"{train.source}: tags are {read.format(likely)}, but for those that are none of it: {shortened(named)}"]
