"""The recurrent layer of any cell."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo
from torch.nn.functional import dropout as drop
from torch.nn.utils.rnn import PackedSequence

from cellwright import cells
from cellwright.backends import dispatch
from cellwright.backends.call import Call
from cellwright.backends.dispatch import Backend
from cellwright.cells import Definition
from cellwright.nn import checks, direct, given, precision, ready, stack, symbolic, weights
from cellwright.nn.masks import rates
from cellwright.nn.pretrained import Pretrained
from cellwright.nn.stack import Stack
from cellwright.nn.states import State
from cellwright.nn.stream import Stream
from cellwright.packing import Layout, Lengths


class Recurrent(Stack, Pretrained):
    """Layers of a cell, stacked, in one direction or both: torch.nn.LSTM for any cell.

    T time, B batch, I input, H hidden, P projected (H without), L layers, D directions.

    Arguments, parameter names and shapes, initial values, call and errors are torch.nn.LSTM's; a state_dict goes both
    ways. The state is a tensor for a cell with one state, else a plain tuple in the order of the cell's letters.

    Args:
        cell: Its name, or a definition made with `cellwright.cell`.
        input_size: I, the features of a step.
        hidden_size: H, the units of a layer and direction.
        num_layers: L, the layers on top of each other.
        bias: Whether there are biases b and b', for cells that have them.
        batch_first: Whether input and output are (B, T, ·) rather than (T, B, ·).
        dropout: Share of each layer's outputs, but the last one's, that is zeroed in training.
        bidirectional: Whether each layer reads the sequence in both directions, D = 2.
        proj_size: P > 0 projects h to P numbers (Sak, Senior and Beaufays 2014); for cells that use h only through U h.
        device: Of the parameters.
        dtype: Of the parameters.
        recurrent_dropout: Share of the units of h that U does not see in training, the same units at all steps of a
            sequence (Gal and Ghahramani 2016).
        zoneout: Share of the units that keep their old value for a step in training, one number, or one a state as
            {"h": 0.05, "c": 0.5}; in evaluation old and new are mixed in that share (Krueger et al. 2017).
        forget_bias: What the two biases of the gate f add up to at the start; for cells that have f and biases.
        learn_initial_state: Whether the state before the first step is learned (`initial_h`, …, (L·D, H)) and not zero.
        state_batch_first: Whether states are (B, L·D, ·), coming and going, rather than (L·D, B, ·).
        checkpoint_every: Steps that the backward pass keeps at a time, each lot computed again when it comes to it: the
            same gradients in less memory and more time, as torch.utils.checkpoint gives. None keeps all steps. Programs
            of torch.compile keep nothing between the passes anyway, and compute each layer again as a whole.
        heads: Parts of the units, each of which sees only itself through U, as in xLSTM and block GRUs: `weight_hh` is
            (G·H, H / heads). A cell that normalises does so over all units. Kernels multiply the blocks that a register
            panel of U has to do with, and make its gradient of such blocks, in every precision; programs of
            torch.compile multiply the zeros too.
        rank: R > 0 makes U the product of two factors that are learned, `weight_hh` (G·H, R) and `weight_hq` (R, H). It
            has fewer parameters; kernels multiply what they make, which takes the time of a whole U. The two are
            multiplied once a call, on a CPU in float32 or better, whatever `matmul_precision` and torch's switch say.
        matmul_precision: How kernels multiply, float32 in any case where their sums are: a word of
            `cellwright.use_matmul_precision`. None is as that block, autocast or torch's own switch says.

    Raises:
        ValueError: A size or a share is out of its range, or the cell has not what an option asks for, or there is no
            such precision.
        InputError: There is no cell of that name.
        DefinitionError: The cell's step no longer says what it said when it was defined.

    Examples:
        >>> layer = Recurrent("peephole", 8, 16, num_layers=2, bidirectional=True)
        >>> output, (h, c) = layer(torch.randn(5, 3, 8), lengths=[5, 0, 3])
        >>> output.shape, h.shape
        (torch.Size([5, 3, 32]), torch.Size([4, 3, 16]))

    Within torch.autocast for the CPU it computes in float32, whatever comes in: sums over many steps lose too much in
    16 bits. To bfloat16, kernels multiply bfloat16 parts, and results have the types that torch.nn's have there; gates
    are float32. To float16 both are float32. Outside of it, it computes in the type of its weights, those of bfloat16
    with products of bfloat16 and all else in float32; docs/precision.md has all of it. torch.compile and
    torch.export see one node a layer, lengths included; a PackedSequence breaks off a compiled program and cannot be
    exported. A process that loads an exported program, or AOTInductor's package of one, imports `cellwright.nn` first.

    It is no torch.nn.LSTM to `isinstance`, on purpose. That class keeps a list of its weights beside its parameters,
    which is how a parametrised weight silently stops training (pytorch 65688); here weights are read by their names on
    every call, so parametrisations, functional_call and replaced parameters all count. Code that looks for
    torch.nn.LSTM in a model looks for `cellwright.Recurrent`, the base of all layers here, as well, or is given
    `cellwright.to_torch(model)`; docs/drop-in.md says what each tool does.
    """

    def __init__(
        self,
        cell: str | Definition,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        recurrent_dropout: float = 0.0,
        zoneout: float | Mapping[str, float] = 0.0,
        forget_bias: float | None = None,
        learn_initial_state: bool = False,
        state_batch_first: bool = False,
        checkpoint_every: int | None = None,
        heads: int = 1,
        rank: int = 0,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__()
        self.cell = cells.get(cell)
        who = type(self).__name__
        self.input_size = checks.whole(who, "input_size", input_size)
        self.hidden_size = checks.whole(who, "hidden_size", hidden_size)
        self.num_layers = checks.whole(who, "num_layers", num_layers)
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = checks.whole(who, "proj_size", proj_size, least=0)
        self.heads = checks.whole(who, "heads", heads)
        self.rank = checks.whole(who, "rank", rank, least=0)
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.forget_bias = forget_bias
        self.learn_initial_state = learn_initial_state
        self.state_batch_first = state_batch_first
        self.checkpoint_every = (
            None if checkpoint_every is None else checks.whole(who, "checkpoint_every", checkpoint_every)
        )
        self.matmul_precision = matmul_precision
        self._check(who)
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                f"{who}: dropout={dropout} acts between layers, and num_layers=1 has no between; "
                "stack layers, or drop the outputs yourself",
                stacklevel=2 if type(self) is Recurrent else 3,
            )
        self._names, self._flat = [], []
        self._start: dict[str, float] = {}  # the parameters that begin at one number
        self._register(device, dtype)
        self.reset_parameters()

    def _check(self, who: str) -> None:
        """Raise TypeError and ValueError for constructor arguments where torch.nn does, and for our own."""
        checks.dropout(who, self.dropout)
        for name in ("bias", "batch_first", "learn_initial_state", "state_batch_first"):
            checks.flag(who, name, getattr(self, name))
        checks.no_masks(who, self.cell)
        given.input_size(who, self.cell, self.input_size, self.hidden_size, self.num_layers, self.directions)
        checks.projection(who, self.cell, self.proj_size, self.hidden_size)
        checks.heads(who, self.cell, self.heads, self.hidden_size, self.proj_size)
        checks.rank(who, self.cell, self.rank, self.proj_size or self.hidden_size, self.heads)
        if self.forget_bias is not None:
            checks.forget_bias(who, self.cell, self.forget_bias, self.bias)

    @property
    def zoneout(self) -> dict[str, float]:
        """The zoneout of each state, empty for none; to be set as the constructor takes it."""
        return self._zoneout

    @zoneout.setter
    def zoneout(self, given: float | Mapping[str, float]) -> None:
        who = type(self).__name__
        found = rates(who, self.cell, given)
        checks.noise(who, self.recurrent_dropout, found, self.proj_size, self.hidden_size)
        self._zoneout = found

    # --- parameters -----------------------------------------------------------------------------------
    def _register(self, device: Any, dtype: Any) -> None:
        outputs = self.proj_size or self.hidden_size
        for k in range(self.num_layers):
            inputs = self.input_size if k == 0 else outputs * self.directions
            whole = weights.shapes(
                self.cell, inputs, self.hidden_size, self.bias and self.cell.bias, self.proj_size, self.heads
            )
            shapes = weights.of_rank(whole, self.rank)
            for suffix in ("", "_reverse")[: self.directions]:
                self._names.append({name: f"{name}_l{k}{suffix}" for name in shapes})
                for name, shape in shapes.items():
                    self._add(self._names[-1][name], shape, device, dtype)
                self._flat += self._names[-1].values()
                own = {self._names[-1][name]: float(name in self.cell.ones) for name in self.cell.parameters}
                self._start |= own
        if self.learn_initial_state:
            states = stack.state_shape(self)
            for letter, size in states.sizes.items():
                self._add(f"initial_{letter}", (states.stack, size), device, dtype)
                self._start[f"initial_{letter}"] = 0.0

    def _add(self, name: str, shape: tuple[int, ...], device: Any, dtype: Any) -> None:
        self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draw the initial weights anew: the numbers that torch.nn draws from the same seed."""
        weights.initialise(self, self.hidden_size, self._start)
        if self.rank:
            factors = [getattr(self, n[name]) for n in self._names for name in ("weight_hh", "weight_hq")]
            weights.scale_factors(self.hidden_size, self.rank, factors)
        if self.forget_bias is not None:
            biases = [(getattr(self, n["bias_ih"]), getattr(self, n["bias_hh"])) for n in self._names]
            weights.set_forget_bias(self.cell, self.hidden_size, biases, self.forget_bias)

    def flatten_parameters(self) -> None:
        """Do nothing: the weights need no copy in one piece. Here for code that calls it on torch.nn's layers."""

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        named = [f"{name}={value}" for name, usual in _USUAL.items() if (value := getattr(self, name)) != usual]
        cell = [self.cell.name] if type(self).__name__ == "Recurrent" else []
        return ", ".join([*cell, str(self.input_size), str(self.hidden_size), *named])

    # --- the call -------------------------------------------------------------------------------------
    def forward(
        self,
        input: given.Input,
        hx: State | None = None,
        *,
        lengths: Lengths | None = None,
        reset: Tensor | None = None,
        return_sequences: bool = True,
        return_gates: bool = False,
        inputs: given.Named | None = None,
        parameters: given.Named | None = None,
        return_outputs: bool = False,
    ) -> tuple[Any, ...]:
        """Run the layers over sequences.

        Many arguments: a call's input, and what may come with it.

        Args:
            input: (T, B, I), batch first (B, T, I), one sequence alone (T, I), or a PackedSequence. Of a cell without
                W also a mapping, of each of its inputs' names to (T, B), (T, B, 1) or (T, B, H), batch first likewise;
                as a tensor its features are the inputs, in their order.
            hx: The state before the first step, one (L·D, B, ·) a state, without B for one sequence alone;
                where None, the learned initial state, or zeros.
            lengths: (B,) whole numbers 0 … T, of any integer type, in any order, on any device, or a list. Steps beyond
                a length are never read; outputs there are zero. A tensor on a GPU is copied to the CPU, and waited for.
            reset: (T, B) bool, laid out as the input. reset[t] parts step t from step t − 1: nothing crosses, in either
                direction. The direction that comes to the cut goes on from the learned initial state, or zeros.
                It overrides hx at step 0 of the forward direction.
            return_sequences: False returns, in place of every output, the last one of each direction, that is of the
                forward one at the sequence's last step and of the reverse one at its first: (B, D·P).
                A sequence without steps gives its initial h.
            return_gates: Whether to return the gates as well.
            inputs: What the cell reads as it is beside what W multiplies, by name, likewise.
            parameters: The cell's parameters that come with a call, by name: one a sequence (B,), (B, 1) or (B, H), or
                one a step, shaped like inputs; the same in all layers and directions.
            return_outputs: Whether to return all of the cell's outputs, and not only the first.

        Returns:
            Output (T, B, D·P), batch first (B, T, D·P), one sequence alone (T, D·P), packed where the input was;
            state, shaped like hx, of each sequence after its own last step; in reverse, after its first;
            with return_gates, a tuple over layers and directions (forward, reverse, forward, …) of dicts that give each
            letter of the equations, states included, as (T, B, H), batch first (B, T, H), zero beyond each length.
            Those that kernels compute carry no gradient: see `explain`;
            with return_outputs, last, a dict that gives each output of the top layer's cell, by name, like the output.

        Raises:
            RuntimeError: A shape is wrong.
            ValueError: The number of dimensions is wrong, a dtype is not the weights', a length is out of range, or a
                name is none of the cell's.
            TypeError: The input is a nested tensor, or lengths or reset have a wrong type.

        """
        if reset is None and return_sequences and not (return_gates or return_outputs or inputs or parameters):
            short: tuple[Any, ...] | None = None
            if self._frozen is not None and lengths is None:
                short = ready.layers(self, input, hx)
            if short is None:
                short = direct.layers(self, input, hx, lengths)
            if short is not None:
                return short
        elsewhere = self._elsewhere(input)
        if elsewhere is not None:
            asked: dict[str, Any] = {"return_sequences": return_sequences, "return_gates": return_gates}
            asked |= {"return_outputs": return_outputs, "inputs": inputs, "parameters": parameters}
            return elsewhere(input, hx, lengths=lengths, reset=reset, **asked)
        if self._frozen is not None:
            self.check_frozen(input, hx, inputs, parameters)
        layout, calls = stack.calls(self, input, hx, lengths, reset, return_gates, inputs, parameters, return_outputs)
        outputs, state, gates = self._compute(layout, calls)
        first = self.cell.results[0]
        outputs[first], state = precision.leave_layer(
            self.cell,
            outputs[first],
            state,
            calls[0].state[0].dtype,
            packed=isinstance(input, PackedSequence),
            projects=self.proj_size > 0,
        )
        output = layout.leave(outputs[first]) if return_sequences else self._last(state, layout)
        further: list[Any] = [gates] if return_gates else []
        further += [{name: layout.leave(values) for name, values in outputs.items()}] if return_outputs else []
        return (output, stack.state_shape(self).leave(state, layout), *further)

    def _compute(
        self, layout: Layout, calls: Sequence[Call]
    ) -> tuple[dict[str, Tensor], list[Tensor], tuple[dict[str, Tensor], ...]]:
        """The outputs of the top layer by name, the states of all layers, and their gates."""
        outputs: dict[str, Tensor] = {}
        ends: list[tuple[Tensor, ...]] = []
        gates: list[dict[str, Tensor]] = []
        for call in calls:
            below = outputs.get(self.cell.results[0])
            if below is not None and self.dropout:
                below = drop(below, self.dropout, self.training)
            rows, end, letters = stack.compute(self, call if below is None else stack.above(call, below), layout)
            outputs = stack.results(call, rows)
            ends.append(end[: len(self.cell.states)])  # without the state that recurrent dropout adds
            gates += [{name: layout.pad(values) for name, values in one.items()} for one in letters]
        states = [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*ends, strict=True)]
        return outputs, states, tuple(gates)

    def stream(self, batch: int | None = None) -> Stream:
        """The layer over sequences that come a step or a chunk at a time, the state kept in between; see `nn.stream`.

        Args:
            batch: How many sequences side by side; None for one alone, without a batch dimension.

        Returns:
            A stream before its first step.

        Raises:
            ValueError: The layer is bidirectional: its reverse direction begins at a last step that is yet to come.

        """
        return Stream(self, batch)

    def initial_state(self, batch: int | None = None) -> State:
        """What a call without hx begins from, learned or zeros.

        Args:
            batch: How many sequences; None is one alone, without a batch dimension.

        Returns:
            The state, shaped like the hx of a call.

        """
        return stack.initial_state(self, batch)

    def explain(
        self,
        input: given.Input,
        hx: State | None = None,
        *,
        lengths: Lengths | None = None,
        reset: Tensor | None = None,
        return_sequences: bool = True,
        return_gates: bool = False,
        inputs: given.Named | None = None,
        parameters: given.Named | None = None,
        return_outputs: bool = False,
    ) -> Backend:
        """What would compute a call with these arguments, and why; nothing is computed.

        It is the same for all layers of the stack: they differ in nothing that the choice looks at. Many arguments:
        those of the call, and its errors.

        Returns:
            A value of two fields: `name` is compiled, torch or reference, `reason` a sentence; printed it is both.

        Examples:
            >>> print(Recurrent("peephole", 8, 16).explain(torch.randn(50, 3, 8)))
            compiled: the kernels of peephole run on this processor

        """
        # Asking leaves the masks of the next call as they would have been.
        device = stack.like(self).device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            asked = (reset, return_gates, inputs, parameters, return_outputs)
            call = stack.calls(self, input, hx, lengths, *asked)[1][0]
        return dispatch.with_products(dispatch.choose(call), stack.decision(self, stack.like(self).dtype), call)

    def _elsewhere(self, input: Any) -> Callable[..., tuple[Any, ...]] | None:
        """What writes a call down, or computes it past a compiled program, where that is not to be computed here."""
        if torch.compiler.is_dynamo_compiling() and (isinstance(input, PackedSequence) or self.decided()):
            if self.decided():  # said where a program is to be one graph; else it breaks off here
                torch._dynamo.graph_break(msg=self.no_program())
            return self._uncompiled
        return partial(symbolic.node, self) if symbolic.applies(input) else None

    # A PackedSequence has a number of rows that no compiled program knows: a program breaks off and goes on after it.
    # This is torch.compiler.disable without its import of torch._dynamo, which takes longer than that of torch.
    @_disable_dynamo
    def _uncompiled(self, input: PackedSequence, hx: State | None, **asked: Any) -> tuple[Any, ...]:
        return self.forward(input, hx, **asked)

    def _last(self, state: Sequence[Tensor], layout: Layout) -> Tensor:
        """The last output of each direction of the top layer, (B, D·P), of the final states (L·D, B, ·)."""
        first = self.cell.results[0]
        if first not in self.cell.states:
            raise ValueError(
                f"{type(self).__name__}: return_sequences=False gives the last state, and {first} of the cell "
                f"{self.cell.name} is no state; expected return_sequences=True, and the step of your choice"
            )
        h = state[self.cell.states.index(first)]
        last = torch.cat(list(layout.unsort(h)[-self.directions :]), -1)
        return last.squeeze(0) if layout.single else last


# What a layer's text leaves out: the defaults, in the order in which torch.nn's layers name them, then our options.
_SHOWN = (
    "proj_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "recurrent_dropout", "zoneout",
    "forget_bias", "learn_initial_state", "state_batch_first", "checkpoint_every", "heads", "rank", "matmul_precision",
)  # fmt: skip
_PARAMETERS = inspect.signature(Recurrent.__init__).parameters
_USUAL = {name: _PARAMETERS[name].default for name in _SHOWN} | {"zoneout": {}}  # which a layer keeps by state
