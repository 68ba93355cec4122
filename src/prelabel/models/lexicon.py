"""Lexicons: what common names of labels mean, in many languages.

Hardly a text of sports has the word "Sports", but many have "match", "coach" or "season". For each
of some ninety *concepts*, a file a language in ``lexicons/`` has the names that people give a label
of it, and words of its texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).with_name("lexicons")


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


class Lexicon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one language.

    Attributes
    ----------
    beside
        Words that stand beside a name and change nothing of its concept, as "news" and "very", with
        blanks between.
    concepts
        By their names in English; the same in all languages.
    """

    beside: str
    concepts: Mapping[str, Concept]


@cache
def read_lexicons() -> Mapping[str, Lexicon]:
    """Return the lexicons by language (ISO 639-1), as ``"de"``."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=Lexicon)
        for path in sorted(_FOLDER.glob("*.json"))
    }
