"""What a larger study with a larger model would cost, on paper: work, storage, jobs (docs/scaling.md).

python tests/benchmarks/scaling.py

The arithmetic is that of floor.py, over the numbers of tokens of the default configuration. The share of a machine's
rate that is reached was measured on a processor (docs/performance.md), and is assumed for a graphics card.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import floor

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from quorum import conditions, settings  # noqa: E402
from quorum.uptake import fine_tune  # noqa: E402

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
"""The shape of Llama 3.1 8B (arXiv 2407.21783, table 3)."""

FINE_TUNED = {"uptakes": ["fine_tune"]}
STUDY = FINE_TUNED | {"seeds": list(range(1, 51)), "collective": {"sizes": [0, 250, 500, 1000, 1500, 2000]}}
"""50 seeds and 1,050 conditions, put over the default configuration."""

BYTES = 2
"""Of a number in bfloat16, the precision of hidden states and adapters."""

# Mean tokens in SmolLM2's tokenizer, default configuration: sentences of background and pools, the part of them that is
# predicted, probes; and all texts and questions that measure utility.
SENTENCE, PREDICTED, PROBE = 22.2, 8.2, 14.0
UTILITY = 10_600


@dataclass(frozen=True)
class Machine:
    """FLOP/s of one unit, the share reached when encoding, training and asking, and bytes/s at which weights come."""

    rate: float
    encoding: float
    training: float
    audit: float
    reading: float


# Rates of docs/performance.md: one core with AMX, and what was measured of it.
CORE = Machine(1.2e12, 0.36, 0.26, 0.13, 1e9)
# Assumed: the data sheet of an A100 (312 TFLOP/s in bfloat16), 40% of it, and 10% where one token is written at a time.
CARD = Machine(312e12, 0.4, 0.4, 0.1, 1e9)


@dataclass(frozen=True)
class Cost:
    """FLOPs of a study by step, how often a model is loaded, and what stays on disk (bytes)."""

    conditions: int
    encoding: float
    training: float
    audit: float
    loads: int
    states: float
    adapters: float


def shape(entries: Mapping[str, Any]) -> PreTrainedModel:
    """A Llama of that shape, without weights."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(LlamaConfig(**entries))


def weights(network: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def adapter_bytes(network: PreTrainedModel, layers: int, rank: int) -> int:
    """Size of the adapters of the last `layers` layers: two thin matrices for every matrix that is adapted."""
    layer = network.get_decoder().layers[0]
    sides = [sum(m.weight.shape) for name, m in layer.named_modules() if name.rpartition(".")[2] in fine_tune.TARGETS]
    return layers * rank * sum(sides) * BYTES


def states_bytes(network: PreTrainedModel, tokens: float) -> float:
    """Size of the hidden states of so many tokens."""
    return tokens * network.config.hidden_size * BYTES


def cost(config: Mapping[str, Any], network: PreTrainedModel) -> Cost:
    """What the main study of a checked configuration costs with that model."""
    found = (one for name in ("undefended", "defended") for one in conditions.of_study(name, config))
    models = list({conditions.folder(one, config): one for one in found}.values())
    world, group, layers = config["world"], config["collective"], config["fine_tune"]["layers"]
    seeds, prompts = len(config["seeds"]), config["probes"]["held_out"] + config["probes"]["matched"]
    pools = len(conditions.styles(config)) * len(conditions.strategies(config))
    encoded = seeds * (world["background_size"] + pools * group["agents"] * group["sentences_per_agent"]) * SENTENCE
    trained = sum(world["background_size"] + one["pool_size"] for one in models) * config["fine_tune"]["epochs"]
    asked = floor.audit_flops(network, prompts, prompts * PROBE, prompts * config["audit"]["max_tokens"])
    scored = floor.training_flops(network, layers, UTILITY, 0) / 2
    return Cost(
        conditions=len(models),
        encoding=floor.encode_flops(network, layers, encoded + UTILITY),
        training=floor.training_flops(network, layers, trained * SENTENCE, trained * PREDICTED),
        audit=len(models) * (asked + scored) + seeds * asked,
        loads=2 * len(models) + seeds * (2 + pools) + 1,
        states=states_bytes(network, encoded + UTILITY),
        adapters=len(models) * adapter_bytes(network, layers, config["fine_tune"]["rank"]),
    )


def hours(spent: Cost, network: PreTrainedModel, machine: Machine) -> dict[str, float]:
    """Hours of one unit of the machine, by step."""
    seconds = {
        "encoding": spent.encoding / (machine.rate * machine.encoding),
        "training": spent.training / (machine.rate * machine.training),
        "asking": spent.audit / (machine.rate * machine.audit),
        "reading weights": spent.loads * weights(network) * BYTES / machine.reading,
    }
    return {step: value / 3600 for step, value in seconds.items()}


def study(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The default configuration with the changes."""
    config = settings.read(ROOT / "config" / "config.yaml")
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, Mapping) else value
    return settings.check(config, settings.read(ROOT / "config" / "schema.yaml"))


def report(changes: Mapping[str, Any], network: PreTrainedModel) -> str:
    """A study's cost in words, one line each."""
    spent = cost(study(changes), network)
    lines = [f"{spent.conditions:,} conditions, {weights(network) / 1e9:.2f} billion weights, {spent.loads:,} loads"]
    for unit, machine in (("core", CORE), ("card", CARD)):
        steps = hours(spent, network, machine)
        lines.append(f"{unit} hours: " + ", ".join(f"{step} {value:,.1f}" for step, value in steps.items()))
        lines[-1] += f"; in all {sum(steps.values()):,.1f}"
    lines.append(f"GB on disk: hidden states {spent.states / 1e9:,.1f}, adapters {spent.adapters / 1e9:,.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    from transformers import AutoConfig

    small = AutoConfig.from_pretrained(ROOT / "resources" / "retrieved" / "model").to_dict()
    for title, changes, entries in (
        ("default configuration, SmolLM2-135M", FINE_TUNED, small),
        ("50 seeds, last 8 layers, 8B", STUDY, LLAMA_8B),
        ("50 seeds, all 32 layers, 8B", STUDY | {"fine_tune": {"layers": 32}}, LLAMA_8B),
    ):
        print(f"{title}\n{report(changes, shape(entries))}\n")
