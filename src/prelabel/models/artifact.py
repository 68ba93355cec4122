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
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np

import prelabel
from prelabel.errors import ArtifactError
from prelabel.models.base import Arrays, Model, TextModel, labels_of
from prelabel.models.manifest import (
    FORMAT,
    MANIFEST,
    TRAIN_AGAIN,
    Manifest,
    StoredModel,
    read_manifest,
    unreadable,
)
from prelabel.models.tensors import to_bytes, to_views

_ARRAYS = "arrays.safetensors"


def save(
    models: Mapping[str, Model], folder: Path, *, receipt: Mapping[str, Any],
    beside: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write fitted models, by their controls' names, as a new folder, complete or not at all.

    A crash may leave a hidden ``.tmp`` folder beside it, which nothing reads.

    >>> save({"topic": model}, Path("versions/7"), receipt={"examples": 120})  # doctest: +SKIP

    Parameters
    ----------
    beside
        Values of JSON by the names of their files, which no model reads.

    Raises
    ------
    ArtifactError
        If the folder exists: a version never changes.
    """
    named = {
        f"{number}/{name}": array
        for number, model in enumerate(models.values())
        for name, array in model.to_arrays().items()
    }
    arrays = to_bytes(named)
    manifest = Manifest(
        format=FORMAT,
        heads=tuple(
            StoredModel(control=control, model=type(model).__name__, classes=labels_of(model))
            for control, model in models.items()
        ),
        sha256=hashlib.sha256(arrays).hexdigest(),
        prelabel=prelabel.__version__,
        receipt=dict(receipt),
    )
    values = {**(beside or {}), MANIFEST: manifest}
    written = {name: msgspec.json.encode(value) for name, value in values.items()}
    _write(folder, {_ARRAYS: arrays, **written})


def read_beside(folder: Path, name: str) -> Any:
    """Return a value that stands beside a version's arrays; raise `ArtifactError` if none does."""
    try:
        return msgspec.json.decode((folder / name).read_bytes())
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise unreadable(folder / name, error, expected="a file of JSON") from error


def is_whole(folder: Path) -> bool:
    """Whether a version is there and says what it is; its arrays are not read."""
    try:
        read_manifest(folder)
    except ArtifactError:
        return False
    return (folder / _ARRAYS).is_file()


def load(folder: Path, model_class: type[TextModel]) -> tuple[dict[str, Model], Manifest]:
    """Read what `save` wrote; the models' arrays are views of the file, paged in when used.

    Parameters
    ----------
    model_class
        The class that may have made the models, or its class for several labels.

    Raises
    ------
    ArtifactError
        If a file is missing, altered or cut short, was written in a newer format, or by another
        class than these.
    """
    manifest = read_manifest(folder)
    classes = {one.__name__: one for one in (model_class, model_class.several) if one}
    for head in manifest.heads:
        if head.model not in classes:
            raise ArtifactError(
                f"{folder} was written by the model class {head.model}",
                expected=" or ".join(classes),
                fix="Start the model directory that trained this version, or train the project "
                "again.",
            )
    arrays = _read_arrays(folder / _ARRAYS, sha256=manifest.sha256)
    try:
        models: dict[str, Model] = {
            head.control: classes[head.model].from_arrays(_of_head(arrays, number), head.classes)
            for number, head in enumerate(manifest.heads)
        }
    except (LookupError, TypeError, ValueError) as error:  # of a class that expects other arrays
        raise unreadable(folder, error, expected="the arrays of a model version") from error
    return models, manifest


def _of_head(arrays: Arrays, number: int) -> Arrays:
    """Arrays of one model; format 1 knew no other, and no prefix."""
    prefix = f"{number}/"
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix) or "/" not in name
    }


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


def _read_arrays(path: Path, *, sha256: str) -> Arrays:
    """Map the file, read-only, and give views of it once its checksum is right."""
    try:
        content = np.asarray(np.memmap(path, mode="r"))
    except (OSError, ValueError) as error:  # ValueError: nothing can be mapped of an empty file
        raise unreadable(path, error, expected="the arrays of a model version") from error
    found = hashlib.sha256(content.data).hexdigest()
    if found != sha256:
        raise ArtifactError(
            f"{path} has the checksum {found}: it was altered or cut short",
            expected=sha256,
            fix=TRAIN_AGAIN,
        )
    try:
        return to_views(content)
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise unreadable(path, error, expected="a safetensors file") from error
