"""What changed from one labeling config to the next, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prelabel.label_config.controls import ControlTag
from prelabel.label_config.schema import LabelSchema

_SHOWN = 10


def describe_edit(before: LabelSchema, after: LabelSchema) -> str:
    """Return what an edit did to controls and labels, as one line.

    >>> from prelabel.label_config import parse_label_config
    >>> of = '<View><Text name="t" value="$t"/><Choices name="c" toName="t">{}</Choices></View>'
    >>> one, two = '<Choice value="a"/><Choice value="b"/>', '<Choice value="a"/>'
    >>> describe_edit(*(parse_label_config(of.format(inner)) for inner in (one, two)))
    '"c" has lost b (not predicted from now on; examples are kept)'
    """
    return "; ".join(_describe(_by_name(before), _by_name(after))) or "what is shown, or how"


def _by_name(schema: LabelSchema) -> dict[str, ControlTag]:
    return {control.name: control for control in schema.controls}


def _describe(before: dict[str, ControlTag], after: dict[str, ControlTag]) -> Iterator[str]:
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    if gone:
        yield (
            f"no control {_list(gone)} any more: what was decided there is kept, and learned "
            "again if the name comes back"
        )
    if new:
        yield f"new control {_list(new)}: it learns from what is decided from now on"
    for name in sorted(before.keys() & after.keys()):
        lost = before[name].values - after[name].values
        added = after[name].values - before[name].values
        if lost:
            yield f'"{name}" has lost {_list(lost)} (not predicted from now on; examples are kept)'
        if added:
            yield f'"{name}" has got {_list(added)}'


def _list(names: Iterable[str]) -> str:
    ordered = sorted(names)
    rest = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + rest
