from __future__ import annotations

import gc
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from prelabel.models.features import TfidfFeatures
from prelabel.models.reading_memory import MEMORY, ReadingMemory
from prelabel.models.scoring import LinearScores

N_LABELS = 200
N_TOKENS = 20_000


class Notes:
    """Remembers so many bytes."""

    def __init__(self, used_at_seconds: float, n_bytes: int) -> None:
        self.used_at_seconds = used_at_seconds
        self.n_bytes = n_bytes

    def forget(self) -> None:
        self.n_bytes = 0


def test_who_was_not_used_for_longest_forgets_until_the_limit_holds() -> None:
    memory, holders = ReadingMemory(100), [Notes(at, 40) for at in (3, 1, 2, 4)]
    for holder in holders:
        memory.join(holder)
    memory.keep_below()
    assert [holder.n_bytes for holder in holders] == [40, 0, 0, 40]
    assert memory.n_bytes == 80
    holders.append(Notes(5, 101))
    memory.join(holders[-1])
    memory.keep_below()
    assert memory.n_bytes == 0


def test_who_is_gone_is_not_counted() -> None:
    memory = ReadingMemory(100)
    memory.join(Notes(1, 90))
    assert memory.n_bytes == 0


def test_who_only_reads_has_others_forget_too() -> None:
    notes = Notes(-1, MEMORY.most_bytes)
    MEMORY.join(notes)
    make_scores(-2).features.recall(["a new word"])
    assert notes.n_bytes == 0


def test_texts_that_come_one_by_one_count_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    models = [make_scores(project) for project in range(100, 110)]
    monkeypatch.setattr(MEMORY, "most_bytes", 1_000_000)
    for number in range(1_500):
        for model in models:
            model.features.recall_one(f"text {number}")
        assert MEMORY.n_bytes <= MEMORY.most_bytes + len(models) * 70_000


def test_a_thousand_projects_that_have_read_little_have_room_together() -> None:
    gc.collect()
    before = MEMORY.n_bytes
    model = make_scores(-1)
    model(["some words"])
    assert 0 < 1000 * (MEMORY.n_bytes - before) < MEMORY.most_bytes


def make_scores(project: int) -> LinearScores:
    """A model of a vocabulary of its own, with many labels."""
    features = TfidfFeatures().fit([f"project{project} words of token"] * 2)
    coefficients = np.ones((features.n_features, N_LABELS), np.float32)
    return LinearScores(features, coefficients, np.zeros(N_LABELS, np.float32))


def write_texts(project: int) -> list[str]:
    tokens = [f"token{project}x{number}" for number in range(N_TOKENS)]
    return [" ".join(tokens[i : i + 100]) for i in range(0, N_TOKENS, 100)]


def test_a_model_that_needs_more_than_there_is_takes_it_from_others_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, big, texts = make_scores(-3), make_scores(-4), write_texts(0)
    monkeypatch.setattr(MEMORY, "most_bytes", 7 * N_TOKENS * N_LABELS)  # its table takes 8
    big.features.recall(texts)
    kept = []
    for _ in range(5):
        small(["some words", "some more"])
        big(texts[-1:])
        kept.append(small.n_bytes > 0)
    assert kept == [False, True, True, True, True]


def test_the_models_of_all_projects_together_remember_no_more_than_the_limit() -> None:
    models = [make_scores(project) for project in range(12)]
    scores = [model(write_texts(number)[:1]) for number, model in enumerate(models)]
    tracemalloc.start()
    try:
        for number, model in enumerate(models):
            model(write_texts(number))
            assert MEMORY.n_bytes <= MEMORY.most_bytes
            assert len(models) * model.n_bytes > 1.2 * MEMORY.most_bytes, "else it says nothing"
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.1 * MEMORY.most_bytes
    assert models[0].n_bytes == 0
    for number, model in enumerate(models):
        np.testing.assert_allclose(model(write_texts(number)[:1]), scores[number], rtol=1e-5)


@pytest.mark.parametrize("n_texts", [1, 20])
def test_scores_stay_right_while_others_have_it_forget(n_texts: int) -> None:
    model, texts = make_scores(0), write_texts(0)[:40]
    wanted, ends = model(texts), threading.Event()

    def forget() -> None:
        while not ends.is_set():
            model.forget()
            model.features.forget_tokens()

    with ThreadPoolExecutor(2) as threads:
        forgetting = threads.submit(forget)
        try:
            for start in range(0, 40, n_texts):
                found = model(texts[start : start + n_texts])
                np.testing.assert_allclose(found, wanted[start : start + n_texts], rtol=1e-5)
        finally:
            ends.set()
    forgetting.result()
