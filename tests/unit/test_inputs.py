from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prelabel.models.inputs import (
    read_labels,
    read_names,
    read_sets,
    read_texts,
    read_weights,
    to_array,
)


@pytest.mark.parametrize(
    "texts",
    [
        ["see you", ""],
        ("see you", ""),
        iter(["see you", ""]),
        np.array(["see you", ""]),
        np.array(["see you", ""], object),
    ],
)
def test_whatever_holds_texts_is_read_in_order(texts: Any) -> None:
    assert read_texts(texts) == ["see you", ""]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("see you", "Received str as texts"),
        (b"see you", "Received bytes as texts"),
        (np.array([["see you"]]), "Received 2 dimensions as texts"),
        (["", None], r"NoneType \(None\) at position 1 of the texts"),
        (["", float("nan")], r"float \(nan\) at position 1"),
        ([["see", "you"]], "list .* at position 0"),
        ([1], r"int \(1\)"),
    ],
)
def test_what_are_no_texts_is_refused(texts: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_texts(texts)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ([np.str_("a")], ["a"]),
        ([1, 0], [1, 0]),
        (np.array([2.0, 0.0]), [2, 0]),
        ([np.int64(3), np.bool_(True)], [3, True]),
        ([], []),
    ],
)
def test_labels_are_texts_or_whole_numbers(labels: Any, expected: list[Any]) -> None:
    assert read_labels(labels) == expected


@pytest.mark.parametrize(
    "labels", [["a", 1], ["a", None], [None], [float("nan")], [0.5], [float("inf")], [("a",)]]
)
def test_labels_of_another_kind_or_of_two_are_refused(labels: Any) -> None:
    with pytest.raises(ValueError, match="expected texts only, or whole numbers only"):
        read_labels(labels)


def test_sets_of_labels_are_collections_and_not_the_letters_of_one() -> None:
    assert read_sets([("a", "b"), (), ["a"]]) == [{"a", "b"}, set(), {"a"}]
    for labels in (["late"], [None], [3]):
        with pytest.raises(ValueError, match="as the labels of text 0; expected a collection"):
            read_sets(labels)  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [None, 3, "ham"])
def test_names_that_are_no_list_are_refused(names: Any) -> None:
    with pytest.raises(ValueError, match="as names; expected a list of them"):
        read_names({"ham": names})


def test_a_name_that_is_no_list_is_refused() -> None:
    assert read_names({"ham": ["ham", "no spam"]}) == {"ham": ["ham", "no spam"]}
    with pytest.raises(ValueError, match="Received str as names"):
        read_names({"ham": "ham"})
    with pytest.raises(ValueError, match="Received list as label_names; expected a mapping"):
        read_names(["ham"])  # type: ignore[arg-type]


def test_rows_of_a_table_in_a_list_are_not_taken_for_labels() -> None:
    with pytest.raises(ValueError, match=r"repeats one; .* Give a table of zeros and ones as an"):
        read_sets([[1, 0, 1], [0, 1, 0]])


ODD_WEIGHTS = [
    [1.0], 1.0, [[1.0], [1.0]], [1.0, -1.0], [1.0, np.nan], [1.0, 1e39], [1e-300, 1e-300],
]  # fmt: skip


@pytest.mark.parametrize("weights", ODD_WEIGHTS)
def test_what_are_no_weights_is_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_weights(weights, n_texts=2, n_labels=2)


def test_an_array_of_labels_keeps_them_whole() -> None:
    assert to_array(["a\0", "b"]).tolist() == ["a\0", "b"]
    assert to_array([1, 0]).dtype == np.int64
    large = [2**64 - 1, 2**64 - 3, -1]
    assert to_array(large).tolist() == large
