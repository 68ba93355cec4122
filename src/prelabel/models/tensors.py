"""A model's arrays as a safetensors file, and as views of one, paged in when used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save

from prelabel.errors import ArtifactError
from prelabel.models.base import Arrays

# https://huggingface.co/docs/safetensors/index#format: 8 bytes give the length of a JSON header,
# the header gives type, shape and offsets of each array, and the arrays follow.
_LENGTH_BYTES = 8
_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip

LARGEST = 1e12
"""No weight, coefficient or threshold of a fit comes near it."""


class _Entry(msgspec.Struct):
    """An array in the header of a safetensors file; offsets count from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def to_bytes(arrays: Arrays) -> bytes:
    """Return a safetensors file of these arrays.

    Raises
    ------
    ArtifactError
        If they cannot be stored.
    """
    # safetensors 0.8 writes the memory of an array as it lies, whatever its strides say.
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        return save(contiguous)
    except SafetensorError as error:
        kinds = ", ".join(f"{name}: {array.dtype}" for name, array in contiguous.items())
        raise ArtifactError(
            f"A model gave arrays that cannot be stored ({kinds})",
            expected=f"only the types {', '.join(_DTYPES)}",
            fix="Return numbers from to_arrays.",
        ) from error


def to_views(content: npt.NDArray[np.uint8]) -> Arrays:
    """Return the arrays of a safetensors file, which are views of its content.

    Raises
    ------
    KeyError, ValueError, msgspec.MsgspecError
        If it is none.
    """
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES].tobytes(), "little")
    header = content[_LENGTH_BYTES:start].tobytes()
    entries = msgspec.json.decode(header, type=dict[str, _Entry])
    return {name: _view(content[start:], entry) for name, entry in entries.items()}


def store_and_load(arrays: Arrays) -> Arrays:
    """Return a model's arrays as they will be once they were stored and loaded; read-only.

    Raises
    ------
    ArtifactError
        If they cannot be stored.
    """
    return to_views(np.frombuffer(to_bytes(arrays), np.uint8))


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


def _view(content: npt.NDArray[np.uint8], entry: _Entry) -> npt.NDArray[Any]:
    first, end = entry.data_offsets
    return content[first:end].view(_DTYPES[entry.dtype]).reshape(entry.shape)


def _unfit(name: str, received: str, *, expected: str) -> ArtifactError:
    return ArtifactError(
        f"The array {name} is {received}", expected=expected, fix="Train the project again."
    )
