"""The optimizer, and the clipping of gradients: dense ones, and sparse ones of a few rows of an embedding."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import AdamW, Optimizer, SparseAdam


def make_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float, dense: Sequence[nn.Parameter] = ()
) -> Optimizer:
    """AdamW, and SparseAdam for embeddings with sparse gradients, which moves the rows that a batch has and no others.

    Matrices decay; biases and embeddings do not (a rare token's row would decay unseen).

    dense: tables of which rows move too, though their gradients are dense: those that `make_dense` gave.
    """
    embeddings = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    tables = {id(e.weight) for e in embeddings}
    sparse = {id(e.weight) for e in embeddings if e.sparse} | set(map(id, dense))
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    rows: list[nn.Parameter] = []
    for parameter in model.parameters():
        decays = parameter.ndim > 1 and id(parameter) not in tables
        (rows if id(parameter) in sparse else decayed if decays else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    parts: list[Optimizer] = [AdamW(groups, lr=learning_rate, fused=True)]  # one pass over memory, on a CPU too
    if rows:
        parts.append(RowAdam(rows, lr=learning_rate))
    return Together(parts)


def make_dense(model: nn.Module) -> list[nn.Parameter]:
    """Give its embeddings dense gradients, and return the tables of those whose were sparse."""
    found = [module for module in model.modules() if isinstance(module, nn.Embedding) and module.sparse]
    for module in found:
        module.sparse = False
    return [cast(nn.Parameter, module.weight) for module in found]


class RowAdam(SparseAdam):
    """torch's SparseAdam, with its state; a step takes rows out of a table, moves them by Adam's kernel, and puts
    them back.

    torch's own adds sparse tensors to whole tables, which takes twice as long.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move the rows that have a gradient."""
        if closure is not None:
            raise ValueError("RowAdam: expected no closure; compute the gradients first")
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                rows, values = _rows(table.grad)
                if len(rows):
                    self._move(table, rows, values, **group)

    def _move(
        self,
        table: Tensor,
        rows: Tensor,
        values: Tensor,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        **_: Any,
    ) -> None:
        """Many arguments: the last ones are torch's options of the group."""
        state = self.state[table]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(table), exp_avg_sq=torch.zeros_like(table))
        state["step"] += 1
        whole = (table, state["exp_avg"], state["exp_avg_sq"])
        moved, first, second = (each.index_select(0, rows) for each in whole)
        # Adam adds eps to the root of the unbiased mean of squares, SparseAdam to that of the biased one.
        eps /= math.sqrt(1 - betas[1] ** state["step"])
        step = torch.tensor(float(state["step"]), device=table.device)
        torch._fused_adam_(
            [moved], [values], [first], [second], [], [step],
            lr=lr, beta1=betas[0], beta2=betas[1], weight_decay=0.0, eps=eps, amsgrad=False, maximize=False,
        )  # fmt: skip
        for each, changed in zip(whole, (moved, first, second), strict=True):
            each.index_copy_(0, rows, changed)


def _rows(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows a gradient has, and their numbers; of a dense one those that are not zero."""
    if gradient.is_sparse:
        gradient = gradient.coalesce()
        return gradient.indices()[0], gradient.values()
    rows = gradient.any(dim=1).nonzero()[:, 0]
    return rows, gradient[rows]


class Together(Optimizer):
    """Several optimizers that step at once, since Lightning steps one."""

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Compute the gradients, then step each part."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Each part's."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give each part its own."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]  # they are new ones


@torch.no_grad()
def scale(parameters: Iterable[nn.Parameter], factor: float) -> None:
    """Multiply each gradient, in place, sparse ones too."""
    torch._foreach_mul_(list(_gradients(parameters)), factor)


@torch.no_grad()
def clip(parameters: Iterable[nn.Parameter], value: float | None, norm: float | None) -> None:
    """Cut each gradient to ± value, then scale all of them down to the norm, in place.

    As torch.nn.utils.clip_grad_value_ and clip_grad_norm_ do, which take no sparse gradients.
    """
    gradients = list(_gradients(parameters))
    if value is not None:
        torch._foreach_clamp_min_(gradients, -value)
        torch._foreach_clamp_max_(gradients, value)
    if norm is not None:
        torch._foreach_mul_(gradients, (norm / (get_total_norm(gradients) + 1e-6)).clamp(max=1.0))


def _gradients(parameters: Iterable[nn.Parameter]) -> Iterator[Tensor]:
    """The numbers of each gradient; of a sparse one, each row once."""
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            yield parameter.grad.values()
        else:
            yield parameter.grad
