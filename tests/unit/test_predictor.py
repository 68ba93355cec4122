from __future__ import annotations

import gc
import json
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.loop.predictor import TASKS_AT_ONCE, Predictor
from prelabel.loop.registry import Registry
from prelabel.loop.texts import Texts
from prelabel.models import artifact
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, Prediction, ProjectKey, ProjectSettings
from tests.builders import CONFIG, PROJECT, TWIN, config, heads
from tests.letters import Letters, counted_letters

Learn = Callable[..., ModelVersion]
TEXTS = {"sports": "ss ss sss", "cooking": "kk kkkk kk", "art": "aa aaa aa", "music": "mm mm mmm"}


@pytest.fixture
def settings(database: Database) -> ProjectSettingsStore:
    return ProjectSettingsStore(database)


@pytest.fixture
def predictor(
    versions: VersionStore, settings: ProjectSettingsStore, no_texts: Texts, tmp_path: Path
) -> Predictor:
    registry = Registry(versions=versions, artifacts=tmp_path, model_class=Letters, resident=10)
    return Predictor(registry, settings, no_texts)


@pytest.fixture
def learn(projects: ProjectStore, jobs: JobStore, versions: VersionStore, tmp_path: Path) -> Learn:
    """Train a version on one plain text for each label, and activate it."""

    def train(*labels: str, name_texts: int = 0) -> ModelVersion:
        projects.see(PROJECT, CONFIG)
        jobs.claim(PROJECT, "me", timedelta(minutes=1))
        name = f"version-{len(versions.all())}"
        model = Letters().fit([TEXTS[label] for label in labels], labels)
        schema = schema_of(*labels)
        receipt = {"label_config": schema.digest()}
        artifact.save({"topic": model}, tmp_path / name, receipt=receipt)
        (head,) = heads(*model.classes_, frame=schema.controls[0].frame)
        head = replace(head, name_texts=name_texts, manner=schema.controls[0].manner)
        return versions.add(PROJECT, artifact=name, examples=len(labels), fingerprint="f",
                            heads=(head,), owner="me")  # fmt: skip

    return train


def schema_of(*labels: str) -> LabelSchema:
    return parse_label_config(config(*labels))


def suggest(predictor: Predictor, schema: LabelSchema, *texts: object) -> list[Prediction | None]:
    return predictor.predict(PROJECT, schema, [{"text": text} for text in texts])


def labels_of(predictions: list[Prediction | None]) -> list[object]:
    return [p.regions[0].value["choices"] if p else None for p in predictions]


# Before the first version


def test_label_names_answer_or_nobody_does(predictor: Predictor) -> None:
    schema = schema_of("sports", "cooking")
    found = suggest(predictor, schema, "Cooking for two", "Nothing to see here", None)
    assert labels_of(found) == [["cooking"], None, None]
    assert found[0]
    assert found[0].model_version == predictor.model_version(PROJECT, schema)
    assert 0 < found[0].score <= 1


def test_the_version_before_the_first_changes_with_the_names(predictor: Predictor) -> None:
    names = [predictor.model_version(PROJECT, schema_of(*labels)) for labels in ("ab", "ba", "ac")]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("v0-names-")


# A trained version


def test_every_task_has_one_answer_in_its_place(predictor: Predictor, learn: Learn) -> None:
    learn("sports", "cooking")
    texts = ["ssss", None, "kkkk", "", {"a": 1}, "ssss", ["kk", "kk"], 5]
    found = labels_of(suggest(predictor, schema_of("cooking", "sports"), *texts))
    assert found[:7] == [["sports"], None, ["cooking"], None, None, ["sports"], ["cooking"]]
    assert len(found) == 8


@pytest.mark.parametrize("texts", [[], [None], ["", " ", None]])
def test_nothing_to_read_is_nothing_to_say(
    predictor: Predictor, learn: Learn, texts: list[str | None]
) -> None:
    learn("sports", "cooking")
    assert suggest(predictor, schema_of("sports", "cooking"), *texts) == [None] * len(texts)


@pytest.mark.parametrize(
    "labels",
    [["sports", "cooking", "art"], ["art", "cooking", "sports"], ["aaa", "cooking", "sports"]],
)
def test_labels_never_annotated_are_never_predicted_wherever_they_stand(
    predictor: Predictor, learn: Learn, labels: list[str]
) -> None:
    learn("sports", "cooking")
    found = suggest(predictor, schema_of(*labels), "ssss", "kkkk", "aaaa")
    assert labels_of(found)[:2] == [["sports"], ["cooking"]]
    assert labels_of(found)[2] in (["sports"], ["cooking"])


def test_a_text_of_a_label_that_is_gone_belongs_to_no_other(
    predictor: Predictor, learn: Learn
) -> None:
    learn("sports", "cooking", "art")
    found = suggest(predictor, schema_of("art", "sports"), "ssss", "kkkk", "aaaa")
    assert labels_of(found) == [["sports"], None, ["art"]]


def test_the_version_changes_exactly_when_predictions_may(
    predictor: Predictor, learn: Learn
) -> None:
    version = learn("sports", "cooking")
    name = predictor.model_version(PROJECT, schema_of("sports", "cooking"))
    assert name == version.name == "v1-2labels"
    assert predictor.model_version(PROJECT, schema_of("new", "cooking", "sports")) == name
    less = predictor.model_version(PROJECT, schema_of("sports", "new"))
    assert less.startswith("v1-2labels-")
    assert less != predictor.model_version(PROJECT, schema_of("sports"))
    learn("sports", "cooking", "art")
    assert predictor.model_version(PROJECT, schema_of("sports", "cooking", "art")) == "v2-3labels"


@pytest.mark.parametrize("labels", [["sports", "cooking"], ["sports", "new"]])
def test_predictions_carry_the_version_that_setup_reports(
    predictor: Predictor, learn: Learn, labels: list[str]
) -> None:
    learn("sports", "cooking")
    schema = schema_of(*labels)
    (found,) = suggest(predictor, schema, "ssss")
    assert found
    assert found.model_version == predictor.model_version(PROJECT, schema)


def test_scores_are_probabilities_of_the_chosen_label(predictor: Predictor, learn: Learn) -> None:
    learn("sports", "cooking")
    found = suggest(predictor, schema_of("cooking", "sports"), "s" * 1_000, "sk", "q", "\x00")
    scores = [prediction.score for prediction in found if prediction]
    assert len(scores) == 4
    assert all(0.5 <= score <= 1 for score in scores)
    assert scores[0] > 0.99


def test_names_alone_are_never_sure(predictor: Predictor, learn: Learn) -> None:
    schema = schema_of("cooking", "sports")
    texts = "s k", "s" * 40
    learn("cooking", "sports")
    of_labels = suggest(predictor, schema, *texts)
    learn("cooking", "sports", name_texts=1000)
    of_names = suggest(predictor, schema, *texts)
    assert labels_of(of_names) == labels_of(of_labels)
    (unsure, sure), (as_unsure, less) = (
        [p.score for p in some if p] for some in (of_labels, of_names)
    )
    assert (unsure == as_unsure < less < sure, less) == (True, 0.75)


def test_where_names_alone_are_unsure_words_of_names_answer(
    predictor: Predictor, learn: Learn
) -> None:
    labels = "art", "cooking", "music", "sports"
    learn(*labels, name_texts=1000)
    found = suggest(predictor, schema_of(*labels), "a k m s", "a k m s music", "ssss")
    assert labels_of(found) == [None, ["music"], ["sports"]]
    learn(*labels)
    assert None not in suggest(predictor, schema_of(*labels), "a k m s")


@pytest.mark.parametrize("name_texts", [0, 1000])
def test_names_that_may_answer_are_part_of_the_version_until_they_are_learned(
    predictor: Predictor, learn: Learn, name_texts: int
) -> None:
    labels = "art", "cooking", "music", "sports"
    trained = learn(*labels, name_texts=name_texts)
    hinted = parse_label_config(
        config(*labels).replace('value="music"', 'value="music" hint="violin"')
    )
    (before,) = suggest(predictor, schema_of(*labels), "a k m s violin")
    (after,) = suggest(predictor, hinted, "a k m s violin")
    versions = [predictor.model_version(PROJECT, x) for x in (schema_of(*labels), hinted)]
    assert versions[0] == trained.name
    assert (versions[1] == trained.name) == (labels_of([before]) == labels_of([after]))
    assert labels_of([after]) == [["music"]] or not name_texts


def test_an_alias_is_what_a_prediction_carries(predictor: Predictor, learn: Learn) -> None:
    learn("sports", "cooking")
    aliased = config("cooking").replace(
        "<Choice ", '<Choice value="Sports!" alias="sports"/><Choice '
    )
    (found,) = suggest(predictor, parse_label_config(aliased), "ssss")
    assert labels_of([found]) == [["sports"]]


def test_another_project_is_answered_from_its_own_labels(
    predictor: Predictor, learn: Learn
) -> None:
    learn("sports", "cooking")
    assert predictor.predict(TWIN, schema_of("sports", "cooking"), [{"text": "ssss"}]) == [None]


# Several controls

MOOD = '<Choices name="mood" toName="text"><Choice value="glad"/><Choice value="sad"/></Choices>'
TWO = CONFIG.replace("</View>", f"{MOOD}</View>")


def test_a_control_without_a_model_is_answered_by_names_and_the_version_says_so(
    predictor: Predictor, learn: Learn
) -> None:
    version = learn("sports", "cooking")
    schema = parse_label_config(TWO)
    (found,) = suggest(predictor, schema, "ssss how sad")
    assert found
    assert [region.from_name for region in found.regions] == ["topic", "mood"]
    assert found.regions[1].value == {"choices": ["sad"]}
    assert found.model_version == predictor.model_version(PROJECT, schema) != version.name
    assert found.model_version.startswith(f"{version.name}-")


def test_a_control_that_has_another_kind_now_is_not_answered_by_the_old_model(
    predictor: Predictor, learn: Learn
) -> None:
    learn("sports", "cooking")
    several = config("sports", "cooking").replace('"single"', '"multiple"')
    assert suggest(predictor, parse_label_config(several), "ssss") == [None]
    stars = '<View><Text name="text" value="$text"/><Rating name="topic" toName="text"/></View>'
    assert suggest(predictor, parse_label_config(stars), "ssss") == [None]


def test_a_region_that_label_studio_would_hide_is_not_predicted(
    predictor: Predictor, learn: Learn
) -> None:
    learn("sports", "cooking")
    when = '<Choices name="mood" visibleWhen="choice-selected" whenChoiceValue="cooking" '
    schema = parse_label_config(TWO.replace('<Choices name="mood" ', when))
    shown, hidden = suggest(predictor, schema, "kkkk how sad", "ssss how sad")
    assert shown
    assert hidden
    assert [len(prediction.regions) for prediction in (shown, hidden)] == [2, 1]


def test_a_control_that_is_hidden_now_is_another_version_until_it_is_shown_again(
    predictor: Predictor, learn: Learn
) -> None:
    version = learn("sports", "cooking")
    shown = schema_of("sports", "cooking")
    when = '<Choices visibleWhen="choice-selected" whenTagName="mood" '
    hidden = parse_label_config(config("sports", "cooking").replace("<Choices ", when))
    assert suggest(predictor, hidden, "ssss") == [None]
    names = [predictor.model_version(PROJECT, schema) for schema in (shown, hidden, shown)]
    assert names == [version.name, f"{version.name}-{hidden.digest()}", version.name]


def test_a_version_of_which_it_is_not_known_how_labels_were_chosen_keeps_its_name(
    predictor: Predictor, learn: Learn, versions: VersionStore
) -> None:
    version = learn("sports", "cooking")
    (head,) = version.heads
    with versions._database.write() as connection:
        old = {"control": head.control, "frame": head.frame, "labels": head.labels}
        connection.exec_driver_sql("UPDATE versions SET heads = ?", (json.dumps([old]),))
    assert predictor.model_version(PROJECT, schema_of("sports", "cooking")) == version.name


def test_the_score_is_that_of_the_least_certain_region(predictor: Predictor, learn: Learn) -> None:
    learn("sports", "cooking")
    (alone,) = suggest(predictor, parse_label_config(CONFIG), "ssss how sad")
    (both,) = suggest(predictor, parse_label_config(TWO), "ssss how sad")
    assert alone
    assert both
    assert both.score <= alone.score


def test_a_project_may_want_surer_suggestions_and_the_version_says_so(
    predictor: Predictor, settings: ProjectSettingsStore, learn: Learn
) -> None:
    learn("sports", "cooking")
    schema = parse_label_config(CONFIG)
    data = [{"text": "sss"}, {"text": "s k"}]
    before = predictor.predict(PROJECT, schema, data)
    scores = [prediction.score for prediction in before if prediction]
    assert len(scores) == 2
    assert scores[1] < scores[0]
    settings.set(PROJECT, ProjectSettings(min_score=scores[0]))
    sure, unsure = predictor.predict(PROJECT, schema, data)
    assert unsure is None
    assert sure
    assert sure.model_version == f"v1-2labels-min{scores[0]!r}"
    assert predictor.model_version(PROJECT, schema) == sure.model_version
    assert predictor.predict_at_once(PROJECT, schema, data) == [sure, None]
    settings.set(PROJECT, ProjectSettings())
    assert predictor.predict(PROJECT, schema, data) == before


# In time


class Slow(Letters):
    """Answers when it is too late for another batch."""

    until_seconds = 0.0

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        while time.monotonic() <= self.until_seconds:
            time.sleep(0.01)
        return super().predict_proba(texts)


Slow.__name__ = Letters.__name__


def test_tasks_that_are_not_reached_in_time_are_abstained_from(
    database: Database, no_texts: Texts, learn: Learn, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    registry = Registry(
        versions=VersionStore(database), artifacts=tmp_path, model_class=Slow, resident=10
    )
    predictor = Predictor(registry, ProjectSettingsStore(database), no_texts)
    learn("sports", "cooking")
    schema = schema_of("sports", "cooking")
    suggest(predictor, schema, TEXTS["sports"])
    data = [{"text": TEXTS["sports"]}] * (2 * TASKS_AT_ONCE)
    Slow.until_seconds = time.monotonic() + 2
    found = predictor.predict(PROJECT, schema, data, until_seconds=Slow.until_seconds)
    answered = [["sports"]] * TASKS_AT_ONCE
    assert labels_of(found) == answered + [None] * TASKS_AT_ONCE
    assert "the last 512 of 1024 tasks were not reached in time" in caplog.text
    late = predictor.predict(PROJECT, schema, data, until_seconds=time.monotonic() - 1)
    assert late == [None] * len(data)


def test_predicting_for_many_projects_keeps_no_more_models_than_the_registry(
    database: Database, no_texts: Texts, tmp_path: Path
) -> None:
    projects, jobs, versions = ProjectStore(database), JobStore(database), VersionStore(database)
    alive: weakref.WeakSet[Letters] = weakref.WeakSet()
    registry = Registry(
        versions=versions, artifacts=tmp_path, model_class=counted_letters(alive), resident=5
    )
    predictor = Predictor(registry, ProjectSettingsStore(database), no_texts)
    artifact.save({"topic": Letters().fit("sk", ["sports", "cooking"])}, tmp_path / "a", receipt={})
    for number in range(1, 31):
        project = ProjectKey(number, 1)
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))
        versions.add(project, artifact="a", examples=2, heads=heads("cooking", "sports"),
                     fingerprint="f", owner="me")  # fmt: skip
        assert predictor.predict(project, schema_of("cooking", "sports"), [{"text": "sss"}]) != [
            None
        ]
    gc.collect()
    assert len(alive) == 5
