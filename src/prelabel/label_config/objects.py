"""Object tags: what shows the item, and where its text is in a task's data.

What the attributes mean: https://labelstud.io/tags/text, https://labelstud.io/tags/hypertext and
https://labelstud.io/tags/paragraphs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from prelabel.errors import shorten

UNDEFINED_KEY = "$undefined$"
"""The data key of tasks uploaded as a plain file, before Label Studio knows the config's own
(Label Studio 1.23.2, ``core/settings/base.py``, ``DATA_UNDEFINED_NAME``)."""

FETCHED_KEY = "$fetched$"
"""Where a task's data has the texts that were fetched for it, by their addresses."""

MAX_MARKUP_CHARACTERS = 1_000_000
"""So much of a task's markup is read; what follows is left out, as models leave out what follows
their longest text."""

OBJECT_TAGS = ("Text", "HyperText", "Paragraphs")
_ENCODINGS = {"none": "", "base64": "latin-1", "base64unicode": "utf-8"}
_WHERE_TEXT_IS_DATA = {"Text": "text", "HyperText": "text", "Paragraphs": "json"}
_NOT_READ = ("script", "style", "template", "head")
_KEY = re.compile(r"\$(\w+(?:[.\[]\w+\]?)*)")
_STEP = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectTag:
    """A tag that shows the item: where its text is found in a task's data.

    Attributes
    ----------
    kind
        Its XML tag: one of `OBJECT_TAGS`.
    author_key, utterance_key
        Of a dialogue (``Paragraphs``): where in each utterance its author and its words are.
    is_url
        Whether the task has only the address of its text (``valueType="url"``).
    encoding
        How the text is written: ``"none"``, ``"base64"`` (each byte a character) or
        ``"base64unicode"`` (UTF-8).
    """

    name: str
    data_key: str
    kind: str = "Text"
    author_key: str = "author"
    utterance_key: str = "text"
    is_url: bool = False
    encoding: str = "none"

    def read_text(self, data: Mapping[str, object]) -> str | None:
        """Return the text to classify, or None where the task has none, or none was fetched."""
        value = data.get(self.data_key)
        is_plain = self.kind == "Text" and self.encoding == "none" and not self.is_url
        if is_plain and isinstance(value, str):
            return value  # as nearly always
        if self.is_url:
            url = self.find_url(data)
            return None if url is None else self._to_text(self._find_fetched(data, url))
        return self._find(data, self._to_text)

    def find_url(self, data: Mapping[str, object]) -> str | None:
        """Return the address of the task's text; None where it has none."""
        return self._find(data, _to_url) if self.is_url else None

    def lacks_text(self, data: Mapping[str, object]) -> bool:
        """Whether the task has the address of a text that was not fetched, or cannot be read."""
        url = self.find_url(data)
        return url is not None and self._find_fetched(data, url) is None

    def _find(self, data: Mapping[str, object], read: Callable[[object], str | None]) -> str | None:
        found = read(walk(data, self.data_key))
        return read(data.get(UNDEFINED_KEY)) if found is None else found

    def _find_fetched(self, data: Mapping[str, object], url: str) -> object:
        fetched = data.get(FETCHED_KEY)
        text = fetched.get(url) if isinstance(fetched, Mapping) else None
        return _read_json(text) if self.kind == "Paragraphs" and isinstance(text, str) else text

    def _to_text(self, value: object) -> str | None:
        if self.kind == "Paragraphs" and isinstance(value, list):
            lines = [self._to_line(item) for item in value]
            return "\n".join(line for line in lines if line) or None
        text = _to_text(value) if self.encoding == "none" else _decode(value, self.encoding)
        return _strip_markup(text) if text and self.kind == "HyperText" else text

    def _to_line(self, item: object) -> str | None:
        """Return what was said, after who said it if that is known."""
        if not isinstance(item, Mapping):
            return _to_text(item)
        said, author = _to_text(item.get(self.utterance_key)), _to_text(item.get(self.author_key))
        return f"{author}: {said}" if author and said else said


def read_object_tags(element: Element) -> tuple[tuple[ObjectTag, ...], str]:
    """Return the object tags that an element is, one for each key it shows, or why it is none.

    The reason is empty for an element that is no object tag of a text at all.
    """
    name, value = element.get("name", ""), element.get("value", "")
    if element.tag not in OBJECT_TAGS or not name:
        return (), ""
    default = _WHERE_TEXT_IS_DATA[element.tag]
    value_type = element.get("valueType") or element.get("valuetype") or default
    if value_type not in {"text", "json", "url"}:
        return (), f"its valueType is {shorten(value_type)}, not text, json or url"
    encoding = "none" if element.tag == "Paragraphs" else element.get("encoding") or "none"
    if encoding not in _ENCODINGS:
        return (), f"its encoding is {shorten(encoding)}, not {', '.join(_ENCODINGS)}"
    keys, is_whole = _find_keys(value), value.startswith("$")
    if not keys or not (is_whole or (value_type == "text" and encoding == "none")):
        return (), f'its value is "{value}", which names no key of a task\'s data'
    return tuple(
        ObjectTag(
            name=name,
            data_key=key,
            kind=element.tag,
            author_key=element.get("nameKey") or "author",
            utterance_key=element.get("textKey") or "text",
            is_url=value_type == "url",
            encoding=encoding,
        )
        for key in keys
    ), ""


def _find_keys(value: str) -> Sequence[str]:
    """Return the keys of a task's data that a value shows, each once.

    As Label Studio (1.23.2, ``core/label_config.py``) takes it: what begins with ``$`` is one key,
    and anything else a text with keys in it, as in ``Subject: $title``.
    """
    if value.startswith("$"):
        return [value[1:]] if len(value) > 1 else []
    return list(dict.fromkeys(_KEY.findall(value)))


def walk(data: Mapping[str, object], data_key: str) -> object:
    """Return what a task's data has under a key, None if nothing.

    The key itself comes first; then what it says as a path, as in ``items[0].text``.
    """
    found = data.get(data_key)
    if found is not None:
        return found
    value: object = data
    for step in _STEP.findall(data_key):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 10:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return None if value is data else value


def _to_url(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _read_json(text: str) -> object:
    """Return what a dialogue's file says; what cannot be read says nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _decode(value: object, encoding: str) -> str | None:
    """Return the text of what is written in base64; None of anything else.

    As a browser reads it, white space and missing padding change nothing.
    """
    if not isinstance(value, str):
        return None
    written = "".join(value.split()).rstrip("=")
    padded = written + "=" * (-len(written) % 4)
    try:
        return base64.b64decode(padded, validate=True).decode(_ENCODINGS[encoding])
    except ValueError:
        return None


def _to_text(value: object) -> str | None:
    """Text as Label Studio shows it: numbers as digits, a list as lines, an object as none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        lines = (_to_text(item) for item in value if not isinstance(item, list))
        return "\n".join(line for line in lines if line) or None
    return None


def _strip_markup(markup: str) -> str:
    """Return the words of HTML; scripts and styles are none."""
    from lxml import etree  # noqa: PLC0415 - few projects need it

    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    # Half a surrogate pair is no text to a parser, and a NUL would end it.
    readable = markup[:MAX_MARKUP_CHARACTERS].replace("\0", " ").encode("utf-8", "replace")
    try:
        root = etree.fromstring(readable, parser)
    except etree.XMLSyntaxError:
        return ""  # there is nothing in it
    if root is None:
        return ""
    etree.strip_elements(root, *_NOT_READ, with_tail=False)
    # Words of two cells or paragraphs stay apart.
    return " ".join(" ".join(root.itertext()).split())
