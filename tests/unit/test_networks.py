from __future__ import annotations

import hashlib

import numpy as np

from tfport.bench.cases import NAMED, STANDARD, TRAINED
from tfport.inputs import Array
from tfport.networks import CLASSES, LEAD, NETWORKS, _decide, weights


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


class Last:
    """A fully connected layer, and the model that ends with it."""

    def __init__(self) -> None:
        chance = np.random.default_rng(1)
        self.weights = [
            chance.normal(0, 0.2, (64, CLASSES)).astype(np.float32),
            np.zeros(CLASSES, np.float32),
        ]

    def get_layer(self, name: str) -> Last:
        return self

    def get_weights(self) -> list[Array]:
        return [each.copy() for each in self.weights]

    def set_weights(self, weights: list[Array]) -> None:
        self.weights = weights

    def scores(self, features: Array) -> Array:
        return np.asarray(features @ self.weights[0] + self.weights[1])


def test_a_deep_network_has_a_clear_winner_for_each_picture() -> None:
    """A score that is off by a tenth of the winner's cannot make another one win."""
    last = Last()
    pictures = list(np.random.default_rng(2).uniform(0, 6, (4, 1, 64)).astype(np.float32))
    _decide(lambda picture: [picture, last.scores(picture)], last, pictures)
    winners = set()
    for picture in pictures:
        scores = last.scores(picture)[0]
        second, first = np.argsort(scores)[-2:]
        winners.add(int(first))
        assert scores[first] - scores[second] > LEAD / 2
    assert winners == {200, 400, 600, 800}


def test_every_standard_network_can_be_made() -> None:
    assert set(STANDARD) <= set(NAMED) == {TRAINED, *NETWORKS}
