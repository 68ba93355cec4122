"""Names of labels → the concepts of the lexicons that they stand for.

People write a common name in many ways: "Sports", "sports_news", "Technical issue", "Very
positive", "нейтральная". So it is found in another form, too, and beside words that change nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache
from typing import NamedTuple

from prelabel.models.characters import is_mark
from prelabel.models.examples import write_name
from prelabel.models.lexicon import read_lexicons
from prelabel.models.ngrams import undot

_SEPARATOR = re.compile(
    r"[/&,;|+]|\b(?:and|dan|e|en|et|i|und|và|ve|y|и|та|और)\b|和|与|및|และ|(?<=\s)و\s*(?=\w{3})",
    re.IGNORECASE,
)

_NO = frozenset({
    "bukan", "geen", "kein", "keine", "không", "nicht", "nie", "niet", "no", "non", "not", "não",
    "pas", "не", "غير",
})  # fmt: skip
"""Before the name of a concept it is that of the opposite, if that is a concept: "not spam"."""

_ENDING = re.compile(r"(?<=\w{4})(?:[aeo]?s?|[ыиоая]?[йяе]|[оаыи])\b")
"""By which forms of one word differ: plural, gender. Nothing shorter than four letters is left."""

_FIRST_CJK = "\u3000"  # from here on, scripts without spaces; and Hangul, which glues words


class Meaning(NamedTuple):
    """What a name stands for, and in which languages."""

    concept: str
    languages: Set[str]


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
    for parts in map(split_name, names):
        meanings = [None if part in foreign else find_meaning(part) for part in parts]
        if not parts or None in meanings:
            return frozenset()
        found.update(meaning.concept for meaning in meanings if meaning)
    return frozenset(found)


def split_name(name: str) -> list[str]:
    """Return a name, folded, or the names it is made of, as "Science & Technology" is."""
    whole, composed = fold(name), unicodedata.normalize("NFKC", name)
    return [whole] if find_meaning(whole) else [fold(part) for part in _SEPARATOR.split(composed)]


def fold(name: str) -> str:
    """Return a name as others like it are written, too.

    >>> fold("SpamMail"), fold("not-spam"), fold("⚽ Sports!")
    ('spam mail', 'not spam', 'sports')
    """
    plain = undot(unicodedata.normalize("NFKC", write_name([name]))).casefold()
    return " ".join("".join(c if _is_of_word(c) else " " for c in plain).split())


def find_meaning(name: str) -> Meaning | None:
    """Return what a folded name stands for; None if that is not known."""
    for form in (name, _leave_out_beside(name)):
        if found := _look_up(form):
            return found
        first, _, rest = form.partition(" ")
        if first in _NO and (refused := _look_up(rest)):
            return _look_up(f"not {refused.concept}")
    return None


def _look_up(name: str) -> Meaning | None:
    exact, by_stem = _meanings()
    return exact.get(name) or by_stem.get(_stem(name))


@cache
def _meanings() -> tuple[Mapping[str, Meaning], Mapping[str, Meaning]]:
    """Return what names stand for, as `fold` writes them, and what is left of them by `_stem`."""
    exact: dict[str, Meaning] = {}
    for name, concept, language in _names():
        others = exact[name].languages if name in exact else frozenset()
        exact[name] = Meaning(concept, others | {language})
    alike = defaultdict(list)
    for name, meaning in exact.items():
        alike[_stem(name)].append(meaning)
    by_stem = {
        stem: Meaning(found[0].concept, frozenset().union(*(one.languages for one in found)))
        for stem, found in alike.items()
        if len({one.concept for one in found}) == 1
    }
    return exact, by_stem


def _names() -> Iterator[tuple[str, str, str]]:
    for language, lexicon in read_lexicons().items():
        for concept, meaning in lexicon.concepts.items():
            yield from ((fold(name), concept, language) for name in meaning.names)


def _leave_out_beside(name: str) -> str:
    words, glued = _beside()
    return " ".join(word for word in glued.sub(" ", name).split() if word not in words)


@cache
def _beside() -> tuple[Set[str], re.Pattern[str]]:
    """Return the words beside names, of any language, and what finds those that are glued to it."""
    words = {word for lexicon in read_lexicons().values() for word in lexicon.beside.split()}
    glued = sorted(w for w in words if w >= _FIRST_CJK)[
        ::-1
    ]  # the longer before what it begins with
    return words, re.compile("|".join(glued))


def _stem(name: str) -> str:
    return _ENDING.sub("", name)


def _is_of_word(character: str) -> bool:
    return character.isalnum() or is_mark(character)
