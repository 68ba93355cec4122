from __future__ import annotations

import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NoReturn

import pytest

from prelabel import errors
from prelabel.errors import (
    ConfigError,
    NotEnoughLabelsError,
    PrelabelError,
    StorageError,
    UpstreamError,
)

WORDS = {"received": "Received 3", "expected": "a text", "fix": "Send one."}


def all_classes(cls: type[PrelabelError] = PrelabelError) -> list[type[PrelabelError]]:
    found = [cls]
    for child in cls.__subclasses__():
        found += all_classes(child)
    return found


def drawn_tree() -> dict[str, str]:
    """Return each class of the drawing with the class it hangs from."""
    above, parents = ["PrelabelError"], {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│ ]*)[├└]── (\w+)", line):
            depth = len(found[1]) // 4 + 1
            parents[found[2]] = above[depth - 1]
            above[depth:] = [found[2]]
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    real = {cls.__name__: cls.__mro__[1].__name__ for cls in all_classes()[1:]}
    assert drawn_tree() == real
    assert len(real) >= 11


@pytest.mark.parametrize("cls", all_classes())
def test_every_error_says_what_it_stands_for(cls: type[PrelabelError]) -> None:
    assert cls.__doc__


def test_a_message_says_what_was_received_what_was_expected_and_what_to_do() -> None:
    error = ConfigError(WORDS["received"], expected=WORDS["expected"], fix=WORDS["fix"])
    assert str(error) == "Received 3. Expected: a text. Send one."
    assert (error.received, error.expected, error.fix) == tuple(WORDS.values())


@pytest.mark.parametrize("cls", [c for c in all_classes() if "__init__" not in vars(c)])
def test_every_plain_error_survives_pickling(cls: type[PrelabelError]) -> None:
    error = cls(WORDS["received"], expected=WORDS["expected"], fix=WORDS["fix"])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert (again.args, vars(again)) == (error.args, vars(error))


def test_no_examples_and_some_examples_are_told_apart() -> None:
    assert str(NotEnoughLabelsError({})).startswith("Not yet: no examples so far. Expected: ")
    assert "so far are ham: 1, spam: 3." in str(NotEnoughLabelsError({"spam": 3, "ham": 1}))


def fail(number: int) -> NoReturn:
    if number == 1:
        raise NotEnoughLabelsError({"spam": 3})
    raise UpstreamError("Received 503", expected="200", fix="Wait.", retryable=True)


def test_errors_cross_from_one_process_to_another_whole() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        first, second = (executor.submit(fail, number).exception() for number in (1, 2))
    assert isinstance(first, NotEnoughLabelsError)
    assert first.counts == {"spam": 3}
    assert str(first) == str(NotEnoughLabelsError({"spam": 3}))
    assert isinstance(second, UpstreamError)
    assert second.retryable is True
    assert second.received == "Received 503"


def test_a_pickled_error_keeps_what_was_added_to_it() -> None:
    error = StorageError(WORDS["received"], expected=WORDS["expected"], fix=WORDS["fix"])
    error.add_note("while starting")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while starting"]
