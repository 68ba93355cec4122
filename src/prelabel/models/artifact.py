"""A model version on disk: data, never code.

A version is a folder: ``arrays.safetensors`` holds the model's arrays, ``manifest.json`` says what
they are. It appears under its name complete or not at all, and is never changed afterwards.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save as to_safetensors

import prelabel
from prelabel.errors import ArtifactError
from prelabel.models.base import Arrays, TextModel

FORMAT = 1
"""Number of the layout of a version, written into every manifest.

To change the layout: raise the number by one, teach `load` to read the old number as well as the
new one, add a folder written by the last release to the tests of old versions, and name the change
in the changelog. A reader refuses a number above its own; it never guesses.
"""

_ARRAYS = "arrays.safetensors"
_MANIFEST = "manifest.json"
_TRAIN_AGAIN = "Restore the folder from a copy, or train the project again."

# https://huggingface.co/docs/safetensors/index#format: 8 bytes give the length of a JSON header,
# the header gives type, shape and offsets of each array, and the arrays follow.
_LENGTH_BYTES = 8
_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip

Model = TypeVar("Model", bound=TextModel)


class _Format(msgspec.Struct):
    """All that can be known of a manifest before its format is."""

    format: int


class _Entry(msgspec.Struct):
    """An array in the header of a safetensors file; offsets count from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a version says about itself.

    Attributes
    ----------
    format
        The `FORMAT` it was written in.
    model
        Name of the class that made the arrays.
    classes
        Names of the columns of its probabilities.
    sha256
        Of the file of arrays, in hexadecimal.
    prelabel
        Version of prelabel that wrote it.
    receipt
        What it was made from and how well it measured, as the caller put it; any JSON.
    """

    format: int
    model: str
    classes: tuple[str, ...]
    sha256: str
    prelabel: str
    receipt: dict[str, Any]


def save(
    model: TextModel, folder: Path, *, receipt: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> None:  # fmt: skip
    """Write a fitted model as a new folder, complete or not at all.

    A crash may leave a hidden ``.tmp`` folder beside it, which nothing reads.

    >>> save(model, Path("versions/7"), receipt={"examples": 120})  # doctest: +SKIP

    Parameters
    ----------
    beside
        More files by name, which no model reads.

    Raises
    ------
    ArtifactError
        If the folder exists: a version never changes.
    """
    arrays = _to_bytes(model.to_arrays())
    manifest = Manifest(
        format=FORMAT,
        model=type(model).__name__,
        classes=model.classes_,
        sha256=hashlib.sha256(arrays).hexdigest(),
        prelabel=prelabel.__version__,
        receipt=dict(receipt),
    )
    _write(folder, {**(beside or {}), _ARRAYS: arrays, _MANIFEST: msgspec.json.encode(manifest)})


def delete(folder: Path) -> None:
    """Remove a version's folder; it is no error if there is none."""
    shutil.rmtree(folder, ignore_errors=True)


def load(folder: Path, model_class: type[Model]) -> tuple[Model, Manifest]:
    """Read what `save` wrote; the model's arrays are views of the file, paged in when used.

    Raises
    ------
    ArtifactError
        If a file is missing, altered or cut short, was written in a newer format, or by another
        class than ``model_class``.
    """
    manifest = _read_manifest(folder)
    if manifest.model != model_class.__name__:
        raise ArtifactError(
            f"{folder} was written by the model class {manifest.model}",
            expected=model_class.__name__,
            fix="Start the model directory that trained this version, or train the project again.",
        )
    arrays = _read_arrays(folder / _ARRAYS, sha256=manifest.sha256)
    return model_class.from_arrays(arrays, manifest.classes), manifest


def _to_bytes(arrays: Arrays) -> bytes:
    # safetensors 0.8 writes the memory of an array as it lies, whatever its strides say.
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        return to_safetensors(contiguous)
    except SafetensorError as error:
        kinds = ", ".join(f"{name}: {array.dtype}" for name, array in contiguous.items())
        raise ArtifactError(
            f"A model gave arrays that cannot be stored ({kinds})",
            expected=f"only the types {', '.join(_DTYPES)}",
            fix="Return numbers from to_arrays.",
        ) from error


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder under another name, then rename it: that either happens or does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        for name, content in files.items():
            with (temporary / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(temporary)
        _rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder.parent)
    _sync(folder.parent.parent)  # which may have come into being just now


def _rename(temporary: Path, folder: Path) -> None:
    try:
        if folder.exists():  # POSIX would replace an empty folder
            raise FileExistsError(folder)
        temporary.rename(folder)
    except OSError as error:
        if not folder.exists():
            raise
        raise ArtifactError(
            f"{folder} exists",
            expected="a new name for a new version",
            fix="Store the model under the next version number.",
        ) from error


def _sync(directory: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / _MANIFEST
    try:
        content = path.read_bytes()
        written = msgspec.json.decode(content, type=_Format).format
        if written > FORMAT:
            raise ArtifactError(
                f"{folder} was written in format {written}",
                expected=f"format {FORMAT} or older",
                fix="Install the release of prelabel that wrote it, or a later one.",
            )
        return msgspec.json.decode(content, type=Manifest)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise _unreadable(path, error, expected="the manifest of a model version") from error


def _read_arrays(path: Path, *, sha256: str) -> Arrays:
    """Map the file, read-only, and give views of it once its checksum is right."""
    try:
        content = np.asarray(np.memmap(path, mode="r"))
    except (OSError, ValueError) as error:  # ValueError: nothing can be mapped of an empty file
        raise _unreadable(path, error, expected="the arrays of a model version") from error
    found = hashlib.sha256(content.data).hexdigest()
    if found != sha256:
        raise ArtifactError(
            f"{path} has the checksum {found}: it was altered or cut short",
            expected=sha256,
            fix=_TRAIN_AGAIN,
        )
    try:
        start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES].tobytes(), "little")
        header = content[_LENGTH_BYTES:start].tobytes()
        entries = msgspec.json.decode(header, type=dict[str, _Entry])
        return {name: _view(content[start:], entry) for name, entry in entries.items()}
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise _unreadable(path, error, expected="a safetensors file") from error


def _view(content: npt.NDArray[np.uint8], entry: _Entry) -> npt.NDArray[Any]:
    first, end = entry.data_offsets
    return content[first:end].view(_DTYPES[entry.dtype]).reshape(entry.shape)


def _unreadable(path: Path, error: Exception, *, expected: str) -> ArtifactError:
    return ArtifactError(f"{path} cannot be read ({error})", expected=expected, fix=_TRAIN_AGAIN)
