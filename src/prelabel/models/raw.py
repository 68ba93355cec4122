"""What a raw model is: a class that reads and writes Label Studio's own JSON.

::

    class Keywords(RawModel):
        def predict(self, tasks, context, **params):
            return [{"result": [...], "score": 0.9} for task in tasks]

        def fit(self, event, data):
            self.set("seen", (self.get("seen") or 0) + 1)

A class that only maps texts to labels is better off as a `TextModel`: labels stored, versions,
evaluation and training come with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

State = MutableMapping[str, Any]
"""What a model remembers of a project: values of JSON by name, kept across restarts."""

_VERSION = "model_version"
_DECLARED = "prelabel.declared_version"

_state: ContextVar[State | None] = ContextVar("state", default=None)


@contextmanager
def remembering(state: State) -> Iterator[None]:
    """Give models made inside the block this state; without one, they remember nothing for long."""
    token = _state.set(state)
    try:
        yield
    finally:
        _state.reset(token)


class RawModel:
    """Answers in Label Studio's JSON. One instance serves one project with one labeling config.

    `predict` is called by one thread at a time, and so is `fit`; the two may overlap. What has to
    outlast the process goes through `set`, or into files in the folder that ``MODEL_DIR`` names,
    which is the project's own.

    Parameters
    ----------
    project_id
        Label Studio's number of the project, as text.
    label_config
        Its labeling config, XML.
    """

    EVENTS: ClassVar[Sequence[str]] = (
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "START_TRAINING",
    )
    """Actions of Label Studio's webhook that `fit` is called with; others are acknowledged only."""

    INITIAL_MODEL_VERSION: ClassVar[str] = "0.0.1"
    """The version before `setup` or `fit` names one."""

    _in_setup = False

    def __init__(self, project_id: str | None = None, label_config: str | None = None) -> None:
        known = _state.get()
        self._state: State = {} if known is None else known
        self.project_id = project_id or ""
        if label_config is not None:
            self.use_label_config(label_config)
        self._in_setup = True
        try:
            if not self.get(_VERSION):
                self.set(_VERSION, self.INITIAL_MODEL_VERSION)
            self.setup()
        finally:
            self._in_setup = False

    def use_label_config(self, label_config: str) -> None:
        """Remember a labeling config."""
        self.set("label_config", label_config)

    def set_extra_params(self, extra_params: Any) -> None:
        """Remember extra params: called when people change them in Label Studio's form."""
        self.set("extra_params", extra_params)

    def setup(self) -> None:
        """Prepare: called once when the instance is made. Override as needed."""

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **params: Any
    ) -> Any:
        """Return one prediction for each task, in order; None or ``[]`` where there is none.

        Parameters
        ----------
        tasks
            Label Studio's tasks: https://labelstud.io/guide/task_format
        context
            What a person has just drawn, when prediction is interactive.
        """

    def fit(self, event: str, data: dict[str, Any], **params: Any) -> Any:
        """Learn from an event of Label Studio's webhook. Events come one by one, in order."""

    def get(self, key: str) -> Any:
        """Return what was remembered under a name; None if nothing was."""
        return self._state.get(key)

    def set(self, key: str, value: Any) -> None:
        """Remember a value of JSON; it is durable when this returns.

        A ``model_version`` that `setup` names says which code this is. It counts when it differs
        from the one named before; a restart does not undo versions that `fit` has set since.
        """
        if key == _VERSION and self._in_setup:
            if self._state.get(_DECLARED) == value:
                return
            self._write(_DECLARED, value)
        self._write(key, value)

    def has(self, key: str) -> bool:
        """Whether something was remembered under a name."""
        return key in self._state

    def _write(self, key: str, value: Any) -> None:
        if key not in self._state or self._state[key] != value:
            self._state[key] = value

    @property
    def label_config(self) -> str | None:
        """The labeling config, XML."""
        config: str | None = self.get("label_config")
        return config

    @property
    def extra_params(self) -> Any:
        """What people entered as *Extra params* in Label Studio's form; ``{}`` if nothing."""
        return self.get("extra_params") or {}

    @property
    def model_version(self) -> str | None:
        """What predictions carry; Label Studio asks again when it changes."""
        version = self.get(_VERSION)
        return str(version) if version else None

    def bump_model_version(self) -> str:
        """Set the next version and return it: ``0.0.1`` → ``0.1.0``, ``any-name`` → ``any-name+1``.

        Label Studio asks again for every prediction of another version.
        """
        version = next_version(self.model_version or self.INITIAL_MODEL_VERSION)
        self._write(_VERSION, version)
        return version


def next_version(version: str) -> str:
    """Return the version after this one."""
    if counted := re.fullmatch(r"(.*)\+(\d+)", version, re.DOTALL):
        return f"{counted[1]}+{int(counted[2]) + 1}"
    if plain := re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version):
        return f"{plain[1]}.{int(plain[2]) + 1}.0"
    return f"{version}+1"
