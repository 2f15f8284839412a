"""What the benchmarks share: their options, the study they measure, and the table they leave."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import pandas as pd
import pytest

from quorum import background, collective, conditions, contributions, models, probes, settings
from quorum.uptake.fine_tune import Schedule
from quorum.uptake.in_context import Retrieval

ROOT = Path(__file__).parents[2]
# Helpers of the other tests: a server, a run in a folder of its own. Last, for some files have namesakes there.
sys.path += [str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "workflow")]
MODEL = ROOT / "resources" / "retrieved" / "model"
QUICK = 10
SEED = 1
Result = TypeVar("Result")
ROWS = pytest.StashKey[list[dict[str, Any]]]()


@dataclass(frozen=True)
class Study:
    """What is measured: the default configuration's world, campaign and probes, in the precision of this machine."""

    stream: pd.DataFrame
    probes: pd.DataFrame
    schedule: Schedule
    retrieval: Retrieval
    max_tokens: int
    dtype: str
    rates: dict[str, float]
    threads: int
    quick: bool
    encoded_share: float

    def fresh(self, dtype: str | None = None) -> models.LocalModel:
        """The model as released."""
        return models.load_local(MODEL, dtype or self.dtype, threads=self.threads)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="a tenth of sentences and probes; no ratio is required")
    parser.addoption("--threads", type=int, default=1, help="threads of both sides of every comparison (default 1)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture(scope="session")
def study(pytestconfig: pytest.Config) -> Study:
    import torch

    if not (MODEL / "config.json").is_file():
        pytest.fail(f"{MODEL}: no model; `make bench` retrieves it, or run `make` first", pytrace=False)
    quick, threads = pytestconfig.getoption("quick"), pytestconfig.getoption("threads")
    torch.set_num_threads(threads)
    config = settings.read(ROOT / "config" / "config.yaml")
    part = QUICK if quick else 1
    size, share = config["world"]["background_size"] // part, config["world"]["male_share"]
    pool_size = config["defense"]["at_size"] // part
    professions = pd.read_csv(ROOT / "resources" / "professions.csv")
    wordings = {path.stem: pd.read_csv(path) for path in (ROOT / "resources" / "wordings").glob("*.csv")}
    ordinary = background.write_background(
        professions, wordings["background"], wordings["template"], size, share, config["world"]["overlap"], SEED
    )
    each = config["collective"]["sentences_per_agent"]
    pool = collective.write_pool(
        professions, wordings["varied"], config["collective"]["strategies"][0], -(-pool_size // each), each, size,
        share, SEED,
    )  # fmt: skip
    asked = [
        probes.held_out_probes(professions, wordings["held_out"], config["probes"]["held_out"]),
        probes.matched_probes(professions, wordings["matched"], config["probes"]["matched"]),
    ]
    keys = ("layers", "rank", "alpha", "learning_rate", "epochs", "batch_size", "warmup")
    rates = models.measure_precision()
    return Study(
        stream=contributions.assemble_stream(ordinary, pool, pool_size, SEED),
        probes=pd.concat(asked, ignore_index=True).iloc[::part].reset_index(drop=True),
        schedule=Schedule(**{key: config["fine_tune"][key] for key in keys}),
        retrieval=Retrieval(**{key: config["in_context"][key] for key in Retrieval.__dataclass_fields__}),
        max_tokens=config["audit"]["max_tokens"],
        dtype=models.choose_precision(rates),
        rates=dict(rates),
        threads=threads,
        quick=quick,
        encoded_share=encoded_share(config),
    )


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Adds a row to the table: what was measured, here, the ordinary way, their ratio, what is required."""

    def add(
        what: str, value: float | str, other: float | str = "", ratio: float | str = "", required: str = ""
    ) -> None:
        pytestconfig.stash[ROWS].append(
            {"measured": what, "quorum": value, "ordinary": other, "ratio": ratio, "required": required}
        )

    return add


def encoded_share(config: dict[str, Any]) -> float:
    """Sentences that a run of the configuration encodes / sentences that it trains on."""
    trained = {
        conditions.folder(condition, config): condition
        for name in ("undefended", "defended")
        for condition in conditions.of_study(name, config)
        if condition["uptake"] == conditions.FINE_TUNE
    }
    pools = len(conditions.styles(config)) * len(conditions.strategies(config))
    pool = config["collective"]["agents"] * config["collective"]["sentences_per_agent"]
    encoded = len(config["seeds"]) * (config["world"]["background_size"] + pools * pool)
    return encoded / sum(config["world"]["background_size"] + c["pool_size"] for c in trained.values())


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """(what the work returns, its wall time in seconds)."""
    start = perf_counter()
    return work(), perf_counter() - start


def written(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    cells = [[f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    head = list(rows[0])
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *cells])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    size = (
        f"a tenth of the size (--quick, 1/{QUICK}): no ratio is required" if config.getoption("quick") else "full size"
    )
    heading = f"{size}; {config.getoption('threads')} thread(s); times in seconds"
    table = written(rows)
    terminalreporter.section("ratios")
    terminalreporter.write_line(f"{heading}\n\n{table}")
    name = "benchmarks_ratio_quick" if config.getoption("quick") else "benchmarks_ratio"
    folder = ROOT / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.md").write_text(f"{heading}\n\n{table}\n", encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
