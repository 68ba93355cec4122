"""Labeling config XML → `LabelSchema`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from threading import Lock
from typing import Any, Self
from xml.etree.ElementTree import Element, ParseError

import msgspec
from cachetools import LRUCache, cached
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from prelabel.errors import LabelConfigError, shorten
from prelabel.label_config.controls import ControlTag
from prelabel.label_config.objects import OBJECT_TAGS, ObjectTag, read_object_tags
from prelabel.label_config.tags import CONTROL_TAGS, UnusableTagError, read_control_tag
from prelabel.label_config.visibility import name_labels

SUPPORTED = f"<{'>, <'.join(CONTROL_TAGS)}> about <{'>, <'.join(OBJECT_TAGS)}>"
_TAGS = {x.lower(): x for x in (*CONTROL_TAGS, *OBJECT_TAGS, "Choice", "View", "Repeater")}
"""As documented, by how the editor knows them."""

MAX_LABEL_CONFIG_CHARACTERS = 1_000_000
MAX_DEPTH = 100

REMEMBERED_CHARACTERS = 2_000_000
"""So much of labeling configs is remembered, with what they mean: those of hundreds of projects, or
two as long as may be. What they mean takes several times the memory."""


@dataclass(frozen=True, kw_only=True)
class LabelSchema:
    """What a labeling config means to a text classifier.

    Attributes
    ----------
    controls
        All that can be learned, in the order of the config; at least one.
    unusable
        Why each other control cannot be, for people.
    """

    controls: tuple[ControlTag, ...]
    unusable: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def has_urls(self) -> bool:
        """Whether tasks have only the address of some text."""
        return any(tag.is_url for tag in self._object_tags())

    def find_urls(self, data: Mapping[str, object]) -> frozenset[str]:
        """Return the addresses of the texts that a task has only addresses of."""
        found = (tag.find_url(data) for tag in self._object_tags())
        return frozenset(url for url in found if url)

    def _object_tags(self) -> Iterator[ObjectTag]:
        return (tag for control in self.controls for tag in control.object_tags)

    def to_mapping(self) -> list[dict[str, Any]]:
        """Return it as plain values, fit for JSON."""
        mapping: list[dict[str, Any]] = msgspec.to_builtins(self.controls)
        return mapping

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Read what `to_mapping` gave; raise `ValueError` for anything else."""
        try:
            controls = msgspec.convert(mapping, tuple[ControlTag, ...])
        except msgspec.ValidationError as error:
            raise ValueError(f"Received something else than controls ({error})") from error
        if not controls:
            raise ValueError("Received no controls; expected at least one")
        return cls(controls=controls)

    def digest(self) -> str:
        """Return six hexadecimal digits that stand for frames, manners, labels and their names."""
        means = [_means(control) for control in self.controls]
        # Of one plain control it is what it was before there could be several.
        told = means[0] if len(means) == 1 else tuple(means)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:6]


def _means(control: ControlTag) -> tuple[object, ...]:
    labels = sorted((label.value, label.names) for label in control.labels)
    plain = ControlTag(
        name=control.name, type=control.type, object_tags=control.object_tags, labels=control.labels
    )
    # Of one label that is always shown it is what it was before there were other manners.
    return (control.frame, labels) if control == plain else (control.frame, labels, control.manner)


def parse_label_config(label_config: str) -> LabelSchema:
    """Read a labeling config; recent ones are remembered.

    Raises
    ------
    LabelConfigError
        If it is not XML, defines entities, or has no control that can be learned.
    """
    if len(label_config) > MAX_LABEL_CONFIG_CHARACTERS:
        raise _unusable(f"Received a labeling config of {len(label_config)} characters")
    return _remember(label_config)[0]


def read_label_config(label_config: str | None) -> LabelSchema | None:
    """Return what a labeling config means; None if there is none, or it cannot be served."""
    try:
        return parse_label_config(label_config or "")
    except LabelConfigError:
        return None


@cached(LRUCache(REMEMBERED_CHARACTERS, getsizeof=itemgetter(1)), lock=Lock())
def _remember(label_config: str) -> tuple[LabelSchema, int]:
    return _parse(label_config), len(label_config)


def _parse(label_config: str) -> LabelSchema:
    root = _read_xml(label_config)
    objects, reasons = _read_object_tags(root)
    controls: dict[str, ControlTag] = {}
    unusable: list[str] = []
    for element, around in _walk(root):
        try:
            control = read_control_tag(element, around, objects, reasons)
        except UnusableTagError as error:
            unusable.append(f'<{element.tag} name="{_name_of(element)}">: {error}')
            continue
        if control:
            controls.setdefault(control.name, control)
    if controls:
        return LabelSchema(controls=name_labels(controls.values()), unusable=tuple(unusable))
    tags = ", ".join(sorted({shorten(element.tag) for element in root.iter()})[:20])
    why = "; ".join([*unusable[:5], f"its tags: {tags}"])
    raise _unusable(f"Received a labeling config without a usable control ({why})")


def _name_of(element: Element) -> str:
    """Return an element's name for a message."""
    return shorten(element.get("name", "")).strip("'")


def _walk(root: Element) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Yield every element in the order of the document, each with those around it."""
    waiting = [(root, tuple[Element, ...]())]
    while waiting:
        element, around = waiting.pop()
        if len(around) > MAX_DEPTH:
            raise _unusable(f"Received a labeling config nested more than {MAX_DEPTH} levels deep")
        yield element, around
        waiting += [(child, (*around, element)) for child in reversed(element)]


def _read_object_tags(
    root: Element,
) -> tuple[dict[str, tuple[ObjectTag, ...]], dict[str, str]]:
    """Return the usable object tags by name, and what all others with a name are."""
    objects: dict[str, tuple[ObjectTag, ...]] = {}
    reasons: dict[str, str] = {}
    for element in root.iter():
        tags, reason = read_object_tags(element)
        name = element.get("name", "")
        if tags:
            objects.setdefault(name, tags)
        elif name:
            reasons.setdefault(name, reason or f"it is no text but <{shorten(element.tag)}>")
    return objects, reasons


def _read_xml(label_config: str) -> Element:
    try:
        # Entities and document types have no use here and can be made to read files or to explode.
        root: Element = fromstring(label_config, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        kind = type(error).__name__ if isinstance(error, DefusedXmlException) else str(error)
        raise _unusable(f"Received a labeling config that cannot be read ({kind})") from error
    for element in root.iter():
        element.tag = _TAGS.get(element.tag.lower(), element.tag)
    return root


def _unusable(received: str) -> LabelConfigError:
    return LabelConfigError(
        received,
        expected=f"XML with {SUPPORTED}, which decide about a whole task",
        fix="Change it in Label Studio under Settings → Labeling Interface.",
    )
