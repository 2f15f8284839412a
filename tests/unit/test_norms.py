"""The fused norm against transformers' own."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from quorum import norms


def ours_and_theirs(shape, dtype, seed=0):
    """(input with gradient, output) of both norms on the same numbers, and the gradient from above."""
    generator = torch.Generator().manual_seed(seed)
    norm = LlamaRMSNorm(shape[-1], eps=1e-5).to(dtype).requires_grad_(False)
    norm.weight.copy_(0.5 + torch.rand(shape[-1], generator=generator))
    x = 3 * torch.randn(shape, generator=generator)
    inputs = [x.to(dtype).clone().requires_grad_() for _ in range(2)]
    outputs = [norms.rms_norm(inputs[0], norm.weight, norm.variance_epsilon), norm(inputs[1])]
    return inputs, outputs, torch.randn(shape, generator=generator).to(dtype)


@pytest.mark.parametrize("shape", [(1, 4), (7, 32), (2, 5, 16)])
def test_value_and_gradient_are_those_of_transformers(shape):
    inputs, outputs, upstream = ours_and_theirs(shape, torch.float32)
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.backward(upstream)
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


def test_the_gradient_is_that_of_differences_of_the_value():
    generator = torch.Generator().manual_seed(1)
    weight, along = torch.rand(6, generator=generator), torch.randn(3, 6, generator=generator)
    x = torch.randn(3, 6, generator=generator, requires_grad=True)
    norms.rms_norm(x, weight, 1e-5).square().sum().backward()

    def value(step):
        moved = (x.detach() + step * along).double()
        return ((moved / (moved.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight) ** 2).sum()

    torch.testing.assert_close((x.grad * along).sum().double(), (value(1e-4) - value(-1e-4)) / 2e-4, rtol=1e-3, atol=0)


def test_a_row_of_zeros_stays_zero():
    x = torch.zeros(2, 4, requires_grad=True)
    y = norms.rms_norm(x, torch.ones(4), 1e-5)
    y.sum().backward()
    assert (y == 0).all() and x.grad.isfinite().all()


def test_in_bfloat16_it_is_as_near_to_float32_as_its_rounding_allows():
    inputs, outputs, upstream = ours_and_theirs((64, 576), torch.bfloat16)
    for output in outputs:
        output.backward(upstream)
    # Both round in their own way: the scale and two products, half a unit (2^-9) each, once more for the sum.
    torch.testing.assert_close(*outputs, rtol=4 * 2**-8, atol=1e-3)
    gradients = [x.grad.float().ravel() for x in inputs]
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.9999
    torch.testing.assert_close(gradients[0].norm(), gradients[1].norm(), rtol=2**-8, atol=0)


def test_a_network_says_the_same_with_fused_norms():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    network, ids = LlamaForCausalLM(config).eval(), torch.arange(12).view(2, 6)
    with torch.inference_mode():
        before = network(ids).logits
        after = norms.fuse(network)(ids).logits
    assert sum("forward" in vars(module) for module in network.modules()) == 5
    torch.testing.assert_close(after, before)


def test_norms_of_other_families_stay():
    network = torch.nn.Sequential(torch.nn.LayerNorm(4), torch.nn.RMSNorm(4))
    assert not any("forward" in vars(module) for module in norms.fuse(network).modules())
