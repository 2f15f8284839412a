"""llama.cpp's server on loopback: `python llama_server.py MODEL.gguf` prints its address, and ends with its input."""

from __future__ import annotations

import sys

import xllamacpp

SLOTS = 4
# Of one slot: longer than any prompt of the study with its four neighbours.
CONTEXT = 1024


def main(model: str) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * CONTEXT
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
