# %% [markdown]
# # Your own collective in 20 lines
#
# Fifty people write ten sentences each; a firm's filters judge the stream that they arrive in. No model is trained
# here, so it takes seconds. What the numbers mean: `docs/method.md`, `docs/defenses.md`.

# %%
import pandas as pd

import quorum

professions = pd.read_csv("../resources/professions.csv")
ordinary = pd.read_csv("../resources/wordings/background.csv")
template = pd.read_csv("../resources/wordings/template.csv")
keywords = pd.read_csv("../resources/lexicons/keywords.csv")
firm = quorum.background.write_background(professions, ordinary, template, 1700, 0.79, 0.0, seed=1)
clean = quorum.background.write_background(professions, ordinary, template, 1000, 0.79, 0.0, seed=1_000_001)
pool = quorum.collective.write_pool(professions, template, "counter", 50, 10, 1700, 0.79, seed=1)
stream = quorum.contributions.assemble_stream(firm, pool, len(pool), seed=1)
seen, known = (quorum.defenses.blinded.blind_contributions(part) for part in (stream, clean))
scores = quorum.defenses.score(stream["contribution_id"].tolist(), seen, known, 1, keywords)
rows = quorum.filter_grid.cells(stream, *scores, quorum.defenses.DEFENSES, {"moderate": 0.05})
pd.DataFrame(rows).round(3)

# %% [markdown]
# `passed` is the share of the collective's sentences that get through, `background_rejected` what the filter costs
# ordinary text, and `data_male_share` what the firm's data say afterwards. These are sentences in one template, which
# filters find easily; try the other style, `varied.csv`, which is a grammar of thousands of wordings.

# %%
varied = pd.read_csv("../resources/wordings/varied.csv")
pool = quorum.collective.write_pool(professions, varied, "counter", 50, 10, 1700, 0.79, seed=1)
print(*(pool["prompt"] + pool["completion"]).head(3), sep="\n")

# %% [markdown]
# ## Your own sentences
#
# `contributions.read_submission` reads them from a file, `contributions.validate_submission` says which are accepted,
# and why others are not. Put the accepted ones in the place of `pool` above.

# %%
mine = pd.DataFrame(
    {"text": ["The nurse said that she would stay.", "Nice weather.", "<b>The nurse</b> said he left."]}
)
health = pd.read_csv("../resources/lexicons/health.csv")["term"]
accepted, rejections = quorum.contributions.validate_submission(mine, health, professions)
rejections
