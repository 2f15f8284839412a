"""When a request may be sent, so that a server's limits hold in every window of time and not only on average.

Requests are paced, one every so often, as by a token bucket that holds one: a larger bucket would let through a burst,
and with it up to twice the limit within a minute. Tokens are added up over the window that a request would end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MINUTE = 60.0
# A request can reach the server later than it was meant to be sent: on its way, or because the process was busy. Two
# that are this far apart in their delays still hold the limit. The mean rate is 1 / 1.04 of it, 96%.
MARGIN = 1.04


@dataclass(frozen=True)
class Limits:
    """Requests and tokens that a server allows in any window of `period` seconds; None where it sets no limit."""

    requests: int | None = None
    tokens: int | None = None
    period: float = MINUTE

    @property
    def window(self) -> float:
        """Seconds over which this side keeps the limits."""
        return self.period * MARGIN

    @property
    def patience(self) -> float:
        """Seconds that a request may be late and still be sent; half of what the margin covers is for the way."""
        return (self.window - self.period) / 2


def next_slot(now: float, held_until: float, sent: Sequence[tuple[float, int]], tokens: int, limits: Limits) -> float:
    """The earliest time at which a request of so many tokens may be sent, given what was sent and what has its turn.

    sent: (time, tokens) of earlier requests, times ascending; those of the last window are enough, but never none of
    them. held_until: when the server wants to be asked again. Between two turns lie window / requests seconds; with its
    own tokens, no window that ends with the request holds more than the limit, unless the request alone does.
    """
    slot = max(now, held_until)
    if sent:
        # Turns are given in order, so that the sums below need to look back only.
        apart = limits.window / limits.requests if limits.requests is not None else 0.0
        slot = max(slot, sent[-1][0] + apart)
    if limits.tokens is not None:
        left = limits.tokens - tokens
        for time, others in reversed(sent):
            left -= others
            if left < 0:
                return max(slot, time + limits.window)
    return slot
