"""How kernels multiply: who decides, what a layer's results err by, and that both passes are the same."""

import contextlib
import copy
import itertools
import pickle
import threading

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from agreement import PRECISION, assert_agree, double, error
from cellwright.backends import dispatch
from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.language import State, sigmoid, tanh
from cellwright.compiler import units
from cellwright.nn import direct
from passes import listened

T, B, INPUTS, HIDDEN = 13, 5, 20, 40
LENGTHS = [13, 0, 2, 7, 12]
WORDS = {"highest": "float32", "high": "bf16x3", "medium": "bf16", "bf16x6": "bf16x6"}
generator = torch.Generator().manual_seed(5)
X = torch.randn(T, B, INPUTS, generator=generator)


@pytest.fixture(autouse=True)
def torch_as_it_was():
    """torch's switches are the process's."""
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.mkldnn.rnn.fp32_precision = "none"


@pytest.fixture
def passes(monkeypatch):
    """The arithmetic of each forward and backward pass of the kernels, as they run."""
    return listened(monkeypatch)


@pytest.fixture(autouse=True)
def kernels():
    """Small as they are, the calls are the kernels'."""
    with cellwright.use_backend("compiled"):
        yield


def layer_of(name="lstm", **options):
    torch.manual_seed(0)
    return cellwright.Recurrent(name, INPUTS, HIDDEN, **options)


# --- what results err by --------------------------------------------------------------------------------
def results(layer, x, **named):
    """Outputs, states and all gradients."""
    x = x.clone().requires_grad_()
    given = pack_padded_sequence(x, torch.tensor([13, 12, 7, 2, 1])) if named.pop("packed", False) else x
    output, state = layer(given, **named)
    states = state if isinstance(state, tuple) else (state,)
    rows = given is not x
    values = [output.data if rows else output, *states]
    factors = torch.Generator().manual_seed(3)
    loss = sum((v * torch.randn(v.shape, generator=factors, dtype=torch.float64).to(v.dtype)).sum() for v in values)
    return [*(v.detach() for v in values), *torch.autograd.grad(loss, [x, *layer.parameters()])]


@cell(projections="f g o", gates="f o", state="h c", parameters={"p": PER_UNIT})
def smooth(x, u, s, p):
    """A cell of nobody's."""
    f = sigmoid(x.f + u.f + p.p * s.c)
    c = f * s.c + (1 - f) * tanh(x.g + f * u.g)
    o = sigmoid(x.o + u.o)
    return State(h=o * tanh(c), c=c)


FORMS = {
    "padded": ({}, {}),
    "ragged, two layers, both directions": ({"num_layers": 2, "bidirectional": True}, {"lengths": LENGTHS}),
    "packed": ({"bidirectional": True}, {"packed": True}),
    "resets": ({"learn_initial_state": True}, {"reset": torch.arange(T * B).view(T, B) % 4 == 1}),
    "chunks": ({"checkpoint_every": 4, "bidirectional": True}, {"lengths": LENGTHS}),
}


# Every two of a cell, a form and a word, and most of the three.
ERRORS = [
    (name, form, word)
    for (i, name), (j, form), (k, word) in itertools.product(
        enumerate(["lstm", "gru", "rnn", smooth]), enumerate(FORMS), enumerate(WORDS)
    )
    if (i + j + k) % len(FORMS) < 2
]


@pytest.mark.parametrize(("name", "form", "word"), ERRORS, ids=str)
def test_errors(name, form, word):
    options, named = FORMS[form]
    layer = layer_of(name, matmul_precision=word, **options)
    assert_agree(results(layer, X, **named), results(double(layer), X.double(), **named), PRECISION[WORDS[word]])


@pytest.mark.parametrize("word", WORDS)
def test_errors_of_a_projection(word):
    layer = layer_of(proj_size=24, bidirectional=True, matmul_precision=word)
    wanted = results(double(layer), X.double(), lengths=LENGTHS)
    assert_agree(results(layer, X, lengths=LENGTHS), wanted, PRECISION[WORDS[word]])


@pytest.mark.parametrize("word", ["high", "medium"])
def test_a_mode_has_an_effect_where_the_processor_has_a_unit_for_it(word):
    if units.microkernel(WORDS[word]).name == "float32":
        pytest.skip("kernels multiply in float32 here, whatever they may")
    layer = layer_of(matmul_precision=word)
    found = error(layer(X)[0], double(layer)(X.double())[0])
    assert PRECISION[WORDS[word]] / 50 < found


@pytest.mark.parametrize("word", WORDS)
def test_float64_is_computed_in_float64(word):
    layer = layer_of(dtype=torch.float64)
    wanted = results(layer, X.double())
    layer.matmul_precision = word
    assert_agree(results(layer, X.double()), wanted, share=0)


# --- who decides ----------------------------------------------------------------------------------------
def test_nothing_changes_by_itself(passes):
    layer_of()(X)
    assert passes == [("forward", "float32")]


def test_the_nearest_decides(passes):
    """The layer before the block, the block before autocast, autocast before torch's switch."""
    layer = layer_of()

    def asked():
        passes.clear()
        layer(X)
        return passes[0][1]

    torch.set_float32_matmul_precision("high")
    assert asked() == "bf16x3"
    with torch.autocast("cpu", torch.bfloat16):
        assert asked() == "bf16"
        with cellwright.use_matmul_precision("highest"):
            assert asked() == "float32"
            with cellwright.use_matmul_precision("bf16x6"):
                assert asked() == "bf16x6"
                layer.matmul_precision = "medium"
                assert asked() == "bf16"
                layer.matmul_precision = None
                assert asked() == "bf16x6"
            assert asked() == "float32"
        assert asked() == "bf16"
    with torch.autocast("cpu", torch.float16):
        assert asked() == "bf16x3"
    assert asked() == "bf16x3"


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has the older switch only")
def test_torchs_newer_switch_decides_where_it_is_set(passes):
    """Where both are used, torch.get_float32_matmul_precision() raises."""
    layer = layer_of()
    torch.set_float32_matmul_precision("high")
    for mine, wanted in (("bf16", "bf16"), ("tf32", "bf16x3"), ("ieee", "float32"), ("none", "bf16x3")):
        torch.backends.mkldnn.rnn.fp32_precision = mine
        passes.clear()
        layer(X)
        assert passes == [("forward", wanted)]
    torch.set_float32_matmul_precision("highest")
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    try:
        passes.clear()
        layer(X)
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = "ieee"
    assert passes == [("forward", "bf16")]


def test_parameters_of_bfloat16_are_multiplied_in_it_unless_asked(passes):
    layer = layer_of().bfloat16()
    layer(X.bfloat16())
    layer.matmul_precision = "highest"
    layer(X.bfloat16())
    assert [arithmetic for _, arithmetic in passes] == ["bf16", "float32"]


def test_a_layer_of_bfloat16_keeps_its_weights_once():
    """In training nothing keeps them raised to float32."""
    layer, seen = layer_of().bfloat16(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (seen.append((t.shape, t.dtype)), t)[1], lambda t: t):
        layer(X.bfloat16())
    for weight in layer.parameters():
        assert (weight.shape, torch.bfloat16) in seen
        assert (weight.shape, torch.float32) not in seen


def test_a_layer_of_bfloat16_has_second_derivatives():
    """Those of its numbers in float32, rounded: by the reference, whose products are torch's."""
    layer, x, found = layer_of().bfloat16(), X.bfloat16(), []
    for one, given in ((layer, x), (copy.deepcopy(layer).float(), x.float())):
        given = given.clone().requires_grad_()
        (first,) = torch.autograd.grad(one(given)[0].float().square().sum(), given, create_graph=True)
        found.append(torch.autograd.grad(first.float().square().sum(), [*one.parameters()]))
        assert [g.dtype for g in found[-1]] == [given.dtype] * len(found[-1])
    assert_agree([g.float() for g in found[0]], [g.double() for g in found[1]], share=0.05)


def test_a_block_is_its_threads_and_is_left_by_an_error(passes):
    layer = layer_of()
    with contextlib.suppress(KeyError), cellwright.use_matmul_precision("medium"):
        thread = threading.Thread(target=lambda: seen.append(cellwright.backends.precision.decide(None, X.dtype)))
        seen = []
        thread.start()
        thread.join()
        raise KeyError
    layer(X)
    assert seen[0].arithmetic == passes[0][1] == "float32"


@pytest.mark.parametrize("word", ["hihg", "", 3, True, "BF16", torch.bfloat16])
def test_a_wrong_word(word):
    message = "expected one of highest, high, medium, float32, bf16, bf16x3, bf16x6$"
    layer, step = layer_of(), cellwright.LSTMCell(2, 3)
    for make in (
        lambda: cellwright.LSTM(2, 3, matmul_precision=word),
        lambda: cellwright.GRUCell(2, 3, matmul_precision=word),
        lambda: setattr(layer, "matmul_precision", word),
        lambda: setattr(step, "matmul_precision", word),
        lambda: cellwright.use_matmul_precision(word).__enter__(),
    ):
        with pytest.raises(ValueError, match=message) as raised:
            make()
        assert f"the matmul precision is {word!r}" in str(raised.value)
    assert layer.matmul_precision is None


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_what_a_module_was_told_is_shown_and_kept(name):
    module = getattr(cellwright, name)(2, 3, matmul_precision="high")
    assert repr(module) == f"{name}(2, 3, matmul_precision=high)"
    for one in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert one.matmul_precision == "high"
    assert repr(getattr(cellwright, name)(2, 3)) == f"{name}(2, 3)"


# --- both passes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 4}], ids=["whole", "chunks"])
def test_the_backward_pass_multiplies_as_the_forward_pass_did(passes, options):
    layer = layer_of(**options)
    with cellwright.use_matmul_precision("medium"):
        output, _ = layer(X)
    torch.set_float32_matmul_precision("high")
    layer.matmul_precision = "bf16x6"
    output.sum().backward()
    assert {name for name, _ in passes} == {"forward", "backward"}
    assert {arithmetic for _, arithmetic in passes} == {"bf16"}


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_the_initial_states_gradient_multiplies_as_the_layer_does_whatever_torchs_switch_says(precision):
    """It was a product of torch's."""
    layer = cellwright.Recurrent("peephole", 24, 256, learn_initial_state=True, matmul_precision=precision)
    x = torch.randn(4, 64, 24, generator=torch.Generator().manual_seed(0))
    found = {}
    for word in ("highest", "medium"):
        torch.set_float32_matmul_precision(word)
        found[word] = results(layer, x)
    assert all(torch.equal(a, b) for a, b in zip(found["highest"], found["medium"], strict=True))
    assert_agree(found["highest"], results(double(layer), x.double()), PRECISION[WORDS[precision]])


def test_a_checkpoint_that_computes_again_in_another_arithmetic_is_refused():
    layer, x = layer_of(), X.clone().requires_grad_()
    with cellwright.use_matmul_precision("medium"):
        output = torch.utils.checkpoint.checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    with pytest.raises(RuntimeError, match="multiplied in bf16, and in float32 when torch"):
        output.sum().backward()


def test_a_checkpoint_that_computes_another_length_again_is_not_said_to_multiply_otherwise():
    """Of two layers in two arithmetics each kept its own: the last of them was taken for the one that is read."""
    first, last = layer_of(matmul_precision="highest"), layer_of("gru", matmul_precision="high")
    lengths = iter((5, 4))

    def run(x):
        x = x[: next(lengths)]
        return first(x)[0].sum(), last(x)[0].sum()

    with cellwright.use_backend("compiled"):
        output, _ = torch.utils.checkpoint.checkpoint(run, X.clone().requires_grad_(), use_reentrant=False)
        with pytest.raises(torch.utils.checkpoint.CheckpointError, match="different metadata"):
            output.backward()


def test_chunks_within_autocast_give_what_the_whole_gives():
    """Their results were rounded to bfloat16 between layers."""
    options = {"num_layers": 2, "dtype": torch.float32}
    whole, chunks = layer_of("gru", **options), layer_of("gru", checkpoint_every=3, **options)
    x, states = X.bfloat16(), torch.zeros(2, B, HIDDEN)
    with torch.autocast("cpu", torch.bfloat16):
        wanted, found = (one(x, states, return_gates=True) for one in (whole, chunks))
    assert found[0].dtype == wanted[0].dtype
    assert torch.equal(found[0], wanted[0])
    assert torch.equal(found[1], wanted[1])
    assert {t.dtype for one in found[2] for t in one.values()} == {torch.float32}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell"])
def test_a_step_without_inputs_trains_in_every_mode(name, word):
    """A B of no columns ended in a division by zero."""
    step = getattr(cellwright, name)(0, 16, matmul_precision=word)
    state = step(torch.empty(4, 0))
    (state if name == "GRUCell" else state[0]).sum().backward()
    assert step.weight_hh.grad.isfinite().all()


def test_a_stream_multiplies_as_its_layer_would(passes):
    """A change is seen by the next step, whose weights were packed for another arithmetic."""
    layer = layer_of().eval()
    stream = layer.stream(batch=B)
    wanted = []
    for word in ("highest", "medium", "medium", "high"):
        layer.matmul_precision = word
        state = stream.state
        found = stream.step(X[0])
        with torch.no_grad():
            wanted.append(layer(X[:1], state)[0][0])
        assert torch.equal(found, wanted[-1])


def test_a_stream_of_bfloat16_keeps_its_state_in_float32():
    layer, x = layer_of(num_layers=2).bfloat16().eval(), X.bfloat16()
    stream = layer.stream(batch=B)
    found = torch.stack([stream.step(one) for one in x])
    with torch.no_grad():
        output, state = layer(x)
    assert_agree((found, stream.state), (output, state), share=0)


# --- compiled and exported programs ----------------------------------------------------------------------
def test_a_compiled_program_follows_what_decides(passes):
    """It is traced anew where the layer, the block, autocast, or torch's switch from or to highest is another."""
    layer = layer_of()
    torch.compiler.reset()
    program = torch.compile(layer, backend="aot_eager", fullgraph=True)

    def asked():
        passes.clear()
        output = program(X)[0]
        with cellwright.use_matmul_precision("bf16x6"):  # what is around the backward pass does not matter
            output.float().sum().backward()
        assert {name for name, _ in passes} == {"forward", "backward"}
        (arithmetic,) = {arithmetic for _, arithmetic in passes}
        return arithmetic

    assert asked() == "float32"
    with cellwright.use_matmul_precision("medium"):
        assert asked() == "bf16"
    assert asked() == "float32"
    with torch.autocast("cpu", torch.bfloat16):
        assert asked() == "bf16"
    torch.set_float32_matmul_precision("high")
    assert asked() == "bf16x3"
    torch.set_float32_matmul_precision("medium")
    assert asked() == "bf16x3", "torch.compile notices this change now: docs/precision.md says that it does not"
    torch.set_float32_matmul_precision("highest")
    assert asked() == "float32"
    layer.matmul_precision = "high"
    assert asked() == "bf16x3"


def test_a_block_within_a_compiled_program(passes):
    layer = layer_of()

    def run(x):
        with cellwright.use_matmul_precision("medium"):
            first = layer(x)[0]
        return first, layer(x)[0]

    torch.compiler.reset()
    torch.compile(run, backend="aot_eager", fullgraph=True)(X)
    assert [arithmetic for _, arithmetic in passes] == ["bf16", "float32"]


def test_an_exported_program_keeps_what_it_was_exported_with(passes):
    layer = layer_of()
    with cellwright.use_matmul_precision("medium"):
        program = torch.export.export(layer, (X,)).module()
    torch.set_float32_matmul_precision("high")
    program(X)
    assert passes == [("forward", "bf16")]


# --- which calls are large enough ------------------------------------------------------------------------
@pytest.mark.usefixtures("backends_by_size")
@pytest.mark.parametrize("unit", ["amx", "float32"])
def test_fewer_bits_make_a_call_the_kernels_sooner_where_there_is_a_unit_for_them(monkeypatch, passes, unit):
    monkeypatch.setattr(units, "microkernel", lambda arithmetic: units.Microkernel(unit, "so"))
    layer, x = cellwright.LSTM(96, 96), torch.zeros(100, 8, 96)
    monkeypatch.setattr(direct, "asked_for", lambda: None)
    monkeypatch.setattr(dispatch, "asked_for", lambda: None)
    for word, wanted in (("highest", "torch"), ("medium", "compiled" if unit == "amx" else "torch")):
        layer.matmul_precision = word
        assert layer.explain(x).name == wanted
        layer(x)
        assert len(passes) == (wanted == "compiled")


# --- what explain says ----------------------------------------------------------------------------------
UNITS = {
    "amx": ("tiles", "bf16x3 products by amx (tiles)"),
    "float32": ("no unit", "float32 products instead of bf16x3 (no unit)"),
}


@pytest.mark.parametrize("unit", UNITS)
def test_explain_says_what_multiplies_and_who_asked(monkeypatch, unit):
    reason, said = UNITS[unit]
    monkeypatch.setattr(units, "microkernel", lambda arithmetic: units.Microkernel(unit, reason))
    layer, runs = layer_of(), "compiled: asked for by use_backend"
    assert str(layer.explain(X)) == runs
    torch.set_float32_matmul_precision("high")
    assert str(layer.explain(X)) == f"{runs}; {said}: torch's switch for float32 products says 'high'"
    with cellwright.use_matmul_precision("bf16x3"):
        assert str(layer.explain(X)) == f"{runs}; {said}: use_matmul_precision('bf16x3')"
    layer.matmul_precision = "highest"
    assert str(layer.explain(X)) == f"{runs}; float32 products: matmul_precision='highest'"
    with cellwright.use_backend("torch"):
        assert str(layer.explain(X)) == "torch: asked for by use_backend; it multiplies as torch does"


def test_explain_says_what_is_kept_in_bfloat16(monkeypatch):
    """Of a training step, where products are in bfloat16: else nothing is."""
    monkeypatch.setattr(units, "microkernel", lambda arithmetic: units.Microkernel("emulated amx", "so"))
    layer, kept = layer_of(matmul_precision="medium"), " h kept in bfloat16 for the backward pass, c in float32: "
    assert kept in str(layer.explain(X))
    with torch.no_grad():
        assert "kept" not in str(layer.explain(X))
    layer.matmul_precision = "high"
    assert "kept" not in str(layer.explain(X))


def test_explain_does_not_say_that_a_projected_state_is_kept_in_bfloat16(monkeypatch):
    """Its rows have another width: it stays as it is."""
    monkeypatch.setattr(units, "microkernel", lambda arithmetic: units.Microkernel("emulated amx", "so"))
    layer = layer_of(matmul_precision="medium", proj_size=8)
    assert " kept in bfloat16 for the backward pass, h c in float32: " in str(layer.explain(X))
