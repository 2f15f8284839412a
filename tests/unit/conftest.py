from __future__ import annotations

from pathlib import Path

import pytest
import tiny_model

from quorum import models

RETRIEVED = Path(__file__).parents[2] / "resources" / "retrieved" / "model"
WEIGHTS = RETRIEVED / "model.safetensors"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """The tiny model on disk; nothing may write to it."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model.write_model(folder)
    return folder


@pytest.fixture
def tiny(tiny_folder) -> models.LocalModel:
    """The tiny model in float32, fresh: training puts its adapter into the network that it is given."""
    return models.load_local(tiny_folder, "float32")


@pytest.fixture(scope="session")
def retrieved_folder() -> Path:
    """The model of the study, where it was retrieved."""
    if not WEIGHTS.exists():
        pytest.skip(f"no {WEIGHTS}; `snakemake {WEIGHTS.relative_to(RETRIEVED.parents[2])}` retrieves it")
    return RETRIEVED
