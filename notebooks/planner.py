# %% [markdown]
# # The planner: how many people are needed?
#
# From the data's own line alone, and with the curves and filters that a run has measured. It is arithmetic on what
# was seen, for the model, the training and the writing of that run; the column `assumptions` says so for each row.

# %%
import os
from pathlib import Path

import quorum

# %% [markdown]
# ## By the line alone
#
# A ward of 120 people beside a stream of 1,700 sentences that says *he* 79% of the time. How many must write ten
# sentences each until the data are even? And if the stream is ten times as long?

# %%
ward = quorum.planner.Scenario("ward", 0.79, 1_700, group_size=120)
archive = quorum.planner.Scenario("archive", 0.79, 17_000, group_size=120)
by_line = quorum.planner.plan([ward, archive])
by_line[["scenario", "needed_sentences", "needed_agents", "verdict"]]

# %% [markdown]
# ## By what a run has measured
#
# The folder `../results`, or the one that the environment variable `QUORUM_RESULTS` names.

# %%
tables = Path(os.environ.get("QUORUM_RESULTS", "../results")) / "tables"
names = ("tipping_points", "tipping_curve", "defense_grid")
measured = quorum.planner.plan([ward], *(quorum.tables.read_table(tables / f"{name}.parquet", name) for name in names))
measured[["basis", "style", "probe_set", "defense", "needed_agents", "agents_low", "agents_high", "verdict"]]

# %% [markdown]
# The interval of `needed_agents` is that of what was measured; it does not know whether your model is like the one of
# the run. `never` means that no number of sentences like these gets there.

# %%
print(measured["assumptions"].iloc[0])
