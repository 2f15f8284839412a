"""Quorum's library. After `import quorum` its modules are there by their names (quorum.collective, quorum.tables, ...);
each is imported when it is first used, so that the import itself costs nothing."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
