from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from prelabel.custom.processes import KNOWN
from prelabel.custom.setups import Setups
from prelabel.errors import ModelError
from prelabel.types import ProjectKey
from tests.builders import PROJECT, TWIN


class Slow:
    """Answers when it is allowed to; counts how often it was asked."""

    def __init__(self, answer: bytes | ModelError = b"1") -> None:
        self.answer = answer
        self.allowed = threading.Event()
        self.asked: list[str] = []

    def ask(self, call: str, body: bytes, seconds: float) -> bytes:
        self.asked.append(f"{call} {body.decode()} {seconds:g}")
        assert self.allowed.wait(60)
        if isinstance(self.answer, ModelError):
            raise self.answer
        return self.answer


def test_an_answer_in_time_is_passed_on_and_an_error_raised() -> None:
    quick, failing = Slow(), Slow(ModelError("x", expected="y", fix="z"))
    quick.allowed.set()
    failing.allowed.set()
    setups = Setups()
    assert setups.ask(PROJECT, quick, b"b", 5) == b"1"
    assert quick.asked == ["setup b 5"]
    with pytest.raises(ModelError):
        setups.ask(PROJECT, failing, b"b", 5)


def test_a_late_answer_is_not_waited_for_and_asked_for_once() -> None:
    slow, setups = Slow(), Setups()
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda _: setups.ask(PROJECT, slow, b"b", 5), range(4)))
    assert (answers, len(slow.asked)) == ([None] * 4, 1)
    slow.allowed.set()
    assert setups.ask(PROJECT, slow, b"b", 5) == b"1"


def test_another_project_waits_for_its_own_model_only() -> None:
    slow, quick, setups = Slow(), Slow(b"2"), Setups()
    quick.allowed.set()
    assert setups.ask(PROJECT, slow, b"b", 5) is None
    assert setups.ask(TWIN, quick, b"b", 5) == b"2"
    slow.allowed.set()


def test_a_late_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    failing, setups = Slow(ModelError("x", expected="y", fix="z")), Setups()
    assert setups.ask(PROJECT, failing, b"b", 5) is None
    failing.allowed.set()
    with pytest.raises(ModelError):
        setups.ask(PROJECT, failing, b"b", 5)  # the same failure, or one of its own
    assert f"Project {PROJECT}: x" in caplog.text


def test_answers_of_a_bounded_number_of_projects_are_remembered() -> None:
    quick, setups = Slow(), Setups()
    quick.allowed.set()
    for number in range(KNOWN + 5):
        assert setups.ask(ProjectKey(number, 1), quick, b"b", 5) == b"1"
    assert len(setups._pending) == KNOWN
