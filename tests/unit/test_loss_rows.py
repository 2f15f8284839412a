"""The fused loss at the model's own shapes, for every number of rows: in a process that a crash may end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

# A forward and backward pass in bfloat16 on one thread, as a job does it, beside float32.
PASS = """
import sys, torch
from quorum.uptake.fine_tune import fused_cross_entropy
torch.set_num_threads(1)
torch.manual_seed(0)
head = (torch.randn(49152, 576) / 24).bfloat16()
for n in map(int, sys.argv[1:]):
    hidden = torch.randn(n, 576).bfloat16().requires_grad_()
    exact = hidden.detach().float().requires_grad_()
    targets = torch.randint(0, 49152, (n,))
    fused_cross_entropy(hidden, head, targets).backward()
    torch.nn.functional.cross_entropy(exact @ head.float().T, targets).backward()
    similar = torch.nn.functional.cosine_similarity(hidden.grad.float(), exact.grad, dim=1)
    assert (similar > 0.99).all(), (n, similar.min())
"""


@pytest.mark.parametrize("rows", [(1, 16, 31), (32,), (33, 64), (320, 321), (352,)])
def test_no_number_of_rows_ends_the_process(rows):
    """32 rows, alone or left over after full blocks, once did (a division by zero inside PyTorch)."""
    done = subprocess.run(
        [sys.executable, "-c", PASS, *map(str, rows)],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
