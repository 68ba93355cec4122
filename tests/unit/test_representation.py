from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.representation import Representation

WORDS = [f"word{number}" for number in range(1000)]


def write_texts(seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, 30)) for _ in range(150)]


def learn(seed: int) -> Representation:
    return Representation.learn([], write_texts(seed), n_components=20, seed=0)


def ask(seed: int) -> None:
    model = SklearnTextClassifier(n_components=20)
    model.find_silence({"word1": ["word1"], "word2": ["word2"]}, write_texts(seed))


@pytest.fixture
def traced() -> Iterator[None]:
    ask(1)  # so that what all of them share is there
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.usefixtures("traced")
def test_after_a_fit_it_takes_as_much_memory_as_it_says() -> None:
    before = held_bytes()
    found = learn(2)
    found.forget_tokens()
    assert held_bytes() - before == pytest.approx(found.n_bytes, rel=0.1)


@pytest.mark.usefixtures("traced")
def test_to_ask_whether_names_speak_leaves_no_more_than_what_is_counted() -> None:
    before = held_bytes()
    ask(3)
    held = held_bytes() - before
    assert held == pytest.approx(learn(3).n_bytes, rel=0.1)
