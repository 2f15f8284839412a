"""How a campaign stands: what it has done to the firm's data, how surely, and how many contributions it still takes.

The *pull* of a sentence that was sent is t - 1 if the firm accepted it and it is male, t if it accepted it and it is
not, and 0 if nothing came of it (signs turned round for a firm whose data are below the target t). A firm with B
sentences of male share b is B |b - t| of pull away from the target, so a campaign whose sentences pull m on average
gets there with B |b - t| / m of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quorum import needs
from quorum.anytime import confidence_sequence
from quorum.monitor.judging import ACCEPTED
from quorum.needs import Range

TARGET = needs.TARGET


@dataclass(frozen=True)
class World:
    """What the campaign is up against: sentences that the firm has (after its filter), and how many are male."""

    size: int
    male: int

    @property
    def share(self) -> float:
        """Their male share."""
        return self.male / self.size

    @property
    def distance(self) -> float:
        """Pull that lies between them and the target."""
        return abs(self.male - TARGET * self.size)


def standings(verdicts: pd.DataFrame, world: World, confidence: float) -> pd.DataFrame:
    """Table monitor_standings: a row after every judged file with sentences, in their order.

    verdicts: table monitor_verdicts, file after file. The intervals are anytime-valid: of all rows together, with
    probability `confidence` or more, every pull_low..pull_high holds the mean pull that such a campaign was to be
    expected to have by then. share_low..share_high is the data's male share with such a pull, total_low..total_high
    what the campaign takes if it goes on so.
    """
    towards = 1 if world.share > TARGET else -1
    accepted = (verdicts["stage"] == ACCEPTED).to_numpy()
    male = (verdicts["gender"] == "male").to_numpy() & accepted
    pulls = towards * (TARGET * accepted - male)
    ends = (TARGET - 1, TARGET) if towards > 0 else (-TARGET, 1 - TARGET)
    means, lows, highs = confidence_sequence(pulls, *ends, confidence)
    numbers = verdicts["number"].to_numpy()
    last = np.flatnonzero(np.diff(numbers, append=np.nan) != 0) if len(numbers) else np.array([], dtype=int)
    sent, came, men = last + 1, np.cumsum(accepted)[last], np.cumsum(male)[last]

    def share(pull: np.ndarray) -> np.ndarray:
        left = TARGET + towards * (world.distance - sent * pull) / (world.size + came)
        return np.clip(left, 0, 1)

    shares = np.stack([share(pull[last]) for pull in (lows, highs)])
    total = [_total(world.distance, pull[last]) for pull in (means, highs, lows)]
    return pd.DataFrame(
        {
            "number": numbers[last],
            "sent": sent,
            "accepted": came,
            "male_accepted": men,
            "pull": means[last],
            "pull_low": lows[last],
            "pull_high": highs[last],
            "male_share": (world.male + men) / (world.size + came),
            "share_low": shares.min(axis=0),
            "share_high": shares.max(axis=0),
            "total": total[0],
            "total_low": total[1],
            "total_high": total[2],
        }
    )


def _total(distance: float, pull: np.ndarray) -> np.ndarray:
    """Sentences to be sent in all at that mean pull; NaN is never."""
    if not distance:
        return np.zeros(len(pull))
    return np.divide(distance, pull, out=np.full(len(pull), np.nan), where=pull > 0)


def projected(standing: pd.Series, points: pd.DataFrame | None, curve: pd.DataFrame | None) -> pd.DataFrame:
    """Sentences to be sent in all until the tipping point, by the data and by every fitted curve of a run.

    standing: a row of `standings`. points, curve: tables tipping_points and tipping_curve, or None. Columns basis
    (expected_line or fitted_curve), uptake, style, probe_set, total, low, high; NaN is never, or no end.
    """
    data = Range(*(math.inf if math.isnan(standing[c]) else standing[c] for c in ("total", "total_low", "total_high")))
    rows = [("expected_line", "", "", "", data)]
    if points is not None and curve is not None:
        for point, _, times in needs.multiples(points, curve):
            where = (point["uptake"], point["style"], point["probe_set"])
            rows.append(("fitted_curve", *where, data.times(times)))
    columns = ["basis", "uptake", "style", "probe_set"]
    named = pd.DataFrame([row[:4] for row in rows], columns=columns)
    found = np.array([row[4] for row in rows])
    found[np.isinf(found)] = np.nan
    return named.assign(total=found[:, 0], low=found[:, 1], high=found[:, 2])
