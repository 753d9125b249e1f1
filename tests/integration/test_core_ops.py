"""The ops that the port claims, held against host TensorFlow's registry."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tfport.core.port import read_port
from tfport.reference import TENSORFLOW_VERSION, installed_version
from tfport.target import ROOT

pytestmark = pytest.mark.skipif(
    installed_version() != TENSORFLOW_VERSION, reason="host TensorFlow is not installed"
)
# Ours, by the patches.
OURS = {"_XnnpackConv2D", "_XnnpackMatMul"}
ASK = """
import json
from tensorflow.python.framework import kernels
print(json.dumps(sorted({
    each.op for each in kernels.get_all_registered_kernels().kernel if each.device_type in ("CPU", "DEFAULT")
})))
"""


def test_host_tensorflow_has_a_kernel_for_every_op_of_the_port() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert read_port(ROOT) - set(json.loads(done.stdout)) == OURS
