from __future__ import annotations

import hashlib

import numpy as np

from tfport.bench.cases import NAMED, STANDARD, TRAINED
from tfport.networks import NETWORKS, weights


def test_weights_are_the_same_everywhere_and_differ_by_layer() -> None:
    """The digest is the promise: counts and scores of a bench must not depend on the machine."""
    first = weights("conv1", (7, 7, 3, 96), 147)
    digest = hashlib.sha256(first.tobytes()).hexdigest()
    assert digest == hashlib.sha256(weights("conv1", (7, 7, 3, 96), 147).tobytes()).hexdigest()
    assert digest.startswith("e17fc32e044634dd")
    assert not np.array_equal(first, weights("conv2", (7, 7, 3, 96), 147))


def test_activations_keep_their_size() -> None:
    """He: the variance of a weight is two over the number of inputs."""
    drawn = weights("layer", (3, 3, 256, 64), 9 * 256)
    assert drawn.dtype == np.float32
    assert abs(float(np.var(drawn)) * 9 * 256 - 2) < 0.02


def test_every_standard_network_can_be_made() -> None:
    assert set(STANDARD) <= set(NAMED) == {TRAINED, *NETWORKS}
