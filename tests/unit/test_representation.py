from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from prelabel.models.representation import Representation

WORDS = [f"word{number}" for number in range(3000)]


def write_texts(seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, 30)) for _ in range(400)]


def learn(seed: int) -> Representation:
    return Representation.learn([], write_texts(seed), n_components=50, seed=0)


@pytest.fixture
def traced() -> Iterator[None]:
    learn(1).forget_tokens()  # so that what all of them share is there
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_after_a_fit_it_takes_as_much_memory_as_it_says() -> None:
    before, _ = tracemalloc.get_traced_memory()
    found = learn(2)
    found.forget_tokens()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    assert held - before == pytest.approx(found.n_bytes, rel=0.1)
