"""What clients send, and what is wrong with it in one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from cellwright.errors import expected_of
from cellwright.files import RepeatedKey, once_each
from cellwright.models.sampling import Sampling
from cellwright.serve.limits import Limits

Body = TypeVar("Body", bound=BaseModel)
JSON = "application/json"
SHOWN = 60  # characters of what was sent that a sentence repeats


class RefusedError(Exception):
    """A request that is not answered: its status, and one sentence that says what, got, expected."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ToPredict(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"text": "The room was clean."}, {"texts": ["The room was clean.", "Never."]}]},
    )

    text: str | None = None
    """A text; the response is its answer."""
    texts: list[str] | None = None
    """Several; the response is the list of their answers, in their order."""

    def all(self, limits: Limits) -> list[str]:
        """The texts; raises RefusedError for those that are not within the limits."""
        if (self.text is None) == (self.texts is None):
            got = "neither" if self.text is None else "both"
            raise RefusedError(422, f"the body has {got} of 'text' and 'texts'; expected one of the two")
        if self.texts is None:
            assert self.text is not None
            check_length("text", self.text, limits.max_length)
            return [self.text]
        if not 1 <= len(self.texts) <= limits.max_batch:
            raise RefusedError(422, f"texts has {len(self.texts):,} texts; expected 1 to {limits.max_batch:,}")
        for number, text in enumerate(self.texts):
            check_length(f"texts[{number}]", text, limits.max_length)
        return self.texts


class ToInspect(BaseModel):
    """A text whose gates are wanted."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"text": "The room was clean."}]},
    )

    text: str
    """A text of one token or more."""
    attributions: bool = True
    """Say what each token contributed; it takes longer than all the rest."""


class ToGenerate(Sampling):
    """A text to go on from, and how."""

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"prompt": "It was", "length": 20, "temperature": 0.7, "seed": 1}]}
    )

    prompt: str = ""
    """Begins a document; an empty one leaves the beginning to the model."""
    length: int = Field(100, ge=0)
    """Most tokens to write; fewer where the model ends the document."""

    def check(self, limits: Limits) -> None:
        """Raise RefusedError for what is not within the limits."""
        check_length("prompt", self.prompt, limits.max_length)
        if self.length > limits.max_generated:
            raise RefusedError(422, f"length is {self.length:,}; expected at most {limits.max_generated:,} tokens")


def check_length(name: str, text: str, most: int) -> None:
    """Raise RefusedError for a text of more than `most` characters."""
    if len(text) > most:
        raise RefusedError(422, f"{name} has {len(text):,} characters; expected at most {most:,}")


async def read(request: Request, kind: type[Body], limits: Limits) -> Body:
    """The body of a request. Raises RefusedError."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON:  # which a page of another site may not send: the browser asks first
        raise RefusedError(415, f"the content type is {media or 'missing'}; expected {JSON}")
    return parsed(await arrived(request, limits), kind)


async def arrived(request: Request, limits: Limits) -> bytes:
    """The bytes of a request. Raises RefusedError for those that are compressed, too many, or late."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise RefusedError(415, f"the body is compressed (Content-Encoding: {encoding}); expected it as it is")
    try:
        async with asyncio.timeout(limits.timeout):
            return await _content(request, limits.max_body)
    except TimeoutError:
        raise RefusedError(408, f"the request has not arrived within {limits.timeout:g} s") from None


def parsed(content: bytes, kind: type[Body]) -> Body:
    """A body of JSON. Raises RefusedError."""
    try:
        found = kind.model_validate_json(content)
    except ValidationError as error:
        raise RefusedError(422, _sentence(dict(error.errors(include_url=False)[0]), kind)) from None
    _check_keys(content)
    return found


def _check_keys(content: bytes) -> None:
    """Raise RefusedError for a key that stands twice in an object, of which pydantic takes the last value."""
    try:
        json.loads(content.decode(), object_pairs_hook=once_each, parse_int=str, parse_float=str)
    except RepeatedKey as error:
        raise RefusedError(422, f"the body: {error}") from None


async def _content(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    content = bytearray()
    if not (declared.isdecimal() and int(declared) > most):
        async for chunk in request.stream():
            content += chunk
            if len(content) > most:
                break
        else:
            return bytes(content)
    raise RefusedError(413, f"the body has more than {most:,} bytes; send fewer texts at a time")


def _sentence(error: dict[str, Any], kind: type[BaseModel]) -> str:
    place = _place(error["loc"])
    match error["type"]:
        case "json_invalid":
            reason = error["ctx"]["error"]
            hint = "; a text may not hold half of a surrogate pair" if "hex escape" in reason else ""
            return f"the body is not JSON: {reason}{hint}"
        case "missing":
            return f"the body has no {place!r}; expected {_fields(kind)}"
        case "extra_forbidden":
            return f"the body has {place!r}; expected {_fields(kind)}"
        case _:
            return f"{place or 'the body'} is {_shortened(error['input'])}; expected {expected_of(error['msg'])}"


def _place(path: Sequence[str | int]) -> str:
    """texts[3]."""
    return "".join(f"[{part}]" if isinstance(part, int) else part for part in path)


def _fields(kind: type[BaseModel]) -> str:
    return " or ".join(repr(name) for name in kind.model_fields)


def _shortened(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
