"""What a filter sees of contributions: their texts, and a pseudonym of whoever sent each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Blinded:
    """Contributions in their order of arrival, without anything that tells background from pool.

    texts: one string each. agents: one number each, equal for contributions of one agent (`blind` makes it; a name or
    an id could say which side somebody is on, a number drawn from it does not). There is no room for more: a table, a
    mapping or values other than strings are refused with TypeError, agents of another number than texts with
    ValueError.
    """

    texts: tuple[str, ...]
    agents: np.ndarray

    def __post_init__(self) -> None:
        if type(self.texts) is not tuple or any(type(text) is not str for text in self.texts):
            raise TypeError("texts must be a tuple of strings: a filter sees nothing else")
        if type(self.agents) is not np.ndarray or self.agents.dtype != np.uint64:
            raise TypeError("agents must be an array of uint64 pseudonyms, not names")
        if self.agents.shape != (len(self.texts),):
            raise ValueError(f"agents of shape {self.agents.shape} for {len(self.texts)} texts; each text needs one")

    def __len__(self) -> int:
        return len(self.texts)


def blind(texts: Sequence[str], agents: Sequence[str] | None = None) -> Blinded:
    """The texts with a pseudonym for each agent; without agents every text is of an agent of its own.

    A pseudonym is the BLAKE2b hash of the name, the same in every process and partition. Raises TypeError where texts
    or agents are a table, a mapping, a bare string or hold anything but strings.
    """
    texts = strings("texts", texts)
    if agents is None:
        return Blinded(tuple(texts), np.arange(len(texts), dtype=np.uint64))
    agents = strings("agents", agents)
    pseudonym = {name: blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in set(agents)}
    codes = np.frombuffer(b"".join(pseudonym[name] for name in agents), dtype="<u8").astype(np.uint64)
    return Blinded(tuple(texts), codes)


def blind_contributions(contributions: pd.DataFrame) -> Blinded:
    """`blind` of a frame of table `contributions`, of which the columns agent, prompt and completion are read."""
    return blind((contributions["prompt"] + contributions["completion"]).tolist(), contributions["agent"].tolist())


def strings(name: str, values: Sequence[str]) -> list[str]:
    """The values as a list; TypeError where they are a table, a bare string, or hold anything but strings."""
    if isinstance(values, str | bytes | Mapping) or hasattr(values, "columns"):
        raise TypeError(f"{name} must be a sequence of strings, not {type(values).__name__}: a filter sees texts alone")
    found = list(values)
    for row, value in enumerate(found):
        if not isinstance(value, str):
            raise TypeError(f"{name}: row {row} is {type(value).__name__}, not a string")
    return found
