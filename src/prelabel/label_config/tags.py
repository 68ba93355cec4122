"""XML elements → control tags, one reader a tag, in the table at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from prelabel.errors import shorten
from prelabel.label_config.conditions import Condition
from prelabel.label_config.controls import ControlTag, Kind
from prelabel.label_config.labels import Label, read_choices, read_stars
from prelabel.label_config.objects import ObjectTag

_ALWAYS_SHOWN = {"", "no-region-selected"}
_HIDEABLE = ("View", "Choices", "Taxonomy")
_BY_CHOICE = {"choice-selected": True, "choice-unselected": False}


class UnusableTagError(Exception):
    """A control that cannot be learned; says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answers:
    """What a control offers.

    Attributes
    ----------
    leaves_only
        Whether a path that is chosen ends where there is nothing below it.
    most_paths
        How many may be chosen; None if all may.
    may_be_empty
        Whether no label at all is an answer.
    """

    kind: Kind
    labels: tuple[Label, ...]
    as_paths: bool = False
    leaves_only: bool = False
    most_paths: int | None = None
    may_be_empty: bool = False


def read_control_tag(
    element: Element,
    around: Sequence[Element],
    objects: Mapping[str, Sequence[ObjectTag]],
    reasons: Mapping[str, str],
) -> ControlTag | None:
    """Return the control tag that an element is; None if it is none that takes such a decision.

    Parameters
    ----------
    around
        The elements it stands in: they may say when it is shown.
    objects
        Usable object tags by name.
    reasons
        Why other tags, by name, are none.

    Raises
    ------
    UnusableTagError
        If it is one that cannot be learned.
    """
    read_answers = CONTROL_TAGS.get(element.tag)
    if read_answers is None:
        return None
    if not element.get("name"):
        raise UnusableTagError("it has no name")
    _require_whole(element, "perRegion", "perItem")
    if any(tag.tag == "Repeater" for tag in around):
        raise UnusableTagError("it stands in a <Repeater>: it asks about each part of a task")
    answers = read_answers(element)
    options = element.get("value", "") if answers.kind is not Kind.RATING else ""
    if not answers.labels and not options.startswith("$"):
        raise UnusableTagError("it offers no labels")
    conditions = tuple(c for tag in (*around, element) if (c := _read_condition(tag)))
    return ControlTag(
        name=element.get("name", ""),
        type=element.tag.lower(),
        object_tags=_find_targets(element, objects, reasons),
        labels=answers.labels,
        kind=answers.kind,
        options_key=options[1:] if options.startswith("$") else None,
        as_paths=answers.as_paths,
        leaves_only=answers.leaves_only,
        most_paths=answers.most_paths,
        may_be_empty=answers.may_be_empty,
        conditions=conditions,
    )


def _require_whole(element: Element, *attributes: str) -> None:
    for part in attributes:
        if element.get(part) == "true":
            raise UnusableTagError(
                f'{part}="true" asks about a part of a task, not about all of it'
            )


def _find_targets(
    element: Element, objects: Mapping[str, Sequence[ObjectTag]], reasons: Mapping[str, str]
) -> tuple[ObjectTag, ...]:
    names = [name.strip() for name in element.get("toName", "").split(",")]
    found = tuple(tag for name in dict.fromkeys(names) for tag in objects.get(name, ()))
    if not found:
        why = [f'"{shorten(name)}": {reasons.get(name, "there is no such tag")}' for name in names]
        raise UnusableTagError(f"it is about no text ({', '.join(why[:5])})")
    return found


def _read_condition(element: Element) -> Condition | None:
    """Return what ``visibleWhen`` of a control, or of a view around it, asks for.

    Without it, ``whenChoiceValue`` alone asks for that one label of any ``Choices``, by its alias
    where it has one. Of other tags the editor takes no notice of these attributes.
    """
    when, value = element.get("visibleWhen", ""), element.get("whenChoiceValue", "")
    if element.tag not in _HIDEABLE:
        return None
    if value and not when:
        return Condition(control="", labels=frozenset((value,)), wants_chosen=True, is_literal=True)
    if when in _ALWAYS_SHOWN:
        return None
    if when not in _BY_CHOICE:
        raise UnusableTagError(f'visibleWhen="{shorten(when)}" asks about a part of a task')
    control, wants_chosen = element.get("whenTagName", ""), _BY_CHOICE[when]
    # Where no tag is named, whatever is chosen hides what asks for nothing to be chosen.
    listed = value.split(",") if control or wants_chosen else []
    return Condition(
        control=control, labels=frozenset(filter(None, listed)), wants_chosen=wants_chosen
    )


def _read_choices_tag(element: Element) -> _Answers:
    several = element.get("choice", "single") == "multiple"
    as_paths = element.get("allowNested") == "true"
    return _Answers(
        kind=Kind.SEVERAL if several else Kind.ONE,
        labels=read_choices(element, as_paths=as_paths),
        as_paths=as_paths,
        leaves_only=as_paths,  # of what has more below it, the editor ticks all of that or nothing
        may_be_empty=several and element.get("required") != "true",
    )


def _read_taxonomy_tag(element: Element) -> _Answers:
    _require_whole(element, "labeling")
    if element.get("apiUrl"):
        raise UnusableTagError("its labels are at an address (apiUrl), not in the config")
    most = element.get("maxUsages", "").strip()
    return _Answers(
        kind=Kind.SEVERAL,
        labels=read_choices(element, as_paths=True),
        as_paths=True,
        leaves_only=element.get("leafsOnly") == "true",
        most_paths=int(most) if most.isascii() and most.isdigit() and len(most) < 10 else None,
        may_be_empty=element.get("required") != "true",
    )


def _read_rating_tag(element: Element) -> _Answers:
    return _Answers(kind=Kind.RATING, labels=read_stars(element))


CONTROL_TAGS: Mapping[str, Callable[[Element], _Answers]] = {
    "Choices": _read_choices_tag,
    "Taxonomy": _read_taxonomy_tag,
    "Rating": _read_rating_tag,
}
