# %% [markdown]
# # First look at a run
#
# Opens the tables of a finished run and asks them the main questions. The run is `../results`, or the folder that the
# environment variable `QUORUM_RESULTS` names. What each column means: `docs/tables.md`; how to read a figure:
# `docs/figures.md`.

# %%
import os
from pathlib import Path

import pandas as pd

import quorum

results = Path(os.environ.get("QUORUM_RESULTS", "../results"))


def table(name):
    """A table of the run, its columns and types checked."""
    return quorum.tables.read_table(results / "tables" / f"{name}.parquet", name)


# %% [markdown]
# ## What does the model say before anybody campaigns?

# %%
baseline = table("baseline_bias")
baseline[["probe_set", "domain", "coverage", "male_share", "clustered_low", "clustered_high", "exact_male_share"]]

# %% [markdown]
# `coverage` is the share of completions that name a gender at all: a share over few of them says little.
# `clustered_low` and `clustered_high` are the interval to judge by.
#
# ## How many voices does it take?

# %%
points = table("tipping_points")
points[["uptake", "style", "probe_set", "defense", "tipping_size", "fitted_size", "tipping_low", "tipping_high"]]

# %% [markdown]
# An empty `tipping_size` means that no swept size has an interval that includes 50%. The same as a curve, with the
# data's own share:

# %%
curve = table("tipping_curve")
undefended = curve[curve["defense"] == "none"]
undefended.pivot_table(index=["uptake", "style", "pool_size"], columns="probe_set", values="exact_male_share").round(2)

# %%
quorum.figures.draw(
    "tipping_curve",
    {
        "tipping_curve": curve,
        "tipping_points": points,
        "paper_reference": pd.read_csv("../resources/paper_reference.csv"),
    },
)

# %% [markdown]
# ## Which filters stop it, and at what price?

# %%
defenses = table("defenses")
held_out = defenses[defenses["probe_set"] == "held_out"]
held_out[["style", "defense", "reduction_pp", "recall", "false_positive_rate", "utility_retention"]].round(2)

# %% [markdown]
# `recall` is the share of the collective's sentences that the filter rejects, `false_positive_rate` what it rejects
# of the background. A filter with a high recall has not found bad people: it has found sentences unlike the ones it
# knows.
