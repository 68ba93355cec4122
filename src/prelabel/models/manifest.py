"""What a version on disk says about itself."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from prelabel.errors import ArtifactError

FORMAT = 2
"""Number of the layout of a version, written into every manifest.

To change the layout: raise the number by one, teach `load` to read the old number as well as the
new one, add a folder written by the last release to the tests of old versions, and name the change
in the changelog. A reader refuses a number above its own; it never guesses.
"""

MANIFEST = "manifest.json"
_RAISE_LIMIT = "Allow more open files (ulimit -n), or lower PRELABEL_RESIDENT_MODELS."
TRAIN_AGAIN = "Restore the folder from a copy, or train the project again."


class _Format(msgspec.Struct):
    """All that can be known of a manifest before its format is."""

    format: int


class StoredModel(msgspec.Struct, frozen=True, kw_only=True):
    """One of a version's models.

    Attributes
    ----------
    control
        Name of the control tag it decides about; empty in format 1, which had a single model.
    model
        Name of the class that made its arrays.
    classes
        Names of the columns of its probabilities.
    """

    control: str
    model: str
    classes: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a version says about itself.

    Attributes
    ----------
    format
        The `FORMAT` it was written in.
    heads
        Its models. The arrays of the first are named ``0/coefficients``, and so on.
    sha256
        Of the file of arrays, in hexadecimal.
    prelabel
        Version of prelabel that wrote it.
    receipt
        What it was made from and how well it measured, as the caller put it; any JSON.
    """

    format: int
    heads: tuple[StoredModel, ...]
    sha256: str
    prelabel: str
    receipt: dict[str, Any]


class _ManifestOfFormat1(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    classes: tuple[str, ...]
    sha256: str
    prelabel: str
    receipt: dict[str, Any]


def read_manifest(folder: Path) -> Manifest:
    """Read a version's manifest, of this format or an older one; raise `ArtifactError` if not."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        written = msgspec.json.decode(content, type=_Format).format
        if written > FORMAT:
            raise ArtifactError(
                f"{folder} was written in format {written}",
                expected=f"format {FORMAT} or older",
                fix="Install the release of prelabel that wrote it, or a later one.",
            )
        return msgspec.json.decode(content, type=Manifest) if written > 1 else _upgrade(content)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise unreadable(path, error, expected="the manifest of a model version") from error


def _upgrade(content: bytes) -> Manifest:
    old = msgspec.json.decode(content, type=_ManifestOfFormat1)
    head = StoredModel(control="", model=old.model, classes=old.classes)
    return Manifest(
        format=1, heads=(head,), sha256=old.sha256, prelabel=old.prelabel, receipt=old.receipt
    )


def unreadable(path: Path, error: Exception, *, expected: str) -> ArtifactError:
    """Return the error for a file that cannot be read."""
    is_full = isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
    fix = _RAISE_LIMIT if is_full else TRAIN_AGAIN
    return ArtifactError(f"{path} cannot be read ({error})", expected=expected, fix=fix)


def digest_of(value: object, texts: Sequence[str] = ()) -> str:
    """Return the SHA-256 of a value and of texts, which are told apart by their lengths."""
    # As JSON, texts would take five times as long.
    described = json.dumps([value, [len(text) for text in texts]], sort_keys=True)
    digest = hashlib.sha256(described.encode())
    digest.update("".join(texts).encode(errors="surrogatepass"))
    return digest.hexdigest()
