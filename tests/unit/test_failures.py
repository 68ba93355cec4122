from __future__ import annotations

import json

import pytest

from prelabel.models.failures import failed_in


def test_the_line_is_that_of_the_model_not_of_a_package_that_it_calls() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    found = failed_in("fit", caught.value).received
    assert found.startswith("The model failed in fit (JSONDecodeError at test_failures.py:")


def test_where_no_line_is_the_models_the_last_one_is_named() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    error = caught.value
    installed = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    assert " at decoder.py:" in failed_in("fit", installed).received


def test_an_error_that_was_never_raised_has_no_line() -> None:
    assert failed_in("fit", ValueError()).received == "The model failed in fit (ValueError)"
