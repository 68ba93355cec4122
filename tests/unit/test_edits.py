from __future__ import annotations

import pytest

from prelabel.label_config import describe_edit, parse_label_config
from tests.builders import CONFIG, config


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (config("cooking", "sports", "art"), '"topic" has got art'),
        (config("cooking"), '"topic" has lost sports'),
        (config("cooking", "food"), '"topic" has lost sports'),
        (config("cooking", "sports", name="subject"), "no control topic any more"),
        (config("cooking", "sports", name="subject"), "new control subject"),
        (CONFIG.replace('"text"', '"body"'), "what is shown, or how"),
        (config(*(f"l{n}" for n in range(30)), "cooking", "sports"), "and 20 more"),
    ],
)
def test_an_edit_is_described_for_people(after: str, said: str) -> None:
    assert said in describe_edit(parse_label_config(CONFIG), parse_label_config(after))
