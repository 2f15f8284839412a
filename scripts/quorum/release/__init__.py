"""The release: what a run leaves for others to build on, in one folder that says what it is."""

# The tables of a run that its release holds. What the run cost tells of a machine and an account, and stays.
TABLES = (
    "baseline_bias",
    "tipping_curve",
    "tipping_points",
    "domains",
    "wordings",
    "utility",
    "defenses",
    "defense_grid",
    "filter_curves",
    "filter_scores",
    "honest_costs",
    "paper_comparison",
    "plan",
    "minority_datasets",
    "minority_alpha",
    "minority_flips",
    "minority_baselines",
    "minority_signal",
)
