"""Muon: steps for weight matrices in which every direction counts the same.

Muon (K. Jordan, 2024; scaled as in arXiv:2502.16982) takes the momentum of a weight matrix and replaces its
singular values by ones before it is added, so that not only the few directions move that dominate the
gradient. Embeddings, output layers, biases and gains stay with AdamW. Matrices of one shape are
orthogonalised together: a few launches for all layers.
"""

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
# Newton-Schulz with the coefficients of the original: after five steps singular values lie between 0.7 and
# 1.2, which is near enough.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5
ADAMW_SIZE = 0.2  # root mean square of an AdamW update, about; an orthogonal one is scaled to it


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices, roughly.

    @param matrices  [N, rows, columns], rows <= columns
    @return the same shape; bfloat16 on CUDA, float32 elsewhere
    """
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


class Muon:
    """One thread at a time. All weights are on one device and have two dimensions."""

    def __init__(self, weights: list[nn.Parameter], decay: float):
        """@param decay  of the weights, times the rate of learning at every step"""
        shapes: dict[tuple[int, ...], list[nn.Parameter]] = {}
        for weight in weights:
            shapes.setdefault(tuple(sorted(weight.shape)), []).append(weight)
        self._groups = list(shapes.items())
        self._decay = decay
        self.momenta = [torch.zeros(len(of), *shape, device=of[0].device) for shape, of in self._groups]

    @torch.no_grad()
    def step(self, rate: float, skip: Tensor | None = None) -> None:
        """@param skip  bool on the device: true where the gradient is not finite and counts as zero"""
        for (shape, group), momentum in zip(self._groups, self.momenta):
            lying = [weight.shape == shape for weight in group]  # the others are turned
            gradient = torch.stack([w.grad if flat else w.grad.mT for w, flat in zip(group, lying)])
            if skip is not None:
                gradient = torch.where(skip, 0.0, gradient)
            momentum.lerp_(gradient, 1 - MOMENTUM)
            update = orthogonalised(gradient.lerp_(momentum, MOMENTUM)).float()  # Nesterov's look ahead
            turned = [one if flat else one.mT for one, flat in zip(update.unbind(), lying)]
            torch._foreach_mul_(group, 1 - rate * self._decay)
            torch._foreach_add_(group, turned, alpha=-rate * ADAMW_SIZE * max(shape) ** 0.5)

    def state(self) -> list[Tensor]:
        return self.momenta

    def restore(self, state: list[Tensor]) -> None:
        for mine, saved in zip(self.momenta, state, strict=True):
            mine.copy_(saved)
