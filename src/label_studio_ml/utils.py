"""Helpers that model directories of the reference import."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlparse

from cachetools import LRUCache

from prelabel.errors import shorten

DATA_UNDEFINED_NAME = "$undefined$"

# Label Studio's own uploads and storages; anything else is a text, whatever it looks like.
_STORED = re.compile(r"(/?upload/|/data/upload/|/data/[^\s?]*\?d=|s3:|gs:|azure-blob:)\S+")


def get_env(name: str, default: Any = None, is_bool: bool = False) -> Any:
    """Return an environment variable, also under the names ``LABEL_STUDIO_…`` and ``HEARTEX_…``."""
    for key in (f"LABEL_STUDIO_{name}", f"HEARTEX_{name}", name):
        value = os.environ.get(key)
        if value is not None:
            return value.strip().lower() in {"1", "true", "yes", "on"} if is_bool else value
    return default


def get_single_tag_keys(
    parsed_label_config: Mapping[str, Any], control_type: str, object_type: str
) -> tuple[str, str, str, list[str]]:
    """Return from_name, to_name, data key and labels of a config's only control.

    Raises
    ------
    AssertionError
        If there is another number of controls or objects, or one of another kind.
    """
    if len(parsed_label_config) != 1:
        raise AssertionError(
            f"Received a labeling config with {len(parsed_label_config)} controls; this model "
            f"needs one <{control_type}> of one <{object_type}>"
        )
    ((name, info),) = parsed_label_config.items()
    kinds = [shown["type"] for shown in info["inputs"]]
    if info["type"] != control_type or kinds != [object_type] or len(info["to_name"]) != 1:
        raise AssertionError(
            f"Received a labeling config with <{info['type']}> of {kinds}; this model needs one "
            f"<{control_type}> of one <{object_type}>"
        )
    return name, info["to_name"][0], info["inputs"][0]["value"], info["labels"]


def get_first_tag_keys(
    parsed_label_config: Mapping[str, Any], control_type: str, object_type: str
) -> tuple[str | None, Any]:
    """Return the first control of a kind with an object of a kind, or two None."""
    for name, info in parsed_label_config.items():
        kinds = [shown["type"] for shown in info["inputs"]]
        if info["type"] == control_type and object_type in kinds:
            return name, info
    return None, None


def is_skipped(completion: Mapping[str, Any]) -> bool:
    """Whether a task's only annotation was skipped."""
    if len(completion["annotations"]) != 1:
        return False
    annotation = completion["annotations"][0]
    return bool(annotation.get("skipped") or annotation.get("was_cancelled"))


def get_choice(completion: Mapping[str, Any]) -> str:
    """Return the choice of a task's first annotation, whichever region it stands in.

    Raises
    ------
    ValueError
        If there is none.
    """
    for annotation in completion["annotations"]:
        for region in annotation["result"]:
            if choices := region.get("value", {}).get("choices"):
                return str(choices[0])
    raise ValueError("No annotation of the task has a choice")


def get_image_size(filepath: str) -> tuple[int, int]:
    """Return an image's width and height, turned upright; needs Pillow."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only where a model directory installs it

    with Image.open(filepath) as image:
        size: tuple[int, int] = ImageOps.exif_transpose(image).size
    return size


class InMemoryLRUDictCache:
    """Keeps the values used last, as many as its capacity."""

    def __init__(self, capacity: int = 1) -> None:
        self.capacity = capacity
        self.cache = LRUCache[Any, Any](capacity)

    def __contains__(self, key: object) -> bool:
        return key in self.cache

    def get(self, key: Any) -> Any:
        """Return a value; None if there is none."""
        return self.cache.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Keep a value, and let the longest unused go if it is one too many."""
        self.cache[key] = value


def match_labels(input: str, labels: Sequence[str]) -> list[str]:  # noqa: A002 - the reference's
    """Return for each line the label that is most like it."""
    return [
        max(labels, key=lambda label: difflib.SequenceMatcher(None, line, label).ratio())
        for line in input.splitlines()
    ]


def is_valid_url(path: str) -> bool:
    """Whether a text is a URL with a host."""
    try:
        found = urlparse(path)
    except ValueError:
        return False
    return bool(found.scheme and found.netloc)


def is_preload_needed(url: str) -> bool:
    """Whether a value names a file that Label Studio keeps: an upload, or one of its storages."""
    return _STORED.fullmatch(url) is not None


def compare_nested_structures(
    a: Any,
    b: Any,
    path: str = "",
    rel: float = 1e-4,
    abs: float | None = None,  # noqa: A002
) -> None:
    """Fail unless two values of JSON are the same but for small differences of their floats.

    Raises
    ------
    AssertionError
        If they differ; it names the place, as in ``results[0].score``.
    """
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            compare_nested_structures(a[key], b[key], f"{path}.{key}", rel, abs)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, pair in enumerate(zip(a, b, strict=True)):
            compare_nested_structures(*pair, f"{path}[{number}]", rel, abs)
    elif isinstance(a, float) and isinstance(b, float):
        if not math.isclose(a, b, rel_tol=rel, abs_tol=abs or 1e-12):
            raise AssertionError(f"{path or 'the whole'} is {a!r} and {b!r}")
    elif a != b:
        raise AssertionError(f"{path or 'the whole'} is {shorten(a)} and {shorten(b)}")
