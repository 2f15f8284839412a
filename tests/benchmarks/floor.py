"""The least arithmetic that the work takes, as if nothing but the model's matrix products took time.

Left out, so that the floor is one: attention scores, norms, softmax, the adapters, the optimiser, padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def layer_parameters(network: PreTrainedModel) -> int:
    """Weights of the matrices of one transformer layer."""
    return sum(p.numel() for name, p in network.get_decoder().layers[0].named_parameters() if p.ndim == 2)


def head_parameters(network: PreTrainedModel) -> int:
    """Weights of the language-model head."""
    return network.get_output_embeddings().weight.numel()


def encode_flops(network: PreTrainedModel, layers: int, tokens: int) -> float:
    """Forward through all but the last `layers` layers: 2 FLOPs a weight and token."""
    return 2.0 * layer_parameters(network) * (network.config.num_hidden_layers - layers) * tokens


def training_flops(network: PreTrainedModel, layers: int, tokens: int, predicted: int) -> float:
    """Forward and backward through the last `layers` layers over all tokens, and through the head over those predicted.

    2 FLOPs a weight and token forward, and 2 backward: only gradients of activations, since the weights are frozen.
    """
    return 4.0 * (layer_parameters(network) * layers * tokens + head_parameters(network) * predicted)


def audit_flops(network: PreTrainedModel, prompts: int, read: int, written: int) -> float:
    """Every prompt is read once (`read` tokens in all), which gives what is measured and the first token written; each
    of the `written` tokens but the last of a prompt is read in turn."""
    layers = layer_parameters(network) * network.config.num_hidden_layers
    return 2.0 * (layers * (read + written - prompts) + head_parameters(network) * written)
