"""No regular expression takes more than linear time, whatever text it is given."""

from __future__ import annotations

import importlib
import itertools
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
LENGTH = 100_000
"""A quadratic search of so long a text takes a minute of processor time, a linear one 1 ms."""

PIECES = [
    "a", "A", "aA", "0", ".", "-", "_", "+", "/", ":", "=", "?d=", " ", "\n", "\0", "é", "標", "ア",
    "0.", "+0", "..", "a.", "a:", "//", "://", "/data/", "/data/?d=", "upload/", "s3:", "v1", "-a",
]  # fmt: skip
STARTS = ["", "v1", "/data/"]
ENDS = ["", " "]


def find_compiled() -> Iterator[tuple[str, str]]:
    """Yield module and name of each compiled expression that a module keeps."""
    for path in sorted(SOURCES.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        for name in re.findall(r"^(\w+) = re\.compile\(", path.read_text(), re.MULTILINE):
            yield module, name


def find_literal() -> Iterator[str]:
    """Yield each expression that is written where it is used."""
    for path in sorted(SOURCES.rglob("*.py")):
        yield from re.findall(
            r"""re\.(?:fullmatch|match|search|sub|split|findall|finditer)\(\s*r"([^"]+)\"""",
            path.read_text(),
        )


def patterns() -> list[re.Pattern[str]]:
    kept = [getattr(importlib.import_module(module), name) for module, name in find_compiled()]
    return [*kept, *(re.compile(text, re.DOTALL) for text in find_literal())]


def search_everything(pattern: re.Pattern[str]) -> None:
    is_wanted_anywhere = is_searched(pattern)
    for start, piece, end in itertools.product(STARTS, PIECES, ENDS):
        text = start + piece * (LENGTH // len(piece)) + end
        pattern.fullmatch(text)
        pattern.match(text)
        if is_wanted_anywhere:
            pattern.sub("", text)


def is_searched(pattern: re.Pattern[str]) -> bool:
    """Whether it is looked for anywhere in a text, and not only at its beginning."""
    names = [name for module, name in find_compiled()
             if getattr(importlib.import_module(module), name) is pattern]  # fmt: skip
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    used = "|".join(re.escape(name) for name in names)
    return bool(names and re.search(rf"(?:{used})\.(?:search|sub|split|findall|finditer)\(", text))


def test_all_expressions_are_found() -> None:
    used = sum(
        len(
            re.findall(
                r"\bre\.(?:compile|fullmatch|match|search|sub|split|findall)\(", p.read_text()
            )
        )
        for p in SOURCES.rglob("*.py")
    )
    # label_names.py joins the escaped words of a config, concepts.py those of the lexicons:
    of_words = 2  # alternatives, no repetition
    assert len(patterns()) == used - of_words


PROGRAM = """
from tests.unit.test_regexes import patterns, search_everything
for pattern in patterns():
    print(pattern.pattern, flush=True)
    search_everything(pattern)
print("all")
"""


@pytest.mark.slow
def test_no_expression_takes_more_than_linear_time() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))  # of the processor, not of the clock

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=SOURCES.parent, preexec_fn=limit,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "all", f"{done.stdout}{done.stderr}"
