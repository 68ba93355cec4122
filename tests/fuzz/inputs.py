"""Inputs that are nearly right, as people's mistakes and attackers' tries are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.builders import CONFIG
from tests.label_configs import read_table

ODD_TEXTS = [
    "", " ", "\0", "\ud800", "🙂", "é" * 300, "<", "&", "]]>", "'", '"', "$text", "../../etc/x",
    "http://169.254.169.254/", "{{7*7}}", "%s%n", "-1", "0", "1e999", "NaN", "true", "null",
    "9" * 400, "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00-23:59", "single", "multiple",
]  # fmt: skip

odd_text = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
odd_number = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=True)
    | st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64])
)
scalar = st.none() | st.booleans() | odd_number | odd_text
anything: st.SearchStrategy[Any] = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_text, inner, max_size=4),
    max_leaves=12,
)

LABEL_CONFIGS = [CONFIG, *(row.label_config for row in read_table())]


def near(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a JSON value like this one, of which any part may be something else."""
    if isinstance(value, dict):
        pairs = {key: near(part) for key, part in value.items()}
        whole = st.fixed_dictionaries(pairs)
        same: st.SearchStrategy[Any] = st.one_of(
            *[whole] * 4, st.fixed_dictionaries({}, optional=pairs)
        )
    elif isinstance(value, list):
        same = st.lists(near(value[0]), max_size=4) if value else st.just([])
    else:
        same = st.just(value)
    # Mostly right, or nothing behind the first check is ever reached.
    return st.one_of(*[same] * 14, anything)


@st.composite
def edited(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw one of the seeds with a few pieces cut out, repeated, overwritten or put in."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        size = draw(st.sampled_from([1, 1, 2, 8, 64, 1000]))
        piece = draw(
            st.binary(max_size=9)
            | st.sampled_from([text.encode("utf-8", "surrogatepass") for text in ODD_TEXTS])
        )
        match draw(st.sampled_from(["cut", "repeat", "overwrite", "insert", "end"])):
            case "cut":
                del content[at : at + size]
            case "repeat":
                content[at:at] = content[at : at + size] * draw(st.sampled_from([1, 2, 50]))
            case "overwrite":
                content[at : at + len(piece)] = piece
            case "insert":
                content[at:at] = piece
            case "end":
                del content[at:]
    return bytes(content)
