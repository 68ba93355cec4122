from __future__ import annotations

from typing import Any

import pytest

from prelabel.models.raw import RawModel, next_version, remembering


class Named(RawModel):
    def setup(self) -> None:
        self.set("model_version", "named-1")


class Renamed(RawModel):
    def setup(self) -> None:
        self.set("model_version", "named-2")


def test_what_is_set_is_there_for_the_next_instance() -> None:
    state: dict[str, Any] = {}
    with remembering(state):
        RawModel("1", "<View/>").set("seen", [1, 2])
        again = RawModel("1", "<View/>")
    assert (again.get("seen"), again.has("seen"), again.has("other")) == ([1, 2], True, False)


def test_instances_without_a_state_share_nothing() -> None:
    RawModel("1").set("seen", 1)
    assert RawModel("1").get("seen") is None


def test_a_restart_does_not_undo_a_version_that_fit_has_set() -> None:
    state: dict[str, Any] = {}
    with remembering(state):
        assert Named().bump_model_version() == "named-1+1"
        assert Named().model_version == "named-1+1"


def test_another_name_in_setup_is_another_version() -> None:
    state: dict[str, Any] = {}
    with remembering(state):
        Named().bump_model_version()
        assert Renamed().model_version == "named-2"


@pytest.mark.parametrize(
    ("before", "after"),
    [("0.0.1", "0.1.0"), ("1.9.3", "1.10.0"), ("mine-v0.0.1", "mine-v0.0.1+1"), ("m+9", "m+10")],
)
def test_the_next_version_is_always_another_one(before: str, after: str) -> None:
    assert next_version(before) == after
