"""The key to a server: out of the environment, into the client, and nowhere else."""

from __future__ import annotations

import os

HIDDEN = "[key]"
# A server that asks for no key is sent this word, since the client insists on one.
NO_KEY = "none"


class SecretError(RuntimeError):
    """A key that is not there; the message names the variable."""


def read(variable: str) -> str:
    """The key in the environment variable of that name; NO_KEY where the name is empty.

    Raises SecretError if it is not set.
    """
    if not variable:
        return NO_KEY
    key = os.environ.get(variable, "").strip()
    if not key:
        raise SecretError(
            f"the environment variable {variable} is not set, but endpoint.key_variable says that it holds the key: "
            f"export {variable}=..., or make endpoint.key_variable empty for a server that asks for none"
        )
    return key


def scrub(text: str, key: str) -> str:
    """The text without the key, which a server may echo."""
    return text if key in ("", NO_KEY) else text.replace(key, HIDDEN)
