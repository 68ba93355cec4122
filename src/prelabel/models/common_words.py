"""Words that texts of a label have whose name is a common one, in the languages of the texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np

from prelabel.models.concepts import find_concepts, find_meaning, split_name
from prelabel.models.examples import write_name
from prelabel.models.lexicon import read_lexicons
from prelabel.models.milestones import remembered
from prelabel.models.representation import Representation

_LEAST_KNOWN = 0.5
"""Of so many of the labels must the lexicons know the names."""

_LEAST_SPOKEN = 0.5
"""So many of a language's words must the texts know, beside the language they know the most of."""


def known_names(
    label_names: Mapping[str, Sequence[str]], representation: Representation
) -> dict[str, str]:
    """Texts of the labels' names; without those of whose words no text of the project has any."""
    meanings = find_words(label_names, representation)
    written = {
        label: write_name([*names, *([meanings[label]] if label in meanings else [])])
        for label, names in sorted(label_names.items())
    }
    features = representation.features
    vectors = features.transform(list(written.values()))
    n_words = np.diff(vectors[:, : features.n_words].tocsr().indptr)
    return {label: text for (label, text), n in zip(written.items(), n_words, strict=True) if n}


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
    lexicons = [read_lexicons()[language].concepts for language in spoken]
    return {
        label: " ".join(
            lexicon[concept].words
            for lexicon in lexicons
            for concept in found
            if concept in lexicon
        )
        for label, found in known.items()
    }


def _find_foreign(
    label_names: Mapping[str, Sequence[str]],
    representation: Representation,
    spoken: Collection[str],
) -> Set[str]:
    """Return the parts of names that mean something in other languages, but hardly here.

    They are words of the texts, as "basket", which is basketball in French; or the only name of
    their language, as "AI", which is "who" in Vietnamese. English names are known everywhere.
    """
    here = {"en", *spoken}
    parts = {part for names in label_names.values() for name in names for part in split_name(name)}
    meanings = {part: found for part in parts if (found := find_meaning(part))}
    named_in = Counter(chain.from_iterable(found.languages for found in meanings.values()))
    elsewhere = {part: found for part, found in meanings.items() if not here & found.languages}
    words = sorted({word for part in elsewhere for word in part.split()})
    features = representation.features
    n_known = features.transform(words)[:, : features.n_words].getnnz(axis=1) if words else ()
    known = {word for word, n in zip(words, n_known, strict=True) if n}
    return frozenset(
        part
        for part, found in elsewhere.items()
        if known.issuperset(part.split()) or max(named_in[each] for each in found.languages) < 2
    )


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
        " ".join(meaning.words for meaning in lexicon.concepts.values())
        for lexicon in lexicons.values()
    ]
    known = features.transform(words)[:, : features.n_words].getnnz(axis=1)
    shares = known / np.array([len(text.split()) for text in words])
    is_spoken = (shares > 0) & (shares >= _LEAST_SPOKEN * shares.max())
    return _Spoken(tuple(compress(lexicons, is_spoken.tolist())))
