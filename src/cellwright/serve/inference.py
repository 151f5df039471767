"""The Open Inference Protocol, version 2, by which Kubernetes, KServe and Triton's clients ask a model.

    GET  /v2                   the server                    GET  /v2/health/live, /v2/health/ready
    GET  /v2/models/M          what it takes and gives       GET  /v2/models/M/ready
    POST /v2/models/M/infer    {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["A text."]}]}

https://github.com/kserve/open-inference-protocol. Binary data (Triton's extension binary_tensor_data) stands behind
the JSON, whose length the header Inference-Header-Content-Length tells: of BYTES four bytes of length before each, of
FP32 four bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from cellwright import __version__
from cellwright.serve.limits import Limits
from cellwright.serve.schemas import RefusedError, check_length

HEADER = "inference-header-content-length"
INPUT: dict[str, Any] = {"name": "text", "datatype": "BYTES", "shape": [-1]}
BYTES, FP32 = "BYTES", "FP32"


class ToInfer(BaseModel):
    """Texts as a tensor, and which tensors are wanted of their answers."""

    model_config = ConfigDict(
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [{"inputs": [{**INPUT, "shape": [1], "data": ["The room was clean."]}]}],
        },
    )

    id: str = ""
    """Comes back in the response."""
    parameters: dict[str, Any] = {}
    """`binary_data_output`: whether all outputs stand behind the JSON as bytes."""
    inputs: list[dict[str, Any]]
    """One tensor: name text, datatype BYTES, shape [n] or [n, 1], and its n texts as data."""
    outputs: list[dict[str, Any]] = []
    """The tensors that are wanted, by name; all where none is named."""


@dataclass(frozen=True)
class Output:
    """A tensor of the answers.

    read  what it holds of one answer as /predict gives it: a value, or a row of them where `columns` is not None
    """

    name: str
    datatype: str
    read: Callable[[Mapping[str, Any]], Any]
    columns: Sequence[str] | None = None

    def described(self) -> dict[str, Any]:
        """As the model's metadata have it; the columns' names are a parameter."""
        if self.columns is None:
            return {"name": self.name, "datatype": self.datatype, "shape": [-1]}
        names = {"parameters": {"labels": json.dumps(list(self.columns), ensure_ascii=False)}}
        return {"name": self.name, "datatype": self.datatype, "shape": [-1, len(self.columns)]} | names


ANSWER = Output("answer", BYTES, lambda answer: json.dumps(answer, ensure_ascii=False))
"""The whole answer as JSON, of a task whose answers are no tensors."""


def of_labels(labels: Sequence[str]) -> tuple[Output, ...]:
    """The tensors of a classifier's answers."""
    return (
        Output("label", BYTES, lambda answer: answer["label"]),
        Output("probabilities", FP32, lambda answer: [answer["probabilities"][each] for each in labels], labels),
    )


def server() -> dict[str, Any]:
    """What GET /v2 tells."""
    return {"name": "cellwright", "version": __version__, "extensions": ["binary_tensor_data"]}


def model(name: str, outputs: Sequence[Output]) -> dict[str, Any]:
    """What GET /v2/models/NAME tells."""
    described = [each.described() for each in outputs]
    return {"name": name, "versions": ["1"], "platform": "cellwright", "inputs": [INPUT], "outputs": described}


def texts_of(body: ToInfer, binary: bytes, limits: Limits) -> list[str]:
    """The texts of a request; raises RefusedError for another tensor, and for what is not within the limits."""
    if len(body.inputs) != 1 or body.inputs[0].get("name") != INPUT["name"]:
        raise RefusedError(422, f"the inputs are {[each.get('name') for each in body.inputs]}; expected one, 'text'")
    given = body.inputs[0]
    if given.get("datatype") != BYTES:
        raise RefusedError(422, f"the datatype of text is {given.get('datatype')!r}; expected {BYTES!r}")
    size = _parameters(given).get("binary_data_size")
    texts = _flat(given.get("data")) if size is None else _parted(binary, size)
    shape = given.get("shape")
    if shape not in ([len(texts)], [len(texts), 1]):
        raise RefusedError(422, f"the shape of text is {shape}; expected [n] or [n, 1] of its {len(texts)} texts")
    if not 1 <= len(texts) <= limits.max_batch:
        raise RefusedError(422, f"text has {len(texts):,} texts; expected 1 to {limits.max_batch:,}")
    for number, text in enumerate(texts):
        check_length(f"text[{number}]", text, limits.max_length)
    return texts


def _parameters(tensor: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tensor's parameters; raises RefusedError for what are none."""
    given = tensor.get("parameters") or {}
    if not isinstance(given, Mapping):
        raise RefusedError(422, f"the parameters of {tensor.get('name')} are {given!r}; expected an object")
    return given


def wanted(body: ToInfer, outputs: Sequence[Output]) -> list[tuple[Output, bool]]:
    """The tensors that are asked for, and whether as bytes; raises RefusedError for one that there is not."""
    everywhere = body.parameters.get("binary_data_output") is True
    if not body.outputs:
        return [(each, everywhere) for each in outputs]
    there = {each.name: each for each in outputs}
    found = []
    for each in body.outputs:
        name = each.get("name")
        if not isinstance(name, str) or name not in there:
            raise RefusedError(422, f"there is no output {name!r}; expected {' or '.join(map(repr, there))}")
        parameters = _parameters(each)
        if parameters.get("classification"):
            raise RefusedError(
                422, f"output {name!r} asks for classification; expected it without: probabilities has all"
            )
        found.append((there[name], parameters.get("binary_data", everywhere) is True))
    return found


def response(
    name: str, id: str, answers: Sequence[Mapping[str, Any]], asked: Sequence[tuple[Output, bool]]
) -> tuple[bytes, int | None]:
    """The body of a response, and how many of its bytes are JSON where data follow."""
    outputs, behind = [], b""
    for output, as_bytes in asked:
        values = [output.read(answer) for answer in answers]
        shape = [len(values)] if output.columns is None else [len(values), len(output.columns)]
        flat = values if output.columns is None else [each for row in values for each in row]
        told: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": shape}
        if as_bytes:
            packed = _packed(output.datatype, flat)
            behind += packed
            outputs.append(told | {"parameters": {"binary_data_size": len(packed)}})
        else:
            outputs.append(told | {"data": flat})
    head = {"model_name": name, "model_version": "1", **({"id": id} if id else {}), "outputs": outputs}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return text + behind, len(text) if any(as_bytes for _, as_bytes in asked) else None


def split(content: bytes, header: str | None) -> tuple[bytes, bytes]:
    """A body as its JSON and what stands behind it; raises RefusedError for a header that cannot be."""
    if header is None:
        return content, b""
    most = len(str(len(content)))  # digits
    if not header.isdecimal() or len(header) > most or int(header) > len(content):
        raise RefusedError(
            422,
            f"Inference-Header-Content-Length is {header[:20]}; expected the bytes of JSON, of {len(content):,} in the "
            "body",
        )
    return content[: int(header)], content[int(header) :]


def _flat(data: Any) -> list[str]:
    """Texts in a list, or in lists of one."""
    rows = data if isinstance(data, list) else [data]
    found = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in rows]
    if not all(isinstance(each, str) for each in found):
        odd = next(each for each in found if not isinstance(each, str))
        raise RefusedError(422, f"the data of text hold {type(odd).__name__}; expected a list of strings")
    return found


def _parted(binary: bytes, size: Any) -> list[str]:
    """Texts of UTF-8, each with its length before it in four bytes, the lowest first."""
    texts: list[str] = []
    place = 0
    if size != len(binary):
        raise RefusedError(422, f"binary_data_size is {size!r}; expected {len(binary)}, the bytes behind the JSON")
    while place < len(binary):
        end = place + 4
        length = struct.unpack("<I", binary[place:end])[0] if end <= len(binary) else len(binary)
        if end + length > len(binary):
            raise RefusedError(
                422, f"the bytes of text end within text {len(texts)}; expected 4 bytes of length and as many"
            )
        try:
            texts.append(binary[end : end + length].decode())
        except UnicodeDecodeError as error:
            raise RefusedError(422, f"text[{len(texts)}] is not UTF-8 ({error.reason} at byte {error.start})") from None
        place = end + length
    return texts


def _packed(datatype: str, values: Sequence[Any]) -> bytes:
    if datatype == FP32:
        return struct.pack(f"<{len(values)}f", *values)
    encoded = [each.encode() for each in values]
    return b"".join(struct.pack("<I", len(each)) + each for each in encoded)
