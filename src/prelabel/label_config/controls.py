"""Control tags: which decision people take, how it is read and how it is written.

What the attributes mean: https://labelstud.io/tags/choices, https://labelstud.io/tags/taxonomy and
https://labelstud.io/tags/rating. What is written passes Label Studio's own validation
(label-studio-sdk 2.1.2, ``label_interface/control_tags.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from prelabel.label_config.conditions import Condition
from prelabel.label_config.labels import Label, find_leaves, read_offered, to_path, to_value
from prelabel.label_config.objects import ObjectTag, walk
from prelabel.types import Region


class Kind(StrEnum):
    """How many labels a decision has, and whether they are in an order."""

    ONE = "one"
    SEVERAL = "several"
    RATING = "rating"


@dataclass(frozen=True, kw_only=True)
class ControlTag:
    """A tag that takes a decision, and what it decides about.

    Attributes
    ----------
    type
        Its kind in lower case, as regions carry it: ``"choices"``, ``"taxonomy"`` or ``"rating"``.
    object_tags
        The texts it is about, in the order of its ``toName``.
    labels
        What it offers for every task; nothing is known of what tasks offer themselves.
    options_key
        Where a task's data has the labels offered for that task; None if all tasks offer the same.
    as_paths
        Whether regions carry labels as all levels of a tree.
    leaves_only
        Whether a path that is chosen ends where there is nothing below it.
    most_paths
        How many paths may be chosen; None if all may.
    may_be_empty
        Whether an annotation without its region says that no label applies.
    conditions
        All of them must hold for it to be shown.
    """

    name: str
    type: str
    object_tags: tuple[ObjectTag, ...]
    labels: tuple[Label, ...]
    kind: Kind = Kind.ONE
    options_key: str | None = None
    as_paths: bool = False
    leaves_only: bool = False
    most_paths: int | None = None
    may_be_empty: bool = False
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def values(self) -> frozenset[str]:
        """What it may decide: the labels as regions carry them."""
        return frozenset(label.value for label in self.labels)

    @cached_property
    def ends(self) -> frozenset[str]:
        """Where a path that is chosen may end, of the labels that it offers for every task."""
        return find_leaves(self.values) if self.leaves_only else self.values

    @property
    def is_choices(self) -> bool:
        """Whether it is a ``Choices``: conditions that name no control are about those."""
        return self.type == "choices"

    @property
    def label_names(self) -> dict[str, tuple[str, ...]]:
        """What each label is called.

        Where everything above a chosen label applies, too, it is also what those below it are.
        """
        found = {label.value: label.names for label in self.labels}
        for label in self.labels if self.as_paths and self.kind is Kind.SEVERAL else ():
            for n in range(1, len(label.path)):
                above = to_value(label.path[:n])
                found[above] = (*found.get(above, ()), *label.names)
        return found

    @property
    def data_keys(self) -> str:
        """Where its text is, for people: ``"title" and "body"``."""
        return " and ".join(f'"{tag.data_key}"' for tag in self.object_tags)

    @property
    def frame(self) -> str:
        """What a prediction names besides its labels: control, objects and data keys."""
        parts = [self.name, self.type]
        for tag in self.object_tags:
            parts += [tag.name, tag.data_key]
            # Of a plain text it is what it was before there were others.
            parts += [tag.kind] if tag.kind != "Text" else []
            parts += ["url"] if tag.is_url else []
            parts += [tag.encoding] if tag.encoding != "none" else []
            told = [tag.author_key, tag.utterance_key]
            parts += told if told != ["author", "text"] else []
        return repr(tuple(parts))

    @property
    def manner(self) -> str:
        """How labels are chosen and when they are shown: what else predictions depend on."""
        conditions = [(c.control, sorted(c.labels), c.wants_chosen) for c in self.conditions]
        # Other labels of the config are not predicted where they are gone: their names say so.
        offered = sorted(self.values) if self.options_key is not None else None
        ways = (self.kind.value, self.options_key, self.as_paths, self.may_be_empty, offered)
        return repr((*ways, self.leaves_only, self.most_paths, conditions))

    def read_text(self, data: Mapping[str, object]) -> str | None:
        """Return the text in a task's data; None if it has none, or only white space.

        None, too, while some of it is still to be fetched: Label Studio keeps what is predicted
        from the rest.
        """
        texts = []
        for tag in self.object_tags:  # no generators: this is done for every text at every training
            if tag.is_url and tag.lacks_text(data):
                return None
            if text := tag.read_text(data):
                texts.append(text)
        joined = "\n\n".join(texts) if len(texts) != 1 else texts[0]
        return joined if joined and not joined.isspace() else None

    def read_offered(self, data: Mapping[str, object]) -> frozenset[str] | None:
        """Return the labels a task may have by its own data; None if that says nothing of them.

        Those of the config are there for every task: the editor puts the task's own after them
        (Label Studio 1.23.2: ``libs/editor/src/mixins/DynamicChildrenMixin.js``).
        """
        if self.options_key is None:
            return None
        offered = read_offered(walk(data, self.options_key), as_paths=self.as_paths)
        found = self.values.union(label.value for label in offered)
        is_of_ends = self.leaves_only and self.kind is Kind.ONE  # of several, what is above applies
        return find_leaves(found) if is_of_ends else found

    def find_ends(self, offered: frozenset[str] | None) -> frozenset[str] | None:
        """Return where a path that is chosen may end, of what a task offers; None if anywhere."""
        if self.options_key is None:
            return self.ends
        return find_leaves(offered) if offered is not None and self.leaves_only else offered

    def read_decision(self, regions: Iterable[Region]) -> tuple[str, ...] | None:
        """Return the labels that were chosen here, sorted; None if nothing usable was.

        Regions of other controls, or of a part of the task, and labels that the config no longer
        has are no decision.
        """
        chosen = self.read_choice(regions)
        return self.keep_known(chosen) or None if chosen else chosen

    def read_choice(self, regions: Iterable[Region]) -> tuple[str, ...] | None:
        """Do as `read_decision`, with labels that the config no longer has.

        Of one label, such a one counts where no other was chosen; of several, all of all regions:
        imports may have one for each label.
        """
        mine = [region for region in regions if region.from_name == self.name]
        whole = [region for region in mine if not region.is_of_part]
        each = [frozenset(self._read_value(region)) for region in whole]
        if self.kind is not Kind.SEVERAL:
            known = [frozenset(self.keep_known(chosen)) for chosen in each]
            return next((tuple(chosen) for chosen in (*known, *each) if len(chosen) == 1), None)
        says_none = not mine or any(region.value.get(self.type) == [] for region in whole)
        found = tuple(sorted(frozenset[str]().union(*each)))
        return found if found or (self.may_be_empty and says_none) else None

    def keep_known(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return those of some labels that the config has, or that tasks may offer themselves."""
        values = self.values
        return tuple(x for x in labels if self.options_key is not None or x in values)

    def find_unknown(self, regions: Iterable[Region]) -> frozenset[str]:
        """Return the labels chosen here that the config does not have."""
        whole = [x for x in regions if x.from_name == self.name and not x.is_of_part]
        chosen = frozenset(label for region in whole for label in self._read_value(region))
        return chosen.difference(self.keep_known(chosen))

    def write_decision(self, labels: Sequence[str]) -> Region | None:
        """Return the region that says ``labels`` were chosen; None if there are none."""
        if not labels:
            return None
        return Region(
            from_name=self.name,
            to_name=self.object_tags[0].name,
            type=self.type,
            value={self.type: self._write_value(labels)},
        )

    def tell(self, labels: Sequence[str]) -> frozenset[str]:
        """Return what conditions find chosen here: of a tree the last levels, of stars nothing."""
        if self.kind is Kind.RATING:
            return frozenset()
        if not self.as_paths:
            return frozenset(labels)
        ends = self._find_ends(labels)
        values = frozenset(to_value(path) for path in ends)
        return values if self.options_key is None else values | {path[-1] for path in ends}

    def _read_value(self, region: Region) -> Iterator[str]:
        """Yield the labels it says; imports may have one choice bare, and whole stars as 4.0."""
        value = region.value.get(self.type)
        if self.kind is Kind.RATING:
            stars = int(value) if isinstance(value, float) and value.is_integer() else value
            if isinstance(stars, int) and not isinstance(stars, bool):
                yield str(stars)
            return
        items: list[Any] = value if isinstance(value, list) else [value]
        for item in items:
            match item:
                case str(label) if not self.as_paths:
                    yield label
                case [*levels] if self.as_paths and all(isinstance(n, str) for n in levels):
                    yield from self._read_path(tuple(levels))

    def _read_path(self, path: tuple[str, ...]) -> Iterator[str]:
        """Yield what a chosen path says: of a taxonomy, that everything above it applies, too."""
        if self.kind is Kind.SEVERAL:
            yield from (to_value(path[:n]) for n in range(1, len(path) + 1))
        else:
            yield to_value(path)

    def _write_value(self, labels: Sequence[str]) -> object:
        if self.kind is Kind.RATING:
            return int(labels[0])
        if not self.as_paths:
            return list(labels)
        return [list(path) for path in self._find_ends(labels)]

    def _find_ends(self, labels: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the paths that stand for all labels: those that are above no other."""
        chosen = [to_path(label) for label in labels]
        above = {path[:n] for path in chosen for n in range(1, len(path))}
        return [path for path in chosen if path not in above]
