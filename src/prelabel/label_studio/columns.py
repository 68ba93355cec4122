"""Which control an export's labels belong to, and where its texts are, if no config says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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

LABEL_KEY = "label"
"""What the label is called in files that are not Label Studio's."""

META_KEYS = frozenset(
    ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
)
"""What a JSON-MIN row says besides the task's data and its labels (label-studio-sdk 2.1.2,
``converter/converter.py``, ``convert_to_json_min``)."""

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

        JSON-MIN has a single choice as a string, several as ``{"choices": […]}``, a rating as a
        number and paths as lists (label-studio-sdk 2.1.2, ``converter/converter.py``).
        """
        value = row.get(self.label_key)
        kind = self.control.type
        if isinstance(value, dict):
            value = value.get(kind)
        if value in (None, "") or isinstance(value, bool):
            return None
        if self.control.kind is Kind.RATING:
            decided: object = int(value) if str(value).isdecimal() else value
        else:
            decided = value if isinstance(value, list) else [str(value)]
        return Region(
            from_name=self.control.name,
            to_name=self.control.object_tags[0].name,
            type=kind,
            value={kind: decided},
        )


def name_columns(schema: LabelSchema, rows: Iterable[Row]) -> list[Columns]:
    """Return the names that a labeling config gives, of each control that flat rows may have.

    Of a single control, they may have the label under another key, too.
    """
    flat = [row for row in rows if is_flat(row)]
    is_alone = len(schema.controls) == 1
    return [
        Columns(
            control=control,
            label_key=LABEL_KEY
            if is_alone and not any(control.name in row for row in flat)
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
    controls = {pair for row in rows for pair in _find_controls(row)}
    names = sorted({name for name, _ in controls})
    if not names:
        raise unusable(
            f"{path} has no annotation that chooses one label", expected="annotations with choices"
        )
    keys = {key for row in rows for key in _find_texts(row)} - set(names)
    if len(keys) > 1:
        keys.discard(UNDEFINED_KEY)
    control = _only(path, names, "controls with choices")
    data_key = _only(path, sorted(keys), "texts")
    shown = sorted({target for _, target in controls if target}) or [data_key]
    labels = sorted({label for row in rows for name, label in _find_labels(row) if name == control})
    tag = ControlTag(
        name=control,
        type="choices",
        object_tags=(ObjectTag(name=_only(path, shown, "object tags"), data_key=data_key),),
        labels=tuple(Label(value=label, names=(label,)) for label in labels),
    )
    return LabelSchema(controls=(tag,))


def is_flat(row: Row) -> bool:
    """Whether the task's data are the row's own keys, as in JSON-MIN."""
    return not isinstance(row.get("data"), dict)


def read_choice(region: Region) -> str | None:
    """Return the label that a region of any control chose; None if it chose several, or none."""
    match region.value.get("choices"):
        case [str(label)]:
            return label
    return None


def _find_controls(row: Row) -> Iterator[tuple[str, str]]:
    """Yield names of controls that choose one label, and of what they are about if that is said."""
    if is_flat(row):
        keys = list(row)
        if {"id", "annotator"} <= row.keys():  # JSON-MIN writes its labels between these two
            keys = keys[keys.index("id") + 1 : keys.index("annotator")]
        else:
            keys = [LABEL_KEY] if LABEL_KEY in row else []
        yield from ((key, "") for key in keys if isinstance(row[key], str | int))
        return
    regions = _find_regions(row)
    yield from ((r.from_name, r.to_name) for r in regions if read_choice(r) is not None)


def _find_labels(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each choice of one label: the control's name and the label."""
    if is_flat(row):
        keys = [name for name, _ in _find_controls(row)]
        yield from ((k, str(row[k])) for k in keys if row[k] != "" and not isinstance(row[k], bool))
        return
    regions = _find_regions(row)
    yield from ((r.from_name, label) for r in regions if (label := read_choice(r)) is not None)


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
