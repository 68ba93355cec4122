from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from label_studio_ml.model import LabelStudioMLBase
from prelabel.custom.session import Session, read_json
from prelabel.errors import MalformedError
from prelabel.server.whose import read_project
from prelabel.types import ProjectKey

CONFIG = '<View><Text name="text" value="$text"/></View>'


class Telling(LabelStudioMLBase):
    """Remembers how it was called."""

    told: tuple[Any, ...] = ()
    made = 0

    def setup(self) -> None:
        type(self).made += 1
        self.at_setup = self.extra_params

    def set_extra_params(self, extra_params: Any) -> None:
        super().set_extra_params(extra_params)
        type(self).told = ("params", extra_params, self.at_setup)

    def predict(self, tasks: Any, context: Any = None, **params: Any) -> Any:
        type(self).told = ("predict", tasks, context, params)
        return []

    def fit(self, event: str, data: dict[str, Any], **params: Any) -> Any:
        type(self).told = ("fit", event, data)
        return {"seen": {1}}


@pytest.fixture
def session() -> Session:
    Telling.told, Telling.made = (), 0
    return Session(Telling, {}, project=ProjectKey(7, 1))


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("params", "context", "others"),
    [
        ({"context": None, "login": None}, None, {"login": None}),
        ({"context": {"result": []}}, {"result": []}, {}),
        ({}, {}, {}),
        (None, {}, {}),
    ],
)
def test_predict_gets_what_label_studio_sent(
    session: Session, params: object, context: object, others: object
) -> None:
    answer = session.predict(body(tasks=[{"id": 1}], label_config=CONFIG, params=params))
    assert json.loads(answer) == {"results": [[]]}
    assert Telling.told == ("predict", [{"id": 1}], context, others)


def test_extra_params_are_there_in_setup_and_are_told_when_they_change(session: Session) -> None:
    session.setup(body(schema=CONFIG, extra_params={"a": 1}))
    assert Telling.told == ("params", {"a": 1}, {"a": 1})
    session.setup(body(schema=CONFIG, extra_params='{"a": 2}'))
    assert Telling.told == ("params", {"a": 2}, {"a": 1})
    assert Telling.made == 1, "the same model, which is told"
    Telling.told = ()
    session.setup(body(schema=CONFIG, extra_params=None))
    assert Telling.told == ()


def test_extra_params_that_are_no_json_are_the_callers_mistake(session: Session) -> None:
    with pytest.raises(MalformedError, match="extra params"):
        session.setup(body(schema=CONFIG, extra_params="{"))


def test_another_labeling_config_makes_another_model(session: Session) -> None:
    for config in (CONFIG, CONFIG, CONFIG.replace("$text", "$body")):
        session.setup(body(schema=config))
    assert Telling.made == 2


def test_start_training_names_the_project_where_models_look_for_it(session: Session) -> None:
    project = {"id": 7, "label_config": CONFIG}
    assert json.loads(session.fit(body(action="START_TRAINING", project=project))) == {"seen": [1]}
    assert Telling.told[1:] == (
        "START_TRAINING",
        {"project": project, "annotation": {"project": 7}},
    )


def test_a_deletion_is_told_under_the_name_that_models_know(session: Session) -> None:
    session.fit(body(action="ANNOTATIONS_DELETED", project={"id": 7}, annotations=[{"id": 1}]))
    assert Telling.told[1] == "ANNOTATION_DELETED"


@pytest.mark.parametrize("project", ["7.1", 7, [7], None])
@pytest.mark.parametrize("config", [None, 5, {"a": 1}])
def test_what_is_odd_beside_the_event_is_left_out(
    session: Session, project: object, config: object
) -> None:
    given = {"project": project} if config is None else {"project": {"label_config": config}}
    assert session.fit(body(action="ANNOTATION_CREATED", **given)) == b'{"seen":[1]}'
    assert session.predict(body(tasks=[], params=[1], label_config=config)) == b'{"results":[]}'


@pytest.mark.parametrize("read", [read_json, read_project])
def test_a_body_that_is_nested_too_deeply_is_the_callers_mistake(
    read: Callable[[bytes], object],
) -> None:
    with pytest.raises(MalformedError, match="nested too deeply"):
        read(b'{"project": ' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("sent", "told"),
    [([{"id": 1}, {"id": 2}], 2), ({"id": 1}, 1), ([], 0), (None, 0)],
)
def test_tasks_are_a_list_also_where_one_or_none_was_sent(
    session: Session, sent: object, told: int
) -> None:
    answer = session.predict(body(tasks=sent, label_config=CONFIG))
    assert json.loads(answer) == {"results": [[]] * told}
    assert Telling.told[1] == [{"id": n} for n in range(1, told + 1)]


class Popping(LabelStudioMLBase):
    """Takes the tasks out of the list that it is given."""

    def predict(self, tasks: Any, context: Any = None, **_: Any) -> Any:
        return [{"result": [], "score": 0.5} for _ in iter(lambda: tasks and tasks.pop(), [])]


def test_a_model_may_empty_the_list_of_tasks() -> None:
    session = Session(Popping, {}, project=ProjectKey(7, 1))
    answer = session.predict(body(tasks=[{"id": 1}, {"id": 2}], label_config=CONFIG))
    assert [result["score"] for result in json.loads(answer)["results"]] == [0.5, 0.5]


def test_a_task_that_is_no_object_is_the_callers_mistake(session: Session) -> None:
    with pytest.raises(MalformedError, match="a task that is no object"):
        session.predict(body(tasks=[{"id": 1}, "text"], label_config=CONFIG))


@pytest.mark.parametrize(
    ("sent", "said"), [(b"{", "not JSON"), (b"[1]", r"Received \[1\]"), (b"", "not JSON")]
)
def test_a_body_that_is_no_object_is_the_callers_mistake(sent: bytes, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        read_json(sent)


def test_what_only_python_writes_is_read_too() -> None:
    assert math.isnan(read_json(b'{"score": NaN}')["score"])


@pytest.mark.parametrize(("project", "told"), [(ProjectKey(7, 1), "7"), (None, "")])
def test_a_model_knows_its_projects_number(project: ProjectKey | None, told: str) -> None:
    class Asking(LabelStudioMLBase):
        def predict(self, tasks: Any, context: Any = None, **params: Any) -> Any:
            return [{"result": [], "model_version": f"<{self.project_id}>"} for _ in tasks]

    session = Session(Asking, {}, project=project)
    (found,) = json.loads(session.predict(body(tasks=[{"id": 1}], label_config=CONFIG)))["results"]
    assert found["model_version"] == f"<{told}>"


@pytest.mark.parametrize(
    ("writes", "names", "version"),
    [(False, None, "0.0.1"), (True, None, "0.1.0"), (True, "mine", "mine"), (False, "b", "b")],
)
def test_what_fit_writes_makes_a_version_unless_it_names_one_itself(
    tmp_path: Path, writes: bool, names: str | None, version: str
) -> None:
    class Writing(LabelStudioMLBase):
        def fit(self, event: str, data: dict[str, Any], **params: Any) -> None:
            if writes:
                (tmp_path / "weights").write_text("1")
            if names:
                self.set("model_version", names)

    session = Session(Writing, {}, project=ProjectKey(7, 1), folder=tmp_path)
    session.fit(body(action="START_TRAINING", project={"id": 7, "label_config": CONFIG}))
    assert json.loads(session.setup(body(schema=CONFIG))) == {"model_version": version}
