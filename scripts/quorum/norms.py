"""The root-mean-square norm in fewer passes over memory.

A training step of a small model on a CPU waits for memory more than for arithmetic, and transformers' own norm makes
a dozen arrays of float32 on the way there and back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def fuse(network: PreTrainedModel) -> PreTrainedModel:
    """The network, with `rms_norm` in place of the norms of the Llama family; other norms stay as they are.

    Their weights get no gradient any more: the study trains none of them.
    """
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    for module in network.modules():
        if isinstance(module, LlamaRMSNorm):
            module.forward = partial(rms_norm, weight=module.weight, epsilon=module.variance_epsilon)
    return network


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """x / sqrt(mean(x^2) + epsilon) * weight over the last axis (Zhang and Sennrich 2019, equation 4), shape of x.

    weight (width,) is taken as frozen. The mean is summed in float32; in bfloat16 a row's scale is then rounded as its
    elements are.
    """
    import torch

    class RMSNorm(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
            scale = torch.rsqrt(length**2 / x.shape[-1] + epsilon)
            ctx.save_for_backward(x, scale)
            return (x * scale.to(x.dtype)).mul_(weight)

        @staticmethod
        def backward(ctx, upstream):
            x, scale = ctx.saved_tensors
            gradient = upstream * weight
            along = (gradient * x).sum(-1, keepdim=True, dtype=torch.float32) / x.shape[-1]
            return gradient.mul_(scale.to(x.dtype)).sub_(x * (along * scale**3).to(x.dtype))

    return RMSNorm.apply(x)
