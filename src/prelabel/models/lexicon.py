"""What common names of labels mean: words that texts of such a label have, in many languages.

Hardly a text of sports has the word "Sports", but many have "match", "coach" or "season". For each
of some ninety *concepts*, a file a language in ``lexicons/`` has the names that people give a label
of it, and words of its texts. Names may be of another language than the texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import compress
from pathlib import Path
from typing import NamedTuple, TypeAlias

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

_SEPARATOR = re.compile(r"[/&,;|+]|\band\b", re.IGNORECASE)


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
    least = max(2, _LEAST_KNOWN * len(label_names))
    common = {label: names for label, names in label_names.items() if find_concepts(names)}
    if len(common) < least:
        return {}  # as most projects: their texts' languages need not be found
    spoken = _find_spoken(representation).languages
    foreign = _find_foreign(common, representation, spoken)
    concepts = {label: find_concepts(names, foreign) for label, names in common.items()}
    known = {label: sorted(found) for label, found in concepts.items() if found}
    if len(known) < least:
        return {}
    lexicons = [read_lexicons()[language] for language in spoken]
    return {
        label: " ".join(
            lexicon[concept].words
            for lexicon in lexicons
            for concept in found
            if concept in lexicon
        )
        for label, found in known.items()
    }


def find_concepts(names: Sequence[str], foreign: Set[str] = frozenset()) -> Set[str]:
    """Return the concepts that names stand for; none if one of the names stands for no concept.

    >>> sorted(find_concepts(["Politik"])), sorted(find_concepts(["SCI/Tech"]))
    (['politics'], ['science', 'technology'])
    >>> find_concepts(["Sports", "whatever moves"])
    frozenset()

    Parameters
    ----------
    foreign
        Folded names that stand for none here.
    """
    found: set[str] = set()
    for parts in map(_parts, names):
        if not parts or not all(part in _meanings() and part not in foreign for part in parts):
            return frozenset()
        found.update(_meanings()[part].concept for part in parts)
    return frozenset(found)


def fold(name: str) -> str:
    """Return a name as others like it are written, too.

    >>> fold("SpamMail"), fold("not-spam"), fold("⚽ Sports!")
    ('spam mail', 'not spam', 'sports')
    """
    plain = unicodedata.normalize("NFKC", write_name([name])).casefold()
    return " ".join("".join(c if _is_of_word(c) else " " for c in plain).split())


def _is_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _parts(name: str) -> list[str]:
    """Return a name, folded, or the names it is made of, as "Science & Technology" is."""
    whole = fold(name)
    return [whole] if whole in _meanings() else [fold(part) for part in _SEPARATOR.split(name)]


class _Meaning(NamedTuple):
    """What a name stands for, and in which languages."""

    concept: str
    languages: Set[str]


@cache
def _meanings() -> Mapping[str, _Meaning]:
    """Return what names stand for, by name as `fold` writes it."""
    found: dict[str, _Meaning] = {}
    for language, lexicon in read_lexicons().items():
        for concept, meaning in lexicon.items():
            for name in map(fold, meaning.names):
                others = found[name].languages if name in found else frozenset()
                found[name] = _Meaning(concept, others | {language})
    return found


def _find_foreign(
    label_names: Mapping[str, Sequence[str]],
    representation: Representation,
    spoken: Collection[str],
) -> Set[str]:
    """Return the parts of names that are words of the texts, and common names elsewhere only.

    English texts may have "basket", which is basketball in French ones. English names are known
    everywhere.
    """
    here = {"en", *spoken}
    parts = {part for names in label_names.values() for name in names for part in _parts(name)}
    elsewhere = sorted(part for part in parts if not here & _meanings()[part].languages)
    if not elsewhere:
        return frozenset()
    features = representation.features
    known = features.transform(elsewhere)[:, : features.n_words].getnnz(axis=1) > 0
    return frozenset(compress(elsewhere, known.tolist()))


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
