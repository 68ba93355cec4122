"""Step 5: tasks + active version → predictions."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from prelabel.label_config import ControlTag, Kind, LabelSchema
from prelabel.loop.decisions import Decision, Offered
from prelabel.loop.registry import Registry, Served
from prelabel.loop.suggestions import Decide, Suggester, decide_in_batches
from prelabel.loop.texts import Texts
from prelabel.models.base import Model, MultiLabelModel
from prelabel.models.label_names import LabelNames
from prelabel.recent import Recent
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.types import Head, Prediction, ProjectKey

log = logging.getLogger(__name__)

LEAST_OF_NAMES, SUREST_OF_NAMES = 0.3, 0.75
"""Scores of what was learned from names alone. Below the least, words of names answer instead: a
labeler sees the label, not how unsure it is. The surest is the most that is said: of suggestions
as sure as that, .57 to .77 are right (three sets)."""

TASKS_AT_ONCE = 512
"""Tasks that are decided about before the clock is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """What answers for a project, made of these three; the last one is remembered."""

    served: Served | None
    schema: LabelSchema
    min_score: float
    suggester: Suggester

    def is_for(self, served: Served | None, schema: LabelSchema, min_score: float) -> bool:
        return self.served is served and self.schema is schema and self.min_score == min_score


class Predictor:
    """Answers for every project, with whatever is active for it."""

    def __init__(self, registry: Registry, settings: ProjectSettingsStore, texts: Texts) -> None:
        self._registry = registry
        self._settings = settings
        self._texts = texts
        # As many as the registry keeps models of: these hold on to them.
        self._ready = Recent[ProjectKey, _Ready](registry.resident)

    def model_version(self, project: ProjectKey, schema: LabelSchema) -> str:
        """Return the version that predictions made now would carry."""
        served = self._registry.serve(project)
        return self._prepare(project, served, schema, self._min_score(project)).model_version

    def predict(
        self, project: ProjectKey, schema: LabelSchema, data: Sequence[Mapping[str, object]],
        *, until_seconds: float = math.inf,
    ) -> list[Prediction | None]:  # fmt: skip
        """Suggest labels for each task's data, in order.

        None stands for an abstention: there is no text, or nothing in it to go by. All
        predictions of one call carry the same model version. A text of which the task has only the
        address is fetched after the first time that it is asked for.

        Parameters
        ----------
        until_seconds
            A time of the monotonic clock; tasks that are not reached by then are abstained from.
        """
        self._texts.ask(project, schema, data)
        data = self._texts.fill(project, schema, data)
        served = self._registry.serve(project)
        suggester = self._prepare(project, served, schema, self._min_score(project))
        found: list[Prediction | None] = []
        for start in range(0, len(data), TASKS_AT_ONCE):
            if time.monotonic() > until_seconds:
                log.warning(
                    "Project %s: the last %d of %d tasks were not reached in time",
                    project, len(data) - start, len(data),
                )  # fmt: skip
                break
            found += suggester.suggest(data[start : start + TASKS_AT_ONCE])
        return found + [None] * (len(data) - len(found))

    def predict_at_once(
        self, project: ProjectKey, schema: LabelSchema, data: Sequence[Mapping[str, object]]
    ) -> list[Prediction | None] | None:
        """Do as `predict` if nothing needs to be read or loaded for it; return None if it does."""
        change = self._registry.last_change()
        if change is None or schema.has_urls:
            return None
        served = self._registry.served_at_once(project, change)
        settings = self._settings.known(project, change)
        if served is None or settings is None:
            return None
        return self._prepare(project, served, schema, settings.min_score or 0.0).suggest(data)

    def _min_score(self, project: ProjectKey) -> float:
        return self._settings.get(project).min_score or 0.0

    def _prepare(
        self, project: ProjectKey, served: Served | None, schema: LabelSchema, min_score: float
    ) -> Suggester:
        ready = self._ready.get(project)
        if ready is None or not ready.is_for(served, schema, min_score):
            suggester = _make_suggester(served, schema, min_score)
            ready = self._ready[project] = _Ready(served, schema, min_score, suggester)
        return ready.suggester


def _make_suggester(served: Served | None, schema: LabelSchema, min_score: float) -> Suggester:
    name, least = _name(served, schema), f"-min{min_score!r}" if min_score else ""
    decide = {control.name: _make_decider(served, schema, control) for control in schema.controls}
    if min_score:
        decide = {key: partial(_decide_surely, given, min_score) for key, given in decide.items()}
    return Suggester(schema, decide, model_version=name + least)


def _name(served: Served | None, schema: LabelSchema) -> str:
    """Name what answers: it changes exactly when predictions may change.

    Label names answer before the first version, so the config is part of its name. It is part of a
    version's name, too, while it differs from the one trained with in what is predicted: labels
    that are gone, a control or an object of another name or manner, a control that names still
    answer for, names that answer where what was learned of them is unsure. Added labels change
    nothing yet.
    """
    if served is None:
        return f"v0-names-{schema.digest()}"
    version = served.version
    heads = {head.control: head for head in version.heads}
    is_as_trained = heads.keys() == {control.name for control in schema.controls} and all(
        _is_as_trained(heads[control.name], control) for control in schema.controls
    )
    digest = schema.digest()
    is_of_names = any(head.name_texts for head in version.heads)
    if not is_as_trained or (is_of_names and served.label_config != digest):
        return f"{version.name}-{digest}"
    return version.name


def _is_as_trained(head: Head, control: ControlTag) -> bool:
    has_all = control.options_key is not None or set(head.labels) <= control.values
    return head.frame == control.frame and head.manner in (None, control.manner) and has_all


def _find_model(served: Served, schema: LabelSchema, control: ControlTag) -> Model | None:
    """Return the model that decides about a control: the only one, if both are alone."""
    model = served.models.get(control.name)
    if model is None and len(served.models) == len(schema.controls) == 1:
        (model,) = served.models.values()
    is_several = control.kind is Kind.SEVERAL
    return model if model and isinstance(model, MultiLabelModel) == is_several else None


def _make_decider(served: Served | None, schema: LabelSchema, control: ControlTag) -> Decide:
    """Return what decides about a control's texts."""
    model = _find_model(served, schema, control) if served else None
    if served is None or model is None:
        return _make_word_decider(control)
    by_model = partial(decide_in_batches, model, control)
    if not _is_of_names(served, model):
        return by_model
    return partial(_decide_by_names, by_model, _make_word_decider(control))


def _decide_surely(
    decide: Decide, min_score: float, texts: Sequence[str], offered: Sequence[Offered]
) -> Sequence[Decision | None]:
    return [found if found and found[1] >= min_score else None for found in decide(texts, offered)]


def _decide_by_names(
    by_model: Decide, by_words: Decide, texts: Sequence[str], offered: Sequence[Offered]
) -> Sequence[Decision | None]:
    """Decide with what was learned from names alone; where that is unsure, by their words."""
    sure = [
        (found[0], min(found[1], SUREST_OF_NAMES)) if found and found[1] >= LEAST_OF_NAMES else None
        for found in by_model(texts, offered)
    ]
    unsure = [i for i, found in enumerate(sure) if not found]
    words = iter(by_words([texts[i] for i in unsure], [offered[i] for i in unsure]))
    return [found or next(words) for found in sure]


def _make_word_decider(control: ControlTag) -> Decide:
    """Return what decides where a text has a word of a label's name."""
    if control.kind is not Kind.ONE:
        return lambda texts, _offered: [None] * len(texts)
    ends = control.ends
    names = LabelNames({label: x for label, x in control.label_names.items() if label in ends})
    return partial(_decide_by_words, names)


def _decide_by_words(
    names: LabelNames, texts: Sequence[str], offered: Sequence[Offered]
) -> Sequence[Decision | None]:
    suggestions = zip(map(names.suggest, texts), offered, strict=True)
    return [
        ((found[0],), found[1]) if found and (allowed is None or found[0] in allowed) else None
        for found, allowed in suggestions
    ]


def _is_of_names(served: Served, model: Model) -> bool:
    """Whether a model was learned from the names of labels alone."""
    heads = (head for head in served.version.heads if served.models.get(head.control) is model)
    return any(head.name_texts for head in heads)
