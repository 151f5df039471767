"""Our kernels under torch.nn's own classes, without a change of any model: `accelerate`.

torch.nn.LSTM, GRU and RNN end in one call each: `torch._VF.lstm(input, state, weights, …)`, `gru`, `rnn_tanh` or
`rnn_relu`. While `accelerate` is on these names are functions of this module. Each looks at what it is given, gives
what our kernels are for to them, and everything else to torch's function, exactly as it came. Nothing else of torch is
touched.

The other way to the same place is to register kernels for `aten::lstm` with torch.library. It would reach scripted
programs too, but costs 10 µs at every call, of the 25 to 70 that a small one takes, where this costs 2 to 7.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import Counter
from collections.abc import Sequence
from types import CodeType
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import dropout as drop

from cellwright.backends import bounds, dispatch
from cellwright.backends.bounds import Size
from cellwright.backends.call import Call, Result, in_full_precision
from cellwright.backends.custom_op import weights_of
from cellwright.backends.precision import autocast_to_bfloat16, decide
from cellwright.backends.surroundings import PLAIN, disturbed
from cellwright.backends.torch_native import TorchLayers
from cellwright.cells import CELLS
from cellwright.nn import precision, weights
from cellwright.packing import PackedLayout

# torch's functions by the cell they compute, and their names.
_NAMES = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh", "rnn-relu": "rnn_relu"}
_PROJECTIONS = {cell: len(CELLS[cell].projections) for cell in _NAMES}
_TYPES = (torch.float32, torch.float64, torch.bfloat16)
# Found once: a call may take as long as fifty such look-ups.
_tracing, _function_mode = torch._C._get_tracing_state, torch._C._is_torch_function_mode_enabled
_dynamo, _grad_enabled = torch.compiler.is_dynamo_compiling, torch.is_grad_enabled
_frames: Any = torch._C._dynamo.eval_frame  # of torch.compile; its Python side takes longer to import than torch
_set_frames = _frames.set_eval_frame


class Acceleration:
    """What `accelerate` has switched on, and what came by while it was.

    taken  calls that our kernels computed, by the cell
    left   calls that torch's own kernels computed, by the reason

    Calls are those of a layer, all of its stack and both directions together, in any thread of this process.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._lock = threading.Lock()
        _switch(self, on=True)

    @property
    def on(self) -> bool:
        """Whether it is on."""
        return self in _active

    def off(self) -> None:
        """Switch it off; where others are on, kernels go on for them."""
        _switch(self, on=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.off()

    @property
    def taken(self) -> dict[str, int]:
        """How many calls our kernels computed, by the cell."""
        with self._lock:
            return {cell: number for (cell, reason), number in self._counts.items() if reason is None}

    @property
    def left(self) -> dict[str, int]:
        """How many calls were left to torch's own kernels, by the reason."""
        found: Counter[str] = Counter()
        with self._lock:
            for (_, reason), number in self._counts.items():
                if reason is not None:
                    found[reason] += number
        return dict(found)

    def _count(self, cell: str, reason: str | None) -> None:
        """Count one call, taken where there is no reason to leave it."""
        with self._lock:
            self._counts[cell, reason] += 1

    def __str__(self) -> str:
        taken, left = self.taken, self.left
        cells = f" ({', '.join(f'{cell} {number}' for cell, number in taken.items())})" if taken else ""
        first = f"calls taken: {sum(taken.values())}{cells}; left to torch's own kernels: {sum(left.values())}"
        return "\n".join([first, *(f"{number:6}  {reason}" for reason, number in left.items())])


def accelerate() -> Acceleration:
    """Compute calls of torch.nn's LSTM, GRU and RNN by our kernels, in the whole process, until it is switched off.

    Models, modules and their weights stay what they are: torch.nn's. Subclasses, weight_norm, isinstance, state_dict,
    pickles, torch.export and torch.jit find what they found before. Calls that our kernels do not compute, or no sooner
    than torch's, go to torch's own; the value that is returned counts both, with reasons.

    Returns:
        What switches it off again: its `off()`, or the end of a `with` block.

    Examples:
        >>> layer = torch.nn.GRU(8, 16)
        >>> with accelerate() as kernels:
        ...     output, h = layer(torch.randn(100, 32, 8))
        ...     output, h = layer(torch.randn(1, 32, 8))
        >>> print(kernels)
        calls taken: 1 (gru 1); left to torch's own kernels: 1
             1  torch's own kernel of gru is as fast at this size, or was asked for

    """
    return Acceleration()


# --- the switch ----------------------------------------------------------------------------------------
_active: tuple[Acceleration, ...] = ()
_switching = threading.Lock()


def _switch(acceleration: Acceleration, *, on: bool) -> None:
    global _active
    with _switching:
        others = tuple(each for each in _active if each is not acceleration)
        if on and not _active:
            _install()
        _active = (*others, acceleration) if on else others
        if not _active:
            _remove()


def _install() -> None:
    for entry in _ENTRIES.values():
        there = getattr(torch._VF, entry.name)
        if there is not entry.theirs:
            warnings.warn(
                f"accelerate: torch._VF.{entry.name} has been replaced by {there!r}, which stays there; our kernels "
                "compute its calls only where it hands them on",
                stacklevel=4,
            )
            continue
        setattr(torch._VF, entry.name, entry.function)
        # torch.jit.script, which reads torch.nn's source, finds torch's operation under our function as well.
        torch.jit._builtins._register_builtin(entry.function, f"aten::{entry.name}")
        _leave_uncompiled(entry.function.__code__)


def _remove() -> None:
    for entry in _ENTRIES.values():
        # What somebody else has put there since stays.
        if vars(torch._VF).get(entry.name) is entry.function:
            delattr(torch._VF, entry.name)


def _leave_uncompiled(code: CodeType) -> None:
    """Have torch.compile run frames of `code` as they are, where it does not come to them from another frame."""
    if hasattr(_frames, "skip_code"):  # of older versions
        _frames.skip_code(code)
    else:
        skip, default = _frames._FrameAction.SKIP, _frames._FrameAction.DEFAULT
        _frames.set_code_exec_strategy(code, _frames._FrameExecStrategy(skip, default))


class _Entry(NamedTuple):
    """What stands in for one of torch's functions."""

    name: str
    theirs: Any
    function: Any


def _entry(cell: str, name: str) -> _Entry:
    theirs = getattr(torch._VF, name)

    def function(*given: Any, **named: Any) -> Any:
        # Where torch.compile goes into torch.nn's layers (`allow_rnn`) it is to find torch's operation in them. Where
        # it does not, it would compile this function by itself: `_install` has it skip that, and this what is called.
        if _dynamo() or not _active:
            return theirs(*given, **named)
        callback = _set_frames(None)
        try:
            found, reason = _computed(cell, given, named)
        finally:
            _set_frames(callback)
        for each in _active:
            each._count(cell, reason)
        return theirs(*given, **named) if found is None else found

    return _Entry(name, theirs, function)


_ENTRIES = {cell: _entry(cell, name) for cell, name in _NAMES.items()}


# --- a call --------------------------------------------------------------------------------------------
class _Asked(NamedTuple):
    """The arguments of torch's functions.

    x            (T, B, I), batch first (B, T, I), or packed rows (S, I)
    batch_sizes  (T,) of packed rows, else None
    state        one (L·D, B, ·) a state
    weights      of each layer's each direction, in torch.nn's order
    """

    x: Tensor
    batch_sizes: Tensor | None
    state: Sequence[Tensor]
    weights: list[Tensor]
    bias: bool
    layers: int
    dropout: float
    train: bool
    both: bool
    batch_first: bool

    @classmethod
    def of(cls, given: Sequence[Any]) -> _Asked:
        """Of the nine arguments of either form."""
        options: list[Any]
        if _is_packed(given):
            x, batch_sizes, hx, *options = *given, False  # rows of a PackedSequence come time first
        else:
            (x, hx, *options), batch_sizes = given, None
        return cls(x, batch_sizes, (hx,) if isinstance(hx, Tensor) else hx, *options)

    @property
    def directions(self) -> int:
        """D."""
        return 2 if self.both else 1

    @property
    def projects(self) -> bool:
        """Whether h has other units than the rest, as torch sees it."""
        return len(self.state) == 2 and self.state[0].shape[-1] != self.state[1].shape[-1]


def _is_packed(given: Sequence[Any]) -> bool:
    return type(given[3]) is not bool  # where it is, it says whether there are biases


Found = tuple[tuple[Tensor, ...] | None, str | None]


def _computed(cell: str, given: Sequence[Any], named: Any) -> Found:
    """Outputs and states as torch's function gives them, or None; and why our kernels were not for the call, or None.

    A small call gets no further than its size, and that soon: torch.nn takes 25 µs for the smallest.
    """
    if named or len(given) != 9:
        return None, "torch's function was not called as torch.nn's modules call it"
    if _tracing() is not None:
        return None, "the call is being traced by torch.jit"
    x = given[0]
    if type(x) not in PLAIN or not x.is_cpu:
        return None, f"the input is a {type(x).__name__} on {x.device}; kernels are for plain tensors on the CPU"
    size = _size(cell, given)
    if size is None:
        return None, _MISFITS
    if dispatch.gives_to_torch(cell, size, None, x.dtype):
        if size.steps == 1 and bounds.stepping_is_faster(cell):
            stepped = _stepped(cell, _Asked.of(given), size)
            return stepped, _SMALL[cell] if stepped is None else _ONE_STEP
        return None, _SMALL[cell]
    if dispatch.gives_to_torch(cell, _with_margin(size), None, x.dtype):
        return None, _SMALL[cell]
    asked = _Asked.of(given)
    reason = _obstacle(cell, asked, size)
    if reason is not None:
        return None, reason
    layout, calls = _calls(cell, asked, size)
    backend = dispatch.choose(calls[0])
    if backend.name != "compiled":
        return None, backend.reason
    return _run(asked, layout, calls), None


_SMALL = {cell: f"torch's own kernel of {cell} is as fast at this size, or was asked for" for cell in _NAMES}
_ONE_STEP = "one step is the work of torch's kernel of single steps, which is faster than that of its layers"
_MISFITS = "sizes do not fit together, which is for torch to say"


def _size(cell: str, given: Sequence[Any]) -> Size | None:
    """How large a call is; None where it has not the dimensions of one."""
    x, shape, packed = given[0], given[0].shape, _is_packed(given)
    flat = given[3] if packed else given[2]
    if len(shape) != (2 if packed else 3) or type(flat) is not list or not flat:
        return None
    # A state that alone wants a gradient is not looked for: it would move the bound of a rare call.
    trains = _grad_enabled() and (flat[0].requires_grad or any(t.requires_grad for t in (x, *flat)))
    hidden = flat[0].shape[0] // _PROJECTIONS[cell]
    if packed:
        return Size(given[1].shape[0], int(given[1][0]), shape[0], hidden, trains)
    steps, batch = (shape[1], shape[0]) if given[8] else shape[:2]
    return Size(steps, batch, steps * batch, hidden, trains)


def _with_margin(size: Size) -> Size:
    """A call of two thirds of the steps: at the bounds both take as long, and here torch.nn's Python is around ours."""
    steps = size.steps * 2 // 3
    whole = steps * size.batch
    return size._replace(steps=steps, rows=min(size.rows * 2 // 3, whole - 1) if size.ragged else whole)


def _stepped(cell: str, asked: _Asked, size: Size) -> tuple[Tensor, ...] | None:
    """One step by torch's kernel of single steps, which takes less time; None where that one is not for the call."""
    x, state, layers = asked.x, asked.state, asked.layers
    if asked.both or asked.batch_sizes is not None or not size.batch or disturbed() or _function_mode():
        return None
    if len(asked.weights) != layers * (4 if asked.bias else 2) or torch.is_autocast_enabled("cpu"):
        return None
    for s in state:
        if s.dtype != x.dtype or s.shape != (layers, size.batch, size.hidden) or type(s) not in PLAIN:
            return None
    for w in asked.weights:
        if w.dtype != x.dtype or type(w) not in PLAIN:
            return None
    kernels = TorchLayers(cell, layers, asked.bias, False, False, asked.dropout if asked.train else 0.0)
    output, end = kernels.padded(x, state, asked.weights, batch_first=asked.batch_first)
    return output, *end


def _obstacle(cell: str, asked: _Asked, size: Size) -> str | None:
    """Why the call is not one that our kernels compute as torch's do, or None."""
    if not asked.x.numel():
        return "there is no step to compute"
    if reason := disturbed():
        return reason
    tensors = (asked.x, *asked.state, *asked.weights)
    if _function_mode():
        return "a torch function mode is on, which is to see torch's own calls"
    if not PLAIN.issuperset(map(type, tensors)):
        return "a state or weight is a subclass of torch.Tensor"
    types = {t.dtype for t in tensors}
    lowered = autocast_to_bfloat16()
    if not lowered and (torch.is_autocast_enabled("cpu") or len(types) > 1):
        return "tensors are of several types, or autocast is on to float16"
    if not types.issubset(_TYPES):
        return f"kernels are for float32, float64 and bfloat16, and the input is {asked.x.dtype}"
    if cell == "lstm" and asked.batch_sizes is None and (lowered or torch.bfloat16 in types):
        return "a padded lstm in bfloat16 is oneDNN's, which is as fast"
    if not _fits(cell, asked, size):
        return _MISFITS
    return None


def _fits(cell: str, asked: _Asked, size: Size) -> bool:
    """Whether weights and states have the shapes that the input and the options ask for."""
    outputs = asked.state[0].shape[-1]
    first, later = _shapes(cell, asked.x.shape[-1], size.hidden, outputs if asked.projects else 0, asked.bias)
    d = asked.directions
    widths = (outputs, *[size.hidden] * (len(CELLS[cell].states) - 1))
    return [w.shape for w in asked.weights] == first * d + later[d] * (d * (asked.layers - 1)) and [
        s.shape for s in asked.state
    ] == [(asked.layers * d, size.batch, width) for width in widths]


@functools.cache
def _shapes(
    cell: str, inputs: int, hidden: int, projected: int, bias: bool
) -> tuple[list[tuple[int, ...]], dict[int, list[tuple[int, ...]]]]:
    """The parameters of a direction of the first layer, and of one of those above it where there are D directions."""

    def of(inputs: int) -> list[tuple[int, ...]]:
        return [*weights.shapes(CELLS[cell], inputs, hidden, bias, projected).values()]

    return of(inputs), {d: of(d * (projected or hidden)) for d in (1, 2)}


def _calls(cell: str, asked: _Asked, size: Size) -> tuple[PackedLayout, list[Call]]:
    """What is asked of each layer; all but the first still have the first one's rows."""
    definition, d = CELLS[cell], asked.directions
    sizes = asked.batch_sizes
    alive = (size.batch,) * size.steps if sizes is None else tuple(sizes.tolist())
    layout = PackedLayout(size.steps, size.batch, alive, asked.x.device, batch_first=asked.batch_first)
    rows = layout.flatten(asked.x) if sizes is None else asked.x
    arithmetic = decide(None, asked.weights[0].dtype).arithmetic
    each = len(asked.weights) // (asked.layers * d)
    starts = range(0, len(asked.weights), each)  # of each layer's each direction
    flat = [weights_of(definition, asked.weights[k : k + each]) for k in starts]
    return layout, [
        Call(
            definition,
            rows,
            alive,
            [s[k : k + d] for s in asked.state],
            flat[k : k + d],
            arithmetic=arithmetic,
        )
        for k in range(0, len(flat), d)
    ]


def _run(asked: _Asked, layout: PackedLayout, calls: Sequence[Call]) -> tuple[Tensor, ...]:
    rows, ends = calls[0].rows, []
    for k, call in enumerate(calls):
        if k and asked.dropout and asked.train:
            rows = drop(rows, asked.dropout)
        rows, end, _ = _layer(call if k == 0 else call.replaced([rows, *call.tensors[1:]]))
        ends.append(end)
    state = [torch.cat(parts) for parts in zip(*ends, strict=True)]
    first, packed = calls[0], asked.batch_sizes is not None
    rows, state = precision.leave_layer(
        first.cell,
        rows,
        state,
        first.state[0].dtype,
        packed=packed,
        projects=asked.projects,
    )
    return rows if packed else layout.unflatten(rows), *state


@in_full_precision
def _layer(call: Call) -> Result:
    return dispatch.layer_on(call, "compiled")
