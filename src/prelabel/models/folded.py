"""What the models over `TfidfFeatures` have in common: names they know, arrays they keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prelabel.errors import ArtifactError
from prelabel.models.base import Arrays
from prelabel.models.common_words import find_words
from prelabel.models.examples import write_name
from prelabel.models.representation import Representation

LARGEST = 1e12
"""No weight, coefficient or threshold of a fit comes near it."""


def known_names(
    label_names: Mapping[str, Sequence[str]], representation: Representation
) -> dict[str, str]:
    """Texts of the labels' names; without those of whose words no text of the project has any."""
    meanings = find_words(label_names, representation)
    written = {
        label: write_name([*names, *([meanings[label]] if label in meanings else [])])
        for label, names in sorted(label_names.items())
    }
    features = representation.features
    vectors = features.transform(list(written.values()))
    n_words = np.diff(vectors[:, : features.n_words].tocsr().indptr)
    return {label: text for (label, text), n in zip(written.items(), n_words, strict=True) if n}


def check_arrays(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `ArtifactError` unless there are float32 arrays of these names and shapes.

    Their numbers must be such that no sum of them overflows: what is computed is finite then.
    """
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.float32:
            received = "missing" if array is None else f"{array.dtype}{array.shape}"
            raise _unfit(name, received, expected=f"float32{shape}")
        low, high = array.min(initial=0), array.max(initial=0)
        if not -LARGEST <= low <= high <= LARGEST:  # NaN is in no order
            raise _unfit(name, f"from {low} to {high}", expected=f"numbers up to {LARGEST:g}")


def _unfit(name: str, received: str, *, expected: str) -> ArtifactError:
    return ArtifactError(
        f"The array {name} is {received}", expected=expected, fix="Train the project again."
    )
