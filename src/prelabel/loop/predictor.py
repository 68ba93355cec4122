"""Step 5: tasks + active version → predictions."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from functools import partial

from prelabel.label_config import ControlTag, Kind, LabelSchema
from prelabel.loop.decisions import Decision, Offered
from prelabel.loop.registry import Registry, Served
from prelabel.loop.suggestions import Decide, decide_in_batches, suggest
from prelabel.loop.texts import Texts
from prelabel.models.base import Model, MultiLabelModel
from prelabel.models.label_names import LabelNames
from prelabel.recent import Recent
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.types import Prediction, ProjectKey

log = logging.getLogger(__name__)

TASKS_AT_ONCE = 512
"""Tasks that are decided about before the clock is looked at."""

NAMED = 1000
"""Projects whose last version's name is remembered."""


class Predictor:
    """Answers for every project, with whatever is active for it."""

    def __init__(self, registry: Registry, settings: ProjectSettingsStore, texts: Texts) -> None:
        self._registry = registry
        self._settings = settings
        self._texts = texts
        self._named = Recent[ProjectKey, tuple[Served | None, LabelSchema, float, str]](NAMED)

    def model_version(self, project: ProjectKey, schema: LabelSchema) -> str:
        """Return the version that predictions made now would carry."""
        return self._name(project, self._registry.serve(project), schema, self._min_score(project))

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
        min_score, found = self._min_score(project), list[Prediction | None]()
        for start in range(0, len(data), TASKS_AT_ONCE):
            if time.monotonic() > until_seconds:
                log.warning(
                    "Project %s: the last %d of %d tasks were not reached in time",
                    project, len(data) - start, len(data),
                )  # fmt: skip
                break
            some = data[start : start + TASKS_AT_ONCE]
            found += self._predict(project, served, schema, some, min_score)
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
        return self._predict(project, served, schema, data, settings.min_score or 0.0)

    def _min_score(self, project: ProjectKey) -> float:
        return self._settings.get(project).min_score or 0.0

    def _predict(
        self, project: ProjectKey, served: Served | None, schema: LabelSchema,
        data: Sequence[Mapping[str, object]], min_score: float,
    ) -> list[Prediction | None]:  # fmt: skip
        name = self._name(project, served, schema, min_score)
        decide: Decide = partial(_decide, served, schema)
        if min_score:
            decide = partial(_decide_surely, decide, min_score)
        return suggest(schema, data, decide, model_version=name)

    def _name(
        self, project: ProjectKey, served: Served | None, schema: LabelSchema, min_score: float
    ) -> str:
        """Return `_name` of the two; what was named last is remembered."""
        known = self._named.get(project)
        if known and known[0] is served and known[1] is schema and known[2] == min_score:
            return known[3]
        name = _name(served, schema) + (f"-min{min_score:g}" if min_score else "")
        self._named[project] = served, schema, min_score, name
        return name


def _name(served: Served | None, schema: LabelSchema) -> str:
    """Name what answers: it changes exactly when predictions may change.

    Label names answer before the first version, so the config is part of its name. It is part of a
    version's name, too, while it differs from the one trained with in what is predicted: labels
    that are gone, a control or an object of another name, a control that names still answer for.
    Added labels change nothing yet.
    """
    if served is None:
        return f"v0-names-{schema.digest()}"
    version = served.version
    heads = {head.control: head for head in version.heads}
    is_as_trained = heads.keys() == {control.name for control in schema.controls} and all(
        heads[control.name].frame == control.frame
        and (control.options_key is not None or set(heads[control.name].labels) <= control.values)
        for control in schema.controls
    )
    return version.name if is_as_trained else f"{version.name}-{schema.digest()}"


def _find_model(served: Served, schema: LabelSchema, control: ControlTag) -> Model | None:
    """Return the model that decides about a control: the only one, if both are alone."""
    model = served.models.get(control.name)
    if model is None and len(served.models) == len(schema.controls) == 1:
        (model,) = served.models.values()
    is_several = control.kind is Kind.SEVERAL
    return model if model and isinstance(model, MultiLabelModel) == is_several else None


def _decide_surely(
    decide: Decide, min_score: float, control: ControlTag, texts: Sequence[str],
    offered: Sequence[Offered],
) -> Sequence[Decision | None]:  # fmt: skip
    decisions = decide(control, texts, offered)
    return [found if found and found[1] >= min_score else None for found in decisions]


def _decide(
    served: Served | None, schema: LabelSchema, control: ControlTag, texts: Sequence[str],
    offered: Sequence[Offered],
) -> Sequence[Decision | None]:  # fmt: skip
    model = _find_model(served, schema, control) if served else None
    if model is not None:
        return decide_in_batches(model, control, texts, offered)
    if control.kind is not Kind.ONE:
        return [None] * len(texts)
    names = LabelNames(control.label_names)
    suggestions = zip(map(names.suggest, texts), offered, strict=True)
    return [
        ((found[0],), found[1]) if found and (allowed is None or found[0] in allowed) else None
        for found, allowed in suggestions
    ]
