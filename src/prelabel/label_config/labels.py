"""Labels: the answers that a control tag offers, in the labeling config or in a task's data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

MOST_STARS = 100
"""More than people can tell apart, and few enough to list."""

_BETWEEN_LEVELS = " / "
_STROKE = re.compile(r"(?<![^ ])\\*/(?![^ ])")
"""What stands alone in a level, and would part it in two: it is written with a backslash more."""
_MOST_LEVELS = 50

_Named = Iterator[tuple[tuple[str, ...], tuple[str, ...]]]  # paths, and what their ends are called


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One answer a control tag offers.

    Attributes
    ----------
    value
        What it is known by: the alias where there is one; of a tree, all levels, as `to_value`
        joins them: ``"Animals / Cats"``.
    names
        Every wording people see for it: value, alias, hint.
    path
        The levels of a tree from the top, each by its alias where there is one.
    """

    value: str
    names: tuple[str, ...]
    path: tuple[str, ...] = ()


def to_value(path: tuple[str, ...]) -> str:
    r"""Return what the label at the end of a path is known by.

    >>> to_value(("Animals", "Cats"))
    'Animals / Cats'
    >>> print(to_value(("Food / Drink", "Tea")))
    Food \/ Drink / Tea
    """
    return _BETWEEN_LEVELS.join(
        [_STROKE.sub(r"\\\g<0>", level) if "/" in level else level for level in path]
    )


def to_path(value: str) -> tuple[str, ...]:
    """Return the path that `to_value` was given."""
    levels = value.split(_BETWEEN_LEVELS)
    return tuple([_STROKE.sub(_plain_stroke, x) if "/" in x else x for x in levels])


def _plain_stroke(found: re.Match[str]) -> str:
    return found[0].removeprefix("\\")


def find_above(value: str) -> tuple[str, ...]:
    """Return the labels that stand above one, the next one first.

    >>> find_above("Animals / Cats / Tabbies")
    ('Animals / Cats', 'Animals')
    """
    path = to_path(value)
    return tuple([to_value(path[:n]) for n in range(len(path) - 1, 0, -1)])


def find_leaves(values: Iterable[str]) -> frozenset[str]:
    """Return those of some labels that are above no other."""
    found = frozenset(values)
    return found.difference(*map(find_above, found))


def read_choices(element: Element, *, as_paths: bool) -> tuple[Label, ...]:
    """Return the labels of the ``Choice`` tags under an element, each once.

    Where they are no paths, one below another is no label: the editor shows neither it nor that it
    was chosen (Label Studio 1.23.2: ``isSkipped`` of the editor's ``Choice``).
    """
    return _make_labels(_walk(element, ()), as_paths=as_paths)


def _walk(element: Element, above: tuple[str, ...]) -> _Named:
    for child in element:
        path = above
        if child.tag == "Choice":
            alias, value, hint = (child.get(key, "") for key in ("alias", "value", "hint"))
            if alias or value:
                path = (*above, alias or value)
                yield path, _once(value, alias, hint)
        yield from _walk(child, path)


def read_stars(element: Element) -> tuple[Label, ...]:
    """Return the labels of a ``Rating``: "1" up to its ``maxRating``, 5 by default."""
    given = element.get("maxRating", "5")
    n_stars = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    return tuple(Label(value=str(n), names=()) for n in range(1, min(n_stars, MOST_STARS) + 1))


def read_offered(options: object, *, as_paths: bool) -> tuple[Label, ...]:
    """Return the labels that a task's own data offers: strings, or objects with a ``value``."""
    return _make_labels(_walk_options(options, ()), as_paths=as_paths)


def _walk_options(options: object, above: tuple[str, ...]) -> _Named:
    if not isinstance(options, list) or len(above) == _MOST_LEVELS:
        return
    for option in options:
        if isinstance(option, str) and option:
            yield (*above, option), (option,)
        elif isinstance(option, Mapping):
            alias, value, hint = (_text(option.get(key)) for key in ("alias", "value", "hint"))
            if alias or value:
                path = (*above, alias or value)
                yield path, _once(value, alias, hint)
                yield from _walk_options(option.get("children"), path)


def _make_labels(named: _Named, *, as_paths: bool) -> tuple[Label, ...]:
    """Return a label for each path; of equal ones the first counts."""
    found: dict[str, Label] = {}
    for path, names in named:
        value = to_value(path) if as_paths else path[-1]
        if as_paths or len(path) == 1:
            found.setdefault(value, Label(value=value, names=names, path=path))
    return tuple(found.values())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
