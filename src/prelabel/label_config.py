"""Labeling config XML → `LabelSchema`: which labels there are, and where the text is.

One reader a tag, in the two tables at the end: another control or object tag is one case there.
What the attributes mean: https://labelstud.io/tags/choices and https://labelstud.io/tags/text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from prelabel.errors import LabelConfigError, shorten
from prelabel.types import Annotation, Region

SUPPORTED = 'one <Text value="$…"> and one <Choices choice="single"> whose toName names it'
MAX_LABEL_CONFIG_CHARACTERS = 1_000_000

UNDEFINED_KEY = "$undefined$"
"""The data key of tasks uploaded as a plain file, before Label Studio knows the config's own
(Label Studio 1.23.2, ``core/settings/base.py``, ``DATA_UNDEFINED_NAME``)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectTag:
    """A tag that shows the item: where its text is found in a task's data."""

    name: str
    data_key: str

    def read_text(self, data: Mapping[str, object]) -> str | None:
        """Return the text to classify, or None where the task has none."""
        for keys in ([self.data_key], self.data_key.split("."), [UNDEFINED_KEY]):
            text = _to_text(_walk(data, keys))
            if text is not None:
                return text
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One answer a control tag offers.

    Attributes
    ----------
    value
        What annotations and predictions carry: the alias where there is one.
    names
        Every wording people see for it: value, alias, hint.
    """

    value: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlTag:
    """A tag that takes a decision, and the object tag it decides about."""

    name: str
    type: str
    object_tag: ObjectTag
    labels: tuple[Label, ...]

    @property
    def values(self) -> frozenset[str]:
        return frozenset(label.value for label in self.labels)

    def read_label(self, regions: Iterable[Region]) -> str | None:
        """Return the label that was chosen here, or None if nothing usable was.

        Regions of other controls and labels that the config no longer has are no decision.
        """
        for region in regions:
            if region.from_name != self.name:
                continue
            match region.value.get("choices"):
                case [str(label)] if label in self.values:
                    return label
        return None

    def write_label(self, label: str) -> Region:
        """Return the region that says ``label`` was chosen."""
        return Region(
            from_name=self.name,
            to_name=self.object_tag.name,
            type=self.type,
            value={"choices": [label]},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSchema:
    """What a labeling config means to a text classifier."""

    control: ControlTag

    @property
    def labels(self) -> tuple[Label, ...]:
        return self.control.labels

    def read_text(self, data: Mapping[str, object]) -> str | None:
        """Return the text in a task's data; None if it has none, or only white space."""
        text = self.control.object_tag.read_text(data)
        return text if text and not text.isspace() else None

    def read_label(self, annotation: Annotation) -> str | None:
        """Return what a person chose; None if they skipped, or decided nothing here."""
        return None if annotation.was_cancelled else self.control.read_label(annotation.regions)

    @property
    def frame(self) -> str:
        """What a prediction names besides its label: control, object and data key."""
        control, shown = self.control, self.control.object_tag
        return repr((control.name, control.type, shown.name, shown.data_key))

    def digest(self) -> str:
        """Return six hexadecimal digits that stand for the frame, the labels and their names."""
        labels = sorted((label.value, label.names) for label in self.labels)
        return hashlib.sha256(repr((self.frame, labels)).encode()).hexdigest()[:6]


def parse_label_config(label_config: str) -> LabelSchema:
    """Read a labeling config; recent ones are remembered.

    Raises
    ------
    LabelConfigError
        If it is not XML, defines entities, or has no control that can be learned.
    """
    if len(label_config) > MAX_LABEL_CONFIG_CHARACTERS:
        raise _unusable(f"Received a labeling config of {len(label_config)} characters")
    return _parse(label_config)


@lru_cache(maxsize=64)
def _parse(label_config: str) -> LabelSchema:
    root = _read_xml(label_config)
    objects: dict[str, ObjectTag] = {}
    for element in root.iter():
        read_object = OBJECT_TAGS.get(element.tag)
        if read_object and (tag := read_object(element)):
            objects.setdefault(tag.name, tag)
    for element in root.iter():
        read_control = CONTROL_TAGS.get(element.tag)
        if read_control and (control := read_control(element, objects)):
            return LabelSchema(control=control)
    tags = ", ".join(sorted({shorten(element.tag) for element in root.iter()})[:20])
    raise _unusable(f"Received a labeling config without a usable control (its tags: {tags})")


def _read_xml(label_config: str) -> Element:
    try:
        # Entities and document types have no use here and can be made to read files or to explode.
        root: Element = fromstring(label_config, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        kind = type(error).__name__ if isinstance(error, DefusedXmlException) else str(error)
        raise _unusable(f"Received a labeling config that cannot be read ({kind})") from error
    return root


def _unusable(received: str) -> LabelConfigError:
    return LabelConfigError(
        received,
        expected=f"XML with {SUPPORTED}",
        fix="Change it in Label Studio under Settings → Labeling Interface.",
    )


def _read_text_tag(element: Element) -> ObjectTag | None:
    name, value = element.get("name", ""), element.get("value", "")
    if not name or not value.startswith("$") or len(value) == 1:
        return None
    if element.get("valueType", "text") != "text":  # a text to fetch is not in the task
        return None
    return ObjectTag(name=name, data_key=value[1:])


def _read_choices_tag(element: Element, objects: Mapping[str, ObjectTag]) -> ControlTag | None:
    labels: dict[str, Label] = {}
    for choice in element.iter("Choice"):
        label = _read_choice_tag(choice)
        labels.setdefault(label.value, label)
    labels.pop("", None)
    targets = [objects[name] for name in _names(element.get("toName")) if name in objects]
    is_single = element.get("choice", "single") in {"single", "single-radio"}
    asks_about_a_part = element.get("perRegion") == "true" or element.get("perItem") == "true"
    name = element.get("name", "")
    if not name or not labels or not targets or not is_single or asks_about_a_part:
        return None
    return ControlTag(
        name=name,
        type="choices",
        object_tag=targets[0],
        labels=tuple(labels.values()),
    )


def _read_choice_tag(element: Element) -> Label:
    alias, value, hint = (element.get(key, "") for key in ("alias", "value", "hint"))
    names = tuple(dict.fromkeys(name for name in (value, alias, hint) if name))
    return Label(value=alias or value, names=names)


def _names(attribute: str | None) -> list[str]:
    return [name.strip() for name in (attribute or "").split(",")]


def _walk(data: Mapping[str, object], keys: Sequence[str]) -> object:
    value: object = data
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _to_text(value: object) -> str | None:
    """Text as Label Studio shows it: numbers as digits, a list as lines, anything else as none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        lines = (_to_text(item) for item in value if not isinstance(item, list))
        return "\n".join(line for line in lines if line) or None
    return None


OBJECT_TAGS: Mapping[str, Callable[[Element], ObjectTag | None]] = {"Text": _read_text_tag}

CONTROL_TAGS: Mapping[str, Callable[[Element, Mapping[str, ObjectTag]], ControlTag | None]] = {
    "Choices": _read_choices_tag,
}
