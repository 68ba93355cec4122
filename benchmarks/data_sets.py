"""Real data sets to measure on: one folder a set, as described in the data folder's README."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

Labels = TypeVar("Labels", str, tuple[str, ...])
"""Of a text: its one label, or all it has."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet(Generic[Labels]):
    """A data set of one label a text, or of any number of them.

    Attributes
    ----------
    label_names
        All labels that a text of it has, sorted.
    texts, labels
        The train split, cut to a number of texts.
    test_texts, test_labels
        The test split, whole.
    """

    name: str
    label_names: Sequence[str]
    texts: Sequence[str]
    labels: Sequence[Labels]
    test_texts: Sequence[str]
    test_labels: Sequence[Labels]

    def list_names(self) -> dict[str, list[str]]:
        """Return what each label is called: as in most projects, nothing but the label itself."""
        return {label: [label] for label in self.label_names}

    def list_uncommon_names(self) -> dict[str, list[str]]:
        """Return the same, with a second name that is none, so that no name is a common one."""
        return {label: [label, "-"] for label in self.label_names}


Names = Callable[[DataSet[Any]], Mapping[str, Sequence[str]]]
"""Gives what each label of a set is called."""


def read_sets(folder: Path, names: Sequence[str], *, max_texts: int) -> Iterator[DataSet[str]]:
    """Yield the sets of one label a text of a folder, by name.

    Parameters
    ----------
    names
        Which sets; none means all.
    max_texts
        How many texts of the train split to keep.
    """
    for name, train, test in _read_parts(folder, names, is_of_several=False):
        yield DataSet(
            name=name,
            label_names=sorted({row["label"] for row in train[:max_texts] + test}),
            texts=[row["text"] for row in train[:max_texts]],
            labels=[row["label"] for row in train[:max_texts]],
            test_texts=[row["text"] for row in test],
            test_labels=[row["label"] for row in test],
        )


def read_sets_of_several(
    folder: Path, names: Sequence[str], *, max_texts: int
) -> Iterator[DataSet[tuple[str, ...]]]:
    """Yield the sets of several labels a text, as `read_sets` does those of one."""
    for name, train, test in _read_parts(folder, names, is_of_several=True):
        yield DataSet(
            name=name,
            label_names=sorted(
                {label for row in train[:max_texts] + test for label in row["label"]}
            ),
            texts=[row["text"] for row in train[:max_texts]],
            labels=[tuple(row["label"]) for row in train[:max_texts]],
            test_texts=[row["text"] for row in test],
            test_labels=[tuple(row["label"]) for row in test],
        )


def _read_parts(
    folder: Path, names: Sequence[str], *, is_of_several: bool
) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Yield name, train and test split of the sets of one kind."""
    for path in sorted(folder.glob("*/meta.json")):
        is_wanted = not names or path.parent.name in names
        if is_wanted and json.loads(path.read_text())["multilabel"] == is_of_several:
            yield (
                path.parent.name,
                _read(path.parent / "train.jsonl"),
                _read(path.parent / "test.jsonl"),
            )


def _read(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
