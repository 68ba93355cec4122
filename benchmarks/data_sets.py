"""Real data sets to measure on: one folder a set, as described in the data folder's README."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DataSet:
    """A data set of one label a text.

    Attributes
    ----------
    texts, labels
        The train split, cut to a number of texts.
    test_texts, test_labels
        The test split, whole.
    """

    name: str
    texts: Sequence[str]
    labels: Sequence[str]
    test_texts: Sequence[str]
    test_labels: Sequence[str]

    @property
    def names(self) -> dict[str, list[str]]:
        """What each label is called: as in most projects, nothing but the label itself."""
        return {label: [label] for label in sorted({*self.labels, *self.test_labels})}


def read_sets(folder: Path, names: Sequence[str], *, max_texts: int) -> Iterator[DataSet]:
    """Yield the sets of a folder, by name; those of several labels a text are left out.

    Parameters
    ----------
    names
        Which sets; none means all.
    max_texts
        How many texts of the train split to keep.
    """
    for path in sorted(folder.glob("*/meta.json")):
        meta = json.loads(path.read_text())
        if meta["multilabel"] or (names and path.parent.name not in names):
            continue
        train, test = (_read(path.parent / f"{part}.jsonl") for part in ("train", "test"))
        yield DataSet(
            name=path.parent.name,
            texts=[row["text"] for row in train[:max_texts]],
            labels=[row["label"] for row in train[:max_texts]],
            test_texts=[row["text"] for row in test],
            test_labels=[row["label"] for row in test],
        )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
