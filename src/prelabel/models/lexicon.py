"""What common names of labels mean: words that texts of such a label have, in many languages.

Hardly a text of sports has the word "Sports", but many have "match", "coach" or "season". For each
of some ninety *concepts*, a file a language in ``lexicons/`` has the names that people give a label
of it, and words of its texts. A name is known in every language, whatever that of the texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import compress
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from prelabel.models.examples import write_name
from prelabel.models.milestones import remembered
from prelabel.models.representation import Representation

_FOLDER = Path(__file__).with_name("lexicons")

_LEAST_KNOWN = 0.5
"""Of so many of the labels must the lexicons know the names."""

_LEAST_SPOKEN = 0.5
"""So many of a language's words must the texts know, beside the language they know the most of."""

_SEPARATOR = re.compile(r"[/&,;|+]|\band\b")


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What labels are often about.

    Attributes
    ----------
    names
        What a label of it may be called.
    words
        Words that texts of it have and others seldom, with blanks between.
    """

    names: tuple[str, ...]
    words: str


Lexicon: TypeAlias = Mapping[str, Concept]
"""Concepts of one language, by their names in English."""


@cache
def read_lexicons() -> Mapping[str, Lexicon]:
    """Return the lexicons by language (ISO 639-1), as ``"de"``."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=dict[str, Concept])
        for path in sorted(_FOLDER.glob("*.json"))
    }


def find_words(
    label_names: Mapping[str, Sequence[str]], representation: Representation
) -> dict[str, str]:
    """Return words for labels, in the languages of a project's texts; none for the other labels.

    A label has them if all its names are names of concepts: one with a hint means what the hint
    says. No label has any if fewer than half could, because those with words would win against
    those without.
    """
    concepts = {label: find_concepts(names) for label, names in label_names.items()}
    known = {label: sorted(found) for label, found in concepts.items() if found}
    if len(known) < max(2, _LEAST_KNOWN * len(label_names)):
        return {}
    spoken = [read_lexicons()[language] for language in _find_spoken(representation).languages]
    return {
        label: " ".join(
            lexicon[concept].words for lexicon in spoken for concept in found if concept in lexicon
        )
        for label, found in known.items()
    }


def find_concepts(names: Sequence[str]) -> Set[str]:
    """Return the concepts that names stand for; none if one of the names stands for no concept.

    >>> sorted(find_concepts(["Politik"])), sorted(find_concepts(["SCI/Tech"]))
    (['politics'], ['science', 'technology'])
    >>> find_concepts(["Sports", "whatever moves"])
    frozenset()
    """
    found: set[str] = set()
    for name in names:
        parts = _read_name(name)
        if not parts:
            return frozenset()
        found |= parts
    return frozenset(found)


def _read_name(name: str) -> Set[str]:
    """Return the concept of a name, or those of its parts, as of "Science & Technology"."""
    known = _concepts_by_name()
    whole = fold(name)
    parts = [whole] if whole in known else [part.strip() for part in _SEPARATOR.split(whole)]
    return frozenset(known[part] for part in parts) if known.keys() >= set(parts) else frozenset()


def fold(name: str) -> str:
    """Return a name as all ways to write it are compared: ``"SpamMail"`` as ``"spam mail"``."""
    return " ".join(write_name([name]).replace("-", " ").casefold().split())


@cache
def _concepts_by_name() -> Mapping[str, str]:
    return {
        fold(name): concept
        for lexicon in read_lexicons().values()
        for concept, meaning in lexicon.items()
        for name in meaning.names
    }


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The languages that texts are in."""

    languages: tuple[str, ...]
    n_bytes = 500


@remembered
def _find_spoken(representation: Representation) -> _Spoken:
    """Find the languages of whose words the texts know the most.

    What is a word of two languages may mean two things: German texts have "war", which is "was".
    """
    features, lexicons = representation.features, read_lexicons()
    words = [
        " ".join(meaning.words for meaning in lexicon.values()) for lexicon in lexicons.values()
    ]
    known = features.transform(words)[:, : features.n_words].getnnz(axis=1)
    shares = known / np.array([len(text.split()) for text in words])
    is_spoken = (shares > 0) & (shares >= _LEAST_SPOKEN * shares.max())
    return _Spoken(tuple(compress(lexicons, is_spoken.tolist())))
