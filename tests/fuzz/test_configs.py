"""Whatever stands where a labeling config should be is a schema or a clear error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import LabelConfigError
from prelabel.label_config import LabelSchema, describe_edit, parse_label_config
from prelabel.protocol.values import to_regions
from tests.fuzz.conftest import count, require_short
from tests.fuzz.inputs import LABEL_CONFIGS, anything, edited, near
from tests.strategies import TREES

WHOLE = parse_label_config(LABEL_CONFIGS[0])
SEEDS = [label_config.encode() for label_config in LABEL_CONFIGS]
REGION = {
    "from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": ["sports"]},
}  # fmt: skip


def use(label_config: str, data: dict[str, Any], result: object) -> None:
    """Read a labeling config, and with it a task and what was decided about it."""
    try:
        schema = parse_label_config(label_config)
    except LabelConfigError as refusal:
        require_short(refusal)
        return
    regions = list(to_regions(result))
    for control in schema.controls:
        control.read_text(data)
        control.read_offered(data)
        control.find_unknown(regions)
        labels = control.read_decision(regions) or tuple(sorted(control.values))[:2]
        control.write_decision(labels)
    assert LabelSchema.from_mapping(schema.to_mapping()).digest() == schema.digest()
    describe_edit(WHOLE, schema)
    describe_edit(schema, WHOLE)


data = st.dictionaries(st.sampled_from(["text", "$undefined$", "a.b", "items"]), anything)
result = near([REGION])


@given(edited(SEEDS), data, result)
def test_any_edited_labeling_config_is_read_or_refused(
    content: bytes, data: dict[str, Any], result: object
) -> None:
    count("label config: edited")
    use(content.decode("utf-8", "replace"), data, result)


@given(label_config=st.sampled_from(LABEL_CONFIGS), data=data, result=result)
def test_any_odd_tasks_and_decisions_are_read_or_left_out(
    label_config: str, data: dict[str, Any], result: object
) -> None:
    count("label config: odd tasks and regions")
    use(label_config, data, result)


@given(TREES, data, result)
def test_any_tree_of_known_tags_is_read_or_refused(
    tree: str, data: dict[str, Any], result: object
) -> None:
    count("label config: trees")
    text = '<Text name="text" value="$text"/>'
    choices = '<Choices name="x" toName="text"><Choice value="a"/></Choices>'
    use(f"<View>{text}{tree}{choices}</View>", data, result)


BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1 or str()};' * 10}'>" for n in range(1, 20))
    + "]><View>&a19;</View>"
)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(BOMB, id="a billion laughs"),
        pytest.param("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><View>&a;</View>",
                     id="a file"),
        pytest.param("<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><View/>", id="a host"),
        pytest.param("<View>" * 100_000, id="deep and open"),
        pytest.param("<View>" * 50_000 + "</View>" * 50_000, id="deep"),
        pytest.param("<View " + " ".join(f'a{n}="1"' for n in range(60_000)) + "/>",
                     id="attributes"),
        pytest.param("<View>" + "<Choice value='a'/>" * 50_000 + "</View>", id="wide"),
        pytest.param("<" + "a" * 900_000 + "/>", id="a long name"),
        pytest.param("<View>" + "&#0;" * 1000 + "</View>", id="characters that are none"),
        pytest.param("<?xml version='1.0' encoding='utf-7'?><View/>", id="an encoding"),
        pytest.param("<View xmlns:a='b'><a:Choices/></View>", id="name spaces"),
        pytest.param("x" * 10_000_000, id="long"),
    ],
)  # fmt: skip
def test_hostile_configs_are_refused(hostile: str) -> None:
    count("label config: hostile")
    with pytest.raises(LabelConfigError):
        parse_label_config(hostile)
