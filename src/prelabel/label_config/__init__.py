"""Labeling config XML → `LabelSchema`: which decisions people take, and about which text."""

from prelabel.label_config.controls import ControlTag, Kind
from prelabel.label_config.edits import describe_edit
from prelabel.label_config.labels import Label, find_above
from prelabel.label_config.objects import FETCHED_KEY, UNDEFINED_KEY, ObjectTag
from prelabel.label_config.schema import (
    MAX_LABEL_CONFIG_CHARACTERS,
    LabelSchema,
    parse_label_config,
    read_label_config,
)
from prelabel.label_config.visibility import find_shown, is_shown

__all__ = [
    "FETCHED_KEY", "MAX_LABEL_CONFIG_CHARACTERS", "UNDEFINED_KEY", "ControlTag", "Kind", "Label",
    "LabelSchema", "ObjectTag", "describe_edit", "find_above", "find_shown",
    "is_shown", "parse_label_config", "read_label_config",
]  # fmt: skip
