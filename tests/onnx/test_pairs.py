"""Numbers of pairs from whole numbers below 2^24, against those of the embedding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from cellwright.errors import InputError
from cellwright.models.embedding import Embedding, PairNumbers
from cellwright.onnx import to_onnx
from cellwright.onnx.pairs import EXACT, SmallPairNumbers, small_numbers


class Largest(TorchDispatchMode):
    """The largest whole number that any operation gives."""

    found = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(one, torch.Tensor) and one.numel():
                self.found = max(self.found, int(one.long().abs().max()))
        return result


@given(
    vocabulary=st.integers(3, 70_000),
    buckets=st.sampled_from([1, 2, 255, 50_000, 65_536, 65_537, 1_048_577, 2**23 - 1, 2**23]) | st.integers(1, 2**23),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_same_numbers(vocabulary, buckets, seed):
    tokens = torch.randint(0, vocabulary, (3, 40), generator=torch.Generator().manual_seed(seed))
    tokens[0, :2] = vocabulary - 1
    small = SmallPairNumbers(vocabulary, buckets)
    with Largest() as largest:
        found = small(tokens)
    assert found.tolist() == PairNumbers(vocabulary, buckets)(tokens).tolist()
    assert largest.found <= EXACT


def test_more_buckets_than_such_numbers_reach():
    with pytest.raises(InputError, match="at most 8,388,608 buckets of pairs; this model has 8,388,609"):
        SmallPairNumbers(5, 2**23 + 1)


def test_a_model_has_its_own_numbers_again():
    model = torch.nn.Sequential(Embedding(9, 4, 7), Embedding(9, 4, 0))
    own = model[0].pair_ids
    with small_numbers(model):
        assert isinstance(model[0].pair_ids, SmallPairNumbers)
    assert model[0].pair_ids is own
    with pytest.raises(ZeroDivisionError), small_numbers(model):
        model[0].pair_ids = 1 // 0
    assert model[0].pair_ids is own


@pytest.mark.slow
def test_a_portable_file_of_many_tokens_reads_the_same_rows(tmp_path, opened):
    torch.manual_seed(0)
    embedding = Embedding(60_000, 2, 50_000)
    torch.nn.init.normal_(embedding.pair.weight[1:])
    ids = torch.randint(0, 60_000, (40, 30))
    to_onnx(embedding, tmp_path / "m.onnx", {"tokens": (ids, ("batch", "time"))}, portable=True)
    with torch.no_grad():
        assert torch.equal(opened(tmp_path / "m.onnx", everywhere=True)(tokens=ids)["output"], embedding(ids))
