"""What Hypothesis makes for tests of several modules."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
"""Any JSON, and what Python writes although it is none."""

_ATTRIBUTES = st.dictionaries(
    st.sampled_from([
        "name", "toName", "value", "valueType", "valuetype", "alias", "hint", "choice",
        "perRegion", "perItem", "allowNested", "required", "maxRating", "visibleWhen",
        "whenTagName", "whenChoiceValue", "apiUrl", "nameKey", "textKey",
    ]),
    st.sampled_from([
        "", "a", "b", "a,b", "$", "$a", "$a.b", "text", "topic", "url", "single", "multiple",
        "true", "3", "999999999", "choice-selected", "choice-unselected",
    ])
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
)  # fmt: skip
_TAGS = st.sampled_from([
    "View", "Text", "HyperText", "Paragraphs", "Choices", "Choice", "Taxonomy", "Rating", "Labels",
    "Label", "Header", "Image", "Style", "ns:x",
])  # fmt: skip


def _write_tag(name: str, attributes: dict[str, str], inner: str) -> str:
    words = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{words}>{inner}</{name}>"


TREES = st.recursive(
    st.builds(_write_tag, _TAGS, _ATTRIBUTES, st.just("")),
    lambda inner: st.builds(_write_tag, _TAGS, _ATTRIBUTES, st.lists(inner).map("".join)),
    max_leaves=20,
)
"""Trees of tags with the names and attributes of labeling configs, mostly unusable."""
