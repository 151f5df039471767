"""The products over all rows, and weights in panels, against torch in double precision."""

import pytest
import torch

from cellwright.backends.call import Call, Weights
from cellwright.backends.kernels import partition
from cellwright.backends.kernels.binding import LayerBinding
from cellwright.backends.kernels.frame import NO_BATCH, At, Frame
from cellwright.backends.kernels.panels import Matrix, transpose, transposed_shape
from cellwright.backends.kernels.products import Factor, sums_of_products
from cellwright.cells import CELLS
from cellwright.compiler.codegen.strips import BLOCK, MANY, MOST


@pytest.fixture(autouse=True)
def every_thread(monkeypatch):
    """Little work is shared as well."""
    monkeypatch.setattr(partition, "SMALL", 0)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _binding(threads: int, cell: str = "gru", hidden: int = 13, dtype: torch.dtype = torch.float32) -> LayerBinding:
    torch.set_num_threads(threads)
    rows = len(CELLS[cell].projections) * hidden
    weights = Weights(*(torch.randn(rows, n, dtype=dtype) for n in (21, hidden)))
    state = torch.zeros(1, 1, hidden, dtype=dtype)
    return LayerBinding(Call(CELLS[cell], torch.zeros(1, 21, dtype=dtype), [1], [state], [weights]))


@pytest.mark.parametrize("columns", [1, 21, MANY - 1, MANY, MANY + 37])  # A is copied from MANY on
@pytest.mark.parametrize(("rows", "wide"), [(1, 8), (BLOCK, MOST), (BLOCK + 1, MOST + 8), (2 * BLOCK + 5, 2 * MOST)])
def test_sums_of_products_on_any_number_of_threads(rows, wide, columns):
    generator = torch.Generator().manual_seed(rows + columns)
    a, b = torch.randn(rows, wide, generator=generator), torch.randn(2 * rows, columns + 3, generator=generator)
    places = torch.randperm(2 * rows, generator=generator)[:rows]
    found = [sums_of_products(_binding(1).kernel, threads, Factor(a, b, columns, places)) for threads in (1, 3)]
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
    product, sums = found[0]
    bound = (rows + 1) * torch.finfo(torch.float32).eps / 2  # Higham 2002, section 3.1
    met = b[places, :columns].double()
    exact = a.double().t() @ met
    assert ((product - exact).abs() <= bound * (a.abs().double().t() @ met.abs())).all()
    assert ((sums - a.double().sum(0)).abs() <= bound * a.abs().double().sum(0)).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("threads", [1, 3])
def test_weights_transposed_are_panels_of_their_columns(threads, dtype):
    of = _binding(threads, dtype=dtype).sizes
    weight = torch.randn(3 * 13, 21, dtype=dtype)  # r z n
    matrix, frame = Matrix("weight", 21, ("n", "r"), of.hidden, of.padded), Frame(threads)
    panels = torch.full(transposed_shape(of, matrix), torch.nan, dtype=dtype)
    transpose(frame, of, [(matrix, At("panels"))])
    frame.run(NO_BATCH, {"weight": weight.data_ptr(), "panels": panels.data_ptr()})
    flat = panels.transpose(0, 1).flatten(1)  # (slots × padded, whole panels)
    r, _, n = weight.split(13)
    for slot, part in enumerate((n, r)):
        rows = flat[slot * of.padded : (slot + 1) * of.padded]
        assert torch.equal(rows[:13, :21], part)
        assert not rows[13:].any()
    assert not flat[:, 21:].any()


def test_little_work_is_done_by_one_thread(monkeypatch):
    monkeypatch.setattr(partition, "SMALL", 1 + 39 * (21 + 13))
    assert _binding(3).threads == 1
    monkeypatch.setattr(partition, "SMALL", 39 * (21 + 13))
    assert _binding(3).threads == 3
