"""Which control an export's labels belong to, and where its texts are, if no config says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from prelabel.errors import ConfigError, shorten
from prelabel.label_config import (
    UNDEFINED_KEY,
    ControlTag,
    Kind,
    Label,
    LabelSchema,
    ObjectTag,
)
from prelabel.label_studio.rows import Row, read_list, unusable
from prelabel.protocol.values import to_regions
from prelabel.types import Region

LABEL_KEY, _TEXT_KEY = "label", "text"
"""What label and text are called in files that are not Label Studio's."""

META_KEYS = frozenset(
    ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
)
"""What a JSON-MIN row says besides the task's data and its labels (label-studio-sdk 2.1.2,
``converter/converter.py``, ``convert_to_json_min``)."""

_PLAIN_LABELS = "labels that are texts or whole numbers"

_GIVE_CONFIG = (
    "Give the labeling config (Label Studio: Settings → Labeling Interface → Code): "
    "--config label_config.xml."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """A control, and the key under which flat rows have what was decided there."""

    control: ControlTag
    label_key: str

    def read_region(self, row: Row) -> Region | None:
        """Return what a flat row says was decided; None if it says nothing.

        JSON-MIN has a single choice as a string, several as ``{"choices": […]}``, and of any other
        control a list of such objects (label-studio-sdk 2.1.2, ``converter/utils.py``,
        ``prettify_result``).
        """
        kind = self.control.type
        value = _unwrap(row.get(self.label_key), kind)
        if value in (None, "", []):
            return None
        if self.control.kind is Kind.RATING:
            decided: object = int(str(value)) if str(value).isdecimal() else value
        elif self.control.as_paths and _is_path(value):  # the only one that was chosen
            decided = [value]
        else:
            decided = value if isinstance(value, list) else [str(value)]
        return Region(
            from_name=self.control.name,
            to_name=self.control.object_tags[0].name,
            type=kind,
            value={kind: decided},
        )


def _unwrap(value: object, kind: str) -> object:
    """Return what stands under a kind of control in an object, or in the first of a list."""
    first = value[0] if isinstance(value, list) and value else value
    return first.get(kind) if isinstance(first, dict) else value


def _is_path(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(level, str) for level in value)


def name_columns(schema: LabelSchema, rows: Iterable[Row]) -> list[Columns]:
    """Return the names that a labeling config gives, of each control that flat rows may have.

    Of a single control, those that are not Label Studio's may have the label under another key.
    """
    plain = [row for row in rows if _is_plain(row)]
    is_alone = len(schema.controls) == 1
    return [
        Columns(
            control=control,
            label_key=LABEL_KEY
            if is_alone and plain and not any(control.name in row for row in plain)
            else control.name,
        )
        for control in schema.controls
    ]


def find_schema(path: Path, rows: Sequence[Row]) -> LabelSchema:
    """Return what must be meant: one control that chooses one of all labels that were chosen.

    A flat row does not name the object tag: it is taken to be called as the data key, as in Label
    Studio's templates.

    Raises
    ------
    ConfigError
        If there are several controls or texts, which the message lists, or none.
    """
    choices = [choice for row in rows for choice in _find_choices(row)]
    names = sorted({choice.control for choice in choices})
    if not names:
        raise _without_choices(path, rows)
    _require_labels(path, rows)
    several = [choice for choice in choices if len(choice.labels) > 1]
    if len(names) == 1 and several:
        raise unusable(
            f"{path} has annotations that choose several labels ({len(several)} of {len(choices)}, "
            f"as {', '.join(several[0].labels[:5])})",
            expected="one label each, where no labeling config says that there may be several",
            fix=_GIVE_CONFIG,
        )
    keys = {key for row in rows for key in _find_texts(row)} - set(names)
    if len(keys) > 1:
        keys.discard(UNDEFINED_KEY)
    keys = {_TEXT_KEY} if _TEXT_KEY in keys and all(map(_is_plain, rows)) else keys
    control = _only(path, names, "controls with choices")
    data_key = _only(path, sorted(keys), "texts")
    shown = sorted({choice.target for choice in choices if choice.target}) or [data_key]
    labels = sorted({label for choice in choices for label in choice.labels})
    tag = ControlTag(
        name=control,
        type="choices",
        object_tags=(ObjectTag(name=_only(path, shown, "object tags"), data_key=data_key),),
        labels=tuple(Label(value=label, names=(label,)) for label in labels),
    )
    return LabelSchema(controls=(tag,))


def is_json_min(row: Row) -> bool:
    """Whether Label Studio wrote a flat row: it names the annotator, if there was none as null."""
    return {"id", "annotator"} <= row.keys()


def is_flat(row: Row) -> bool:
    """Whether the task's data are the row's own keys, as in JSON-MIN."""
    return not isinstance(row.get("data"), dict)


def _is_plain(row: Row) -> bool:
    """Whether a flat row is not Label Studio's."""
    return is_flat(row) and not is_json_min(row)


class _Choice(NamedTuple):
    """What an annotation chose: the control's name, the object tag's if it is said, the labels."""

    control: str
    target: str
    labels: tuple[str, ...]


def _find_choices(row: Row) -> Iterator[_Choice]:
    """Yield what was chosen in a row, one or several labels at once."""
    if not is_flat(row):
        for region in _find_regions(row):
            labels = _read_labels(region.value.get("choices"))
            if labels and not region.is_of_part:
                yield _Choice(region.from_name, region.to_name, labels)
        return
    keys = list(row)
    if is_json_min(row):  # JSON-MIN writes its labels between these two
        keys = keys[keys.index("id") + 1 : keys.index("annotator")]
    else:
        keys = [LABEL_KEY] if LABEL_KEY in row else []
    for key in keys:
        value = row[key]
        if labels := _read_labels(value.get("choices") if isinstance(value, dict) else value):
            yield _Choice(key, "", labels)


def _read_labels(value: object) -> tuple[str, ...]:
    labels = value if isinstance(value, list) else [value]
    is_label = [isinstance(x, str | int) and not isinstance(x, bool) and x != "" for x in labels]
    return tuple(map(str, labels)) if labels and all(is_label) else ()


def _require_labels(path: Path, rows: Sequence[Row]) -> None:
    """Raise `ConfigError` if rows that are not Label Studio's have labels that cannot be meant."""
    plain = [row.get(LABEL_KEY) for row in rows if _is_plain(row)]
    odd = [label for label in plain if isinstance(label, bool | float)]
    if odd:
        raise unusable(
            f"{path} has labels that are {type(odd[0]).__name__} (as {odd[0]}; {len(odd)} of "
            f"{len(plain)})",
            expected=_PLAIN_LABELS,
            fix="Write them as texts.",
        )


def _without_choices(path: Path, rows: Sequence[Row]) -> ConfigError:
    regions = [region for row in rows if not is_flat(row) for region in _find_regions(row)]
    types = sorted({f"{r.type} of a part of a text" if r.is_of_part else r.type for r in regions})
    labels = [row.get(LABEL_KEY) for row in rows if is_flat(row)]
    kinds = sorted({f"a label that is {type(x).__name__}" for x in labels if x})
    found = f" (but {', '.join([*types, *kinds][:10])})" if types or kinds else ""
    plain = [row for row in rows if _is_plain(row)]
    if plain and not found:
        keys = ", ".join(shorten(key) for key in sorted({key for row in plain for key in row})[:10])
        return unusable(
            f"{path} has no annotation that chooses a label, and none under {LABEL_KEY!r} (but "
            f"{keys})",
            expected='a line like {"text": "see you at six", "label": "ham"} for each text',
            fix="Rename what holds the labels.",
        )
    return unusable(
        f"{path} has no annotation that chooses a label{found}",
        expected=_PLAIN_LABELS
        if kinds
        else "annotations with choices, or a labeling config that says what was decided",
        fix="" if kinds else _GIVE_CONFIG,
    )


def _find_regions(row: Row) -> Iterator[Region]:
    """Yield the regions of all annotations but those of skipped tasks."""
    for item in read_list(row.get("annotations")):
        if isinstance(item, dict) and not item.get("was_cancelled"):
            yield from to_regions(item.get("result"))


def _find_texts(row: Row) -> list[str]:
    if is_flat(row):
        return [key for key, value in row.items() if _is_text(value) and key not in META_KEYS]
    return [key for key, value in row["data"].items() if _is_text(value)]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _only(path: Path, names: Sequence[str], what: str) -> str:
    if len(names) == 1:
        return names[0]
    found = ", ".join(names[:10]) or "none"
    raise unusable(f"{path} has several {what} ({found})" if names else f"{path} has no {what}",
                   expected=f"one of the {what}", fix=_GIVE_CONFIG)  # fmt: skip
