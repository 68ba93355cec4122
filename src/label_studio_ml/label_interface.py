"""A labeling config as text models of the reference read it: its tags, by name and by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from prelabel.errors import LabelConfigError, shorten

LABEL_TAGS = frozenset({"Label", "Choice", "Relation"})
NO_CONTROLS = frozenset({"Filter"})
_KEYS = {"Choices": "choices", "Labels": "labels", "TextArea": "text", "Rating": "rating"}

T = TypeVar("T")
Filter = Callable[[str], bool]


class Region(dict[str, Any]):
    """A region of a prediction; its values are attributes, too: ``region.score = 0.9``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class Tag:
    """An element with a name.

    Attributes
    ----------
    tag, name, attr
        Its kind (``Choices``), its name, its attributes.
    """

    def __init__(self, element: Element) -> None:
        self.tag = element.tag
        self.attr: dict[str, str] = dict(element.attrib)
        self.name = self.attr.get("name", "")

    def is_kind(self, kinds: str | tuple[str, ...] | list[str]) -> bool:
        """Whether it is of a kind, or one of several; ``*`` and case as the SDK has them."""
        wanted = [kinds] if isinstance(kinds, str) else kinds
        return any(kind == "*" or kind.lower() == self.tag.lower() for kind in wanted)


class ObjectTag(Tag):
    """A tag that shows something of the task."""

    @property
    def value_name(self) -> str:
        """The key of the task's data: ``text`` for ``value="$text"``."""
        return (self.attr.get("value") or self.attr.get("valueList") or "").lstrip("$")

    @property
    def value_type(self) -> str | None:
        """Whether the data is the value (``text``) or tells where it is (``url``)."""
        return self.attr.get("valueType")


OBJECT_TAGS: dict[str, type[ObjectTag]] = {
    kind: type(f"{kind}Tag", (ObjectTag,), {"__doc__": f"A ``<{kind}>``."})
    for kind in ("Text", "HyperText", "Paragraphs", "List", "Image", "Audio", "Video", "TimeSeries")
}
"""Classes of objects by kind, for models that ask with isinstance."""


class ControlTag(Tag):
    """A tag that takes a decision about objects.

    Attributes
    ----------
    labels_attrs
        Its labels by value (or alias), each with the attributes of its element.
    """

    def __init__(self, element: Element) -> None:
        super().__init__(element)
        self.to_name = [name.strip() for name in self.attr["toName"].split(",")]
        self.objects: list[ObjectTag] = []
        self.labels_attrs: dict[str, Tag] = {}

    @property
    def labels(self) -> list[str]:
        """The values of its labels, in order."""
        return list(self.labels_attrs)

    def label(self, label: Any = None, **value: Any) -> Region:
        """Return the region that says a label was chosen here."""
        chosen = {} if label is None else {_KEYS.get(self.tag, self.tag.lower()): _as_list(label)}
        return Region(
            from_name=self.name,
            to_name=self.to_name[0],
            type=self.tag.lower(),
            value={**chosen, **value},
        )


class LabelInterface:
    """A labeling config's tags.

    >>> config = '<View><Text name="t" value="$text"/><Labels name="l" toName="t"/></View>'
    >>> LabelInterface(config).get_first_tag_occurence("Labels", "Text")
    ('l', 't', 'text')
    """

    def __init__(self, config: str) -> None:
        self.config = config
        root = _read(config)
        named = [element for element in root.iter() if element.get("name")]
        self._controls = {e.attrib["name"]: ControlTag(e) for e in named if _is_control(e)}
        shown = [e for e in named if not _is_control(e) and _shows(e)]
        self._objects = {e.attrib["name"]: OBJECT_TAGS.get(e.tag, ObjectTag)(e) for e in shown}
        for control in self._controls.values():
            control.objects = [self._objects[n] for n in control.to_name if n in self._objects]
        for control_name, element in _labels(root, None):
            value = element.get("alias") or element.get("value")
            if value and control_name in self._controls:
                self._controls[control_name].labels_attrs[value] = Tag(element)

    @property
    def controls(self) -> Iterator[ControlTag]:
        """Its control tags, in order."""
        return iter(self._controls.values())

    @property
    def objects(self) -> Iterator[ObjectTag]:
        """Its object tags, in order."""
        return iter(self._objects.values())

    @property
    def labels(self) -> list[dict[str, Tag]]:
        """The labels of each control."""
        return [control.labels_attrs for control in self.controls]

    def get_control(self, name: str | None = None) -> ControlTag:
        """Return a control; without a name, the first."""
        return _find(self._controls, name)

    get_output = get_control

    def get_object(self, name: str | None = None) -> ObjectTag:
        """Return an object; without a name, the first."""
        return _find(self._objects, name)

    def get_tag(self, name: str) -> Any:
        """Return a control or an object."""
        return _find({**self._objects, **self._controls}, name)

    def get_first_tag_occurence(
        self,
        control_type: str | tuple[str, ...],
        object_type: str | tuple[str, ...],
        name_filter: Filter | None = None,
        to_name_filter: Filter | None = None,
    ) -> tuple[str, str, str]:
        """Return the names of the first control and object of these kinds, and its data key.

        Raises
        ------
        ValueError
            If there are none.
        """
        for control in self.controls:
            if not control.is_kind(control_type) or (name_filter and not name_filter(control.name)):
                continue
            for shown in control.objects:
                if shown.is_kind(object_type) and (
                    to_name_filter is None or to_name_filter(shown.name)
                ):
                    return control.name, shown.name, shown.value_name
        raise ValueError(
            f"No control tag of type {control_type} and object tag of type {object_type} found in "
            "label config"
        )


def parse_config(config: str | None) -> dict[str, Any]:
    """Return the controls as plain values: ``{name: {type, to_name, inputs, labels, …}}``."""
    if not config:
        return {}
    return {
        control.name: {
            "type": control.tag,
            "to_name": control.to_name,
            "inputs": [
                {"type": shown.tag, "valueType": shown.value_type, "value": shown.value_name}
                for shown in control.objects
            ],
            "labels": control.labels,
            "labels_attrs": {value: tag.attr for value, tag in control.labels_attrs.items()},
        }
        for control in LabelInterface(config).controls
    }


def _read(config: str) -> Element:
    try:
        root: Element = fromstring(config, forbid_dtd=True)
    except (ParseError, ValueError) as error:
        raise LabelConfigError(
            f"Received a labeling config that cannot be read ({error})",
            expected="XML",
            fix="Change it in Label Studio under Settings → Labeling Interface.",
        ) from error
    return root


def _is_control(element: Element) -> bool:
    return bool(element.get("toName")) and element.tag not in NO_CONTROLS


def _shows(element: Element) -> bool:
    return bool(element.get("value") or element.get("valueList"))


def _labels(element: Element, control: str | None) -> Iterator[tuple[str, Element]]:
    """Yield each label with the control around it, however deep."""
    if element.get("name") and _is_control(element):
        control = element.get("name")
    for child in element:
        if child.tag in LABEL_TAGS and control is not None:
            yield control, child
        yield from _labels(child, control)


def _find(tags: Mapping[str, T], name: str | None) -> T:
    chosen = next(iter(tags), None) if name is None else name
    if chosen is None or chosen not in tags:
        raise KeyError(f"No tag {shorten(name)} among {', '.join(tags) or 'none'}")
    return tags[chosen]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
