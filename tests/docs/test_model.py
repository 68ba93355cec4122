"""The page about the model shows code that does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "model.md").read_text()


def test_the_code_shown_gives_what_is_shown() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    *lines, predict, explain = code.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    for line in (predict, explain):
        shown, _, result = line.partition("  # ")
        assert repr(eval(shown, names)) == result
