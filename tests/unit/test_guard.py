"""Calls of a model of one's own: in turn, checked, and its failures told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from prelabel.errors import ModelError
from prelabel.loop.guard import guard
from tests.letters import Letters

TEXTS = ["aaa", "bbb"]


def make(answer: Any, seconds: float = 60) -> Letters:
    """Return a guarded model that predicts what a function gives."""
    model = Letters().fit(TEXTS, ["sports", "cooking"])
    object.__setattr__(model, "predict_proba", answer)
    guard([model], seconds)
    return model


def refusal(answer: Any) -> str:
    with pytest.raises(ModelError) as caught:
        make(answer).predict_proba(TEXTS)
    return str(caught.value)


def test_a_guarded_model_predicts_as_before_and_is_of_its_own_class() -> None:
    model = Letters().fit(TEXTS, ["sports", "cooking"])
    before = model.predict_proba(TEXTS)
    guard([model], 60)
    assert np.array_equal(model.predict_proba(TEXTS), before)
    assert type(model) is Letters


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.full((1, 2), 0.5), r"shape \(1, 2\)"),
        (np.full((2, 3), 0.3), r"shape \(2, 3\)"),
        ([[1], [0.5, 0.5]], "ValueError"),
        (None, r"shape \(\)"),
        (np.full((2, 2), np.nan), "no probabilities"),
        (np.full((2, 2), -0.5), "no probabilities"),
        (np.full((2, 2), 1.5), "no probabilities"),
        (np.full((2, 2), "x"), "no probabilities"),
    ],
)
def test_what_is_no_answer_is_said(answer: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        make(lambda _: answer).predict_proba(TEXTS)


@pytest.mark.parametrize("error", [RuntimeError("secret text"), TimeoutError(), SystemExit(3)])
def test_what_it_raises_is_told_by_its_line_and_logged_whole(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> Any:
        raise error

    said = refusal(fail)
    assert f"{type(error).__name__} at test_guard.py:" in said
    assert "secret" not in said
    assert type(error).__name__ in caplog.text


def test_one_thread_at_a_time_is_let_in() -> None:
    n_threads = 8
    inside, pause, together = threading.Lock(), threading.Event(), threading.Barrier(n_threads)

    def answer(_: Any) -> Any:
        assert inside.acquire(blocking=False)
        pause.wait(0.01)  # others would get in meanwhile
        inside.release()
        return np.full((2, 2), 0.5)

    model = make(answer)

    def ask(_: int) -> None:
        together.wait(60)
        model.predict_proba(TEXTS)

    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(ask, range(n_threads)))


def test_while_a_call_hangs_the_next_is_refused() -> None:
    go_on, began = threading.Event(), threading.Event()

    def hang(_: Any) -> Any:
        began.set()
        assert go_on.wait(60)
        return np.full((2, 2), 0.5)

    model = make(hang, seconds=0.2)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(model.predict_proba, TEXTS)
        assert began.wait(60)
        with pytest.raises(ModelError, match=r"busy with another request .* for 0\.2 s"):
            model.predict_proba(TEXTS)
        go_on.set()
        assert first.result().shape == (2, 2)
    assert model.predict_proba(TEXTS).shape == (2, 2)
