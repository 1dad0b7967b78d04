"""Muon, an optimiser for weight matrices.  Knows only parameters and gradients.

Source: Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration; from the same source."""


def orthogonalise(matrices: Tensor, products: torch.dtype, steps: int = 5) -> Tensor:
    """Move the singular values of each matrix near 1 by a Newton-Schulz iteration.

    Args:
        matrices: Any float type, shape (N, rows, columns).
        products: Type of the products; a step's direction needs no more than bfloat16.
        steps: Iterations.

    Returns:
        Same shape, of the type ``products``.
    """
    a, b, c = COEFFICIENTS
    x = matrices.to(products)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal, for parameters with two dimensions.

    Matrices of one shape are stacked and treated together: six small products in one call
    are far cheaper than six calls.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        products: torch.dtype = torch.bfloat16,
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        self._products = products
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                updates = torch.stack([self._nesterov(p, group["momentum"]) for p in parameters])
                # A tall matrix needs a larger step to change its output as much.
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                directions = orthogonalise(updates, self._products).float()
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(direction, alpha=-group["lr"] * scale)

    def _nesterov(self, parameter: Tensor, momentum: float) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(buffer, momentum)
