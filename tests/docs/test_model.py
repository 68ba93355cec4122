"""The page about the model shows code that does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "model.md").read_text()


def test_the_code_shown_gives_what_is_shown() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    for code in blocks:
        *lines, one, other = code.strip().splitlines()
        names: dict[str, object] = {}
        exec("\n".join(lines), names)
        for line in (one, other):
            shown, _, result = line.partition("  # ")
            assert repr(eval(shown, names)) == result
