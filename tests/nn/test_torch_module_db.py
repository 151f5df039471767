"""PyTorch's own tests of modules, those that need its wheel alone, run on our layers and single steps.

torch.testing._internal.common_modules holds the inputs, references and errors by which PyTorch's test/test_modules.py
checks torch.nn's modules. The checks of that file are here, in its order and under its names, as far as they ask for no
GPU and no memory format; what is compared with torch.nn's own module comes last.
"""

import copy
import importlib
import pickle
import warnings
from itertools import chain

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves, tree_map

import cellwright

pytest.importorskip("expecttest")  # which torch.testing._internal imports, and torch does not bring along
_frozen = torch.backends.flags_frozen()
common_modules = importlib.import_module("torch.testing._internal.common_modules")
if not _frozen:  # the import froze torch's flags for the whole process, other tests included
    torch.backends.disable_global_flags.__globals__["__allow_nonbracketed_mutation_flag"] = True
    assert not torch.backends.flags_frozen()

KINDS = ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell")
INFOS = {
    info.module_cls.__name__: info for info in common_modules.module_db if info.module_cls.__module__[-3:] == "rnn"
}


def inputs(kind, dtype=torch.float64, *, requires_grad=False, training=True):
    """PyTorch's samples of that module."""
    torch.manual_seed(0)
    info = INFOS[kind]
    return list(
        info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=requires_grad, training=training)
    )


def made(kind, sample, home=cellwright, dtype=torch.float64, **options):
    torch.manual_seed(1)
    given = sample.constructor_input
    return getattr(home, kind)(*given.args, **given.kwargs, dtype=dtype, **options)


def called(module, sample, of=lambda given: given):
    args, kwargs = tree_map(of, (sample.forward_input.args, sample.forward_input.kwargs))
    return module(*args, **kwargs)


def tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def loss(tree):
    return sum(t.sum() for t in tensors(tree))


def everything(module, sample):
    """Results, and the gradients of inputs and parameters."""
    found = called(module, sample)
    wanted = [t for t in tensors((sample.forward_input.args, *module.parameters())) if t.requires_grad]
    return tensors(found), torch.autograd.grad(loss(found), wanted)


def test_every_module_of_the_table_is_here():
    assert {*KINDS} == {kind for kind in INFOS if not kind.startswith("Quantized")}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("training", [True, False])
def test_forward(kind, dtype, training):
    for sample in inputs(kind, dtype, training=training):
        module = made(kind, sample, dtype=dtype).train(training)
        output = called(module, sample)
        if sample.reference_fn is not None:
            expected = sample.reference_fn(module, *sample.forward_input.args)
            assert_close(output, expected)


def test_factory_kwargs(kind):
    for sample in inputs(kind):
        for device in ("cpu", "meta"):
            module = made(kind, sample, dtype=torch.float16, device=device)
            assert {(p.device.type, p.dtype) for p in module.parameters()} == {(device, torch.float16)}


def test_repr(kind):
    for sample in inputs(kind):
        assert repr(made(kind, sample)) == repr(made(kind, sample, torch.nn))
        assert str(made(kind, sample))


def test_save_load(kind):
    for sample in inputs(kind):
        module = made(kind, sample)
        for copied in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module), copy.copy(module)):
            assert torch.equal(tensors(called(copied, sample))[0], tensors(called(module, sample))[0])
            assert repr(copied) == repr(module)
        other = made(kind, sample)
        with torch.no_grad():
            for weight in other.parameters():
                weight.zero_()
        other.load_state_dict(module.state_dict())
        assert_close(called(other, sample), called(module, sample))


@pytest.mark.parametrize("swap", [True, False])
def test_to(kind, swap):
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(swap)
    try:
        for sample in inputs(kind):
            module = made(kind, sample)
            single = module.to(torch.float32)
            assert single is module
            assert {p.dtype for p in module.parameters()} == {torch.float32}
            assert tensors(called(module, sample, _single))[0].dtype == torch.float32
            empty = module.to("meta").to_empty(device="cpu")
            empty.reset_parameters()
            assert_close(called(empty.double(), sample), called(empty, sample))
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


def _single(leaf):
    return leaf.float() if isinstance(leaf, torch.Tensor | PackedSequence) else leaf


def test_cpu_share_memory(kind):
    for sample in inputs(kind)[:2]:
        module = made(kind, sample)
        expected = called(module, sample)
        assert all(p.is_shared() for p in module.share_memory().parameters())
        assert_close(called(module, sample), expected)


def test_pickle_of_an_empty_state(kind):
    for sample in inputs(kind):
        module = made(kind, sample)
        state = torch.nn.Module.__getstate__(module) if hasattr(torch.nn.Module, "__getstate__") else module.__dict__
        assert all(not isinstance(value, torch.Tensor) for value in state.values())


def test_check_inplace(kind):
    """What is given stays as it was."""
    for sample in inputs(kind, requires_grad=True):
        module, given = made(kind, sample), tensors((sample.forward_input.args, sample.forward_input.kwargs))
        before, versions = [t.detach().clone() for t in given], [t._version for t in given]
        everything(module, sample)
        assert versions == [t._version for t in given]
        assert all(torch.equal(a, b) for a, b in zip(before, given, strict=True))


def test_non_contiguous_tensors(kind):
    """Inputs with gaps between their numbers, results' gradients with gaps too."""

    def apart(leaf):
        if not isinstance(leaf, torch.Tensor) or leaf.dim() == 0:
            return leaf
        gaps = torch.empty(*leaf.shape, 2, dtype=leaf.dtype)[..., 0]
        return gaps.copy_(leaf.detach()).requires_grad_(leaf.requires_grad)

    for sample in inputs(kind, requires_grad=True):
        if isinstance(sample.forward_input.args[0], PackedSequence):
            continue  # its rows are one block by what it is
        module, results = made(kind, sample), []
        for of in (lambda leaf: leaf, apart):
            args = tree_map(of, sample.forward_input.args)
            found = tensors(module(*args))
            cotangents = [of(torch.ones_like(t) * 0.5) for t in found]
            wanted = [t for t in (*tensors(args), *module.parameters()) if t.requires_grad]
            results.append((found, torch.autograd.grad(found, wanted, cotangents)))
        assert_close(results[1], results[0])


def _check(function, kind):
    for sample in inputs(kind, requires_grad=True)[:: 1 if kind.endswith("Cell") else 11]:
        module = made(kind, sample)
        names = [name for name, _ in module.named_parameters()]
        given = tensors(sample.forward_input.args)
        if not all(t.is_leaf for t in given):
            continue  # the rows of a packed sequence
        structure = sample.forward_input.args

        def run(*flat, names=names, module=module, structure=structure):
            rest = iter(flat)
            args = tree_map(lambda leaf: next(rest) if isinstance(leaf, torch.Tensor) else leaf, structure)
            found = torch.func.functional_call(module, dict(zip(names, rest, strict=True)), args)
            return tuple(tensors(found))

        with torch.backends.cudnn.flags(enabled=False):
            assert function(run, (*given, *module.parameters()), fast_mode=True)


@pytest.mark.slow
def test_grad(kind):
    _check(torch.autograd.gradcheck, kind)


@pytest.mark.slow
def test_gradgrad(kind):
    _check(torch.autograd.gradgradcheck, kind)


def test_train_eval_mode(kind):
    """What a module's mode does not touch is the same in both, and deepcopy and calls keep the mode."""
    for sample in inputs(kind):
        module = made(kind, sample)
        assert module.training
        expected = called(module, sample)
        module.eval()
        assert not copy.deepcopy(module).training
        assert_close(called(module, sample), expected)
        module.train()
        assert module.training


def test_errors(kind):
    """PyTorch's wrong inputs raise the same type; the wording is ours."""
    info = INFOS[kind]
    for dtype in (torch.float32, torch.float64):
        samples = info.module_error_inputs_func(info, device="cpu", dtype=dtype, requires_grad=False, training=True)
        for one in samples:
            sample = one.module_error_input
            given = sample.constructor_input

            def construct(given=given, dtype=dtype):
                return getattr(cellwright, kind)(*given.args, **given.kwargs).to(dtype)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if one.error_on is common_modules.ModuleErrorEnum.CONSTRUCTION_ERROR:
                    with pytest.raises(one.error_type, match=rf"^{kind}: .* is .*; expected"):
                        construct()
                else:
                    module = construct()
                    with pytest.raises(one.error_type, match=rf"^{kind}: .*; expected"):
                        called(module, sample)


def test_to_empty_and_deepcopy_of_meta(kind):
    for sample in inputs(kind)[:2]:
        module = made(kind, sample, device="meta")
        assert all(p.is_meta for p in copy.deepcopy(module).parameters())
        found = called(module, sample, lambda leaf: leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf)
        shapes = [t.shape for t in tensors(called(made(kind, sample), sample))]
        assert [t.shape for t in tensors(found)] == shapes
        assert all(t.is_meta for t in tensors(found))


@pytest.mark.parametrize("contiguous", [True, False])
def test_values_and_gradients_are_those_of_torch_nn(kind, contiguous):
    for sample in inputs(kind, requires_grad=True):
        ours, theirs = made(kind, sample), made(kind, sample, torch.nn)
        if not contiguous:
            for weight in chain(ours.parameters(), theirs.parameters()):
                weight.data = torch.stack([weight.data, weight.data], -1)[..., 0]
        assert_close(everything(ours, sample), everything(theirs, sample))
