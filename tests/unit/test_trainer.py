from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest

from prelabel.errors import LeaseLostError, ModelError
from prelabel.loop.gate import Gate
from prelabel.loop.texts import Texts
from prelabel.loop.trained import Trained
from prelabel.loop.trainer import Trainer
from prelabel.models import artifact
from prelabel.models.base import TextModel, labels_of
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import FIRST_TEXTS, Event, EventKind, JobState, Task
from tests.builders import (
    CONFIG,
    PROJECT,
    annotated,
    at,
    config,
    deleted,
    examples,
    labeled,
    region,
    speaking_texts,
    tasks_deleted,
)
from tests.letters import Letters, MadeBy

Make = Callable[..., Trainer]


@pytest.fixture
def make(labels: LabelStore, versions: VersionStore, database: Database, tmp_path: Path,
         no_texts: Texts) -> Make:  # fmt: skip
    """Return a trainer; the project's lease is "me"'s."""
    ProjectStore(database).see(PROJECT, CONFIG)
    jobs = JobStore(database)
    jobs.claim(PROJECT, "me", timedelta(minutes=1))

    def trainer(
        new_model: Callable[[], TextModel] = Letters,
        model_class: type[TextModel] = Letters,
        C: float = 10.0,  # noqa: N803 - a setting's name
        threshold: float = 0.01,
    ) -> Trainer:
        return Trainer(
            labels=labels,
            versions=versions,
            artifacts=tmp_path / "artifacts",
            method=MadeBy(model_class=model_class, C=C, make=new_model),
            gate=Gate(
                artifacts=tmp_path / "artifacts", model_class=model_class, threshold=threshold
            ),
            train_every=3,
            texts=no_texts,
        )

    return trainer


def train(trainer: Trainer, *, owner: str = "me") -> Trained:
    trained = trainer.train(PROJECT, owner=owner, must_train=True)
    assert trained is not None
    return trained


def test_what_was_learned_is_stored_and_active(
    make: Make, labels: LabelStore, versions: VersionStore, tmp_path: Path
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking", "sports"])))
    trained = train(make())
    assert (trained.state, trained.trained_changes) == (JobState.DONE, 3)
    assert trained.message == "v1-3labels is active: 2 labels learned"
    assert versions.active(PROJECT) == trained.version
    assert trained.version
    models, manifest = artifact.load(tmp_path / "artifacts" / trained.version.artifact, Letters)
    assert manifest.receipt["recipe"] == {"model": "Letters", "C": 10.0}
    assert (
        tuple(models["topic"].classes_) == trained.version.heads[0].labels == ("cooking", "sports")
    )


class Arrayed(Letters):
    """Has its labels in an array, as whoever wraps a model of scikit-learn finds them."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        super().fit(texts, labels)
        self.classes_ = np.array(labels_of(self))
        return self


def test_labels_in_an_array_are_stored_as_texts(
    make: Make, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"] * 15)))
    version = train(make(Arrayed, Arrayed)).version
    assert version == versions.active(PROJECT)
    assert version
    assert [type(label) for label in version.heads[0].labels] == [str, str]
    assert version.metrics
    assert version.metrics["topic"]["n_examples"] == 30


class Shouting(Letters):
    """Gives scores, where probabilities are expected."""

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return 9 * super().predict_proba(texts)


def test_a_model_that_gives_no_probabilities_does_not_become_a_version(
    make: Make, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking", "sports"])))
    first = train(make()).version
    labels.apply(annotated(*examples(["sports", "cooking", "sports", "cooking"])))
    with pytest.raises(ModelError, match="predict_proba gave what are no probabilities"):
        train(make(Shouting))
    assert versions.active(PROJECT) == first


def test_a_model_is_given_all_texts_of_the_project_and_the_names_of_its_labels(
    make: Make, labels: LabelStore
) -> None:
    given: dict[str, object] = {}

    class Curious(Letters):
        def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
            given.update(extras)
            return super().fit(texts, labels)

    unlabeled = (Task(id=90, data={"text": "more"}), Task(id=91, data={"other": "none"}))
    labels.apply(Event(kind=EventKind.TASKS_CREATED, project=PROJECT, created=unlabeled))
    labels.apply(annotated(labeled(1, "sports", text="one"), labeled(2, "cooking", text="two")))
    train(make(Curious))
    assert given["unlabeled"] == ["one", "two", "more"]
    assert given["sample_weight"] == [1.0, 1.0]
    assert given["label_names"] == {"cooking": ("cooking",), "sports": ("sports",)}


def test_new_texts_make_a_new_version_when_someone_asks(make: Make, labels: LabelStore) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    train(make())
    created = (Task(id=90, data={"text": "more"}),)
    labels.apply(Event(kind=EventKind.TASKS_CREATED, project=PROJECT, created=created))
    version = train(make()).version
    assert version
    assert version.number == 2


def test_a_project_that_is_not_due_is_left_alone(make: Make, labels: LabelStore) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    assert make().train(PROJECT, owner="me", must_train=False) is None
    labels.apply(deleted(1))
    labels.apply(annotated(labeled(7, "sports"), labeled(8, "cooking")))
    assert make().train(PROJECT, owner="me", must_train=False) is not None


def test_the_same_labels_again_are_the_same_version(
    make: Make, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    first = train(make()).version
    labels.apply(annotated(labeled(3, "sports")))
    labels.apply(tasks_deleted(3))
    again = train(make())
    assert (again.state, again.version, again.trained_changes) == (JobState.DONE, first, 4)
    assert "v1-2labels is up to date" in again.message
    assert versions.all() == [first]


@pytest.mark.parametrize("change", ["label", "setting", "control", "text", "weight"])
def test_whatever_may_change_predictions_makes_a_new_version(
    make: Make, labels: LabelStore, projects: ProjectStore, change: str
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    train(make())
    if change == "label":
        labels.apply(annotated(*examples(["sports"], first=3)))
    if change == "text":
        labels.apply(annotated(labeled(3, "sports", task=1, text="new", minute=1)))
        labels.apply(deleted(3))
    if change == "weight":
        labels.apply(annotated(labeled(3, "cooking", task=1, minute=-1)))
    if change == "control":
        projects.see(PROJECT, CONFIG.replace('"text"', '"body"'))
    trained = train(make(C=1.0 if change == "setting" else 10.0))
    assert trained.version
    assert trained.version.number == 2


@pytest.mark.parametrize("given", [[], ["sports"], ["sports"] * 5])
def test_too_few_labels_are_not_yet_with_the_counts(
    make: Make, labels: LabelStore, versions: VersionStore, given: list[str]
) -> None:
    labels.apply(annotated(*examples(given)))
    trained = train(make())
    assert (trained.state, trained.version) == (JobState.NOT_YET, None)
    assert "at least two examples with different labels" in trained.message
    assert (f"sports: {len(given)}" if given else "no examples so far") in trained.message
    assert versions.active(PROJECT) is None


def test_after_not_yet_the_next_label_tries_again(
    make: Make, labels: LabelStore, jobs: JobStore
) -> None:
    labels.apply(annotated(*examples(["sports"] * 5)))
    waiting = train(make()).trained_changes
    jobs.release(PROJECT, "me")
    job = jobs.claim(PROJECT, "me", timedelta(minutes=1))
    assert job
    jobs.finish(job, JobState.NOT_YET, "x", trained_changes=waiting)
    assert make().train(PROJECT, owner="me", must_train=False) is None
    labels.apply(annotated(*examples(["cooking"], first=6)))
    trained = make().train(PROJECT, owner="me", must_train=False)
    assert trained
    assert trained.state is JobState.DONE


@pytest.mark.parametrize("label_config", ["<View/>", "no xml"])
def test_a_config_that_cannot_be_served_is_not_yet(
    make: Make, labels: LabelStore, projects: ProjectStore, label_config: str
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    projects.see(PROJECT, label_config)
    trained = train(make())
    assert (trained.state, trained.trained_changes) == (JobState.NOT_YET, 2)
    assert "labeling config" in trained.message


def test_only_examples_of_labels_that_the_config_has_are_learned(
    make: Make, labels: LabelStore, projects: ProjectStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking", "gone", "art"])))
    labels.apply(annotated(labeled(9, None), labeled(8, "sports", skipped=True)))
    labels.apply(annotated(labeled(7, "sports", text="  ")))
    projects.see(PROJECT, config("sports", "art", "new"))
    version = train(make()).version
    assert version
    assert (version.heads[0].labels, version.examples) == (("art", "sports"), 2)


def test_who_lost_the_lease_activates_nothing_and_leaves_nothing(
    make: Make, labels: LabelStore, versions: VersionStore, tmp_path: Path
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    with pytest.raises(LeaseLostError, match="was lost"):
        train(make(), owner="late")
    assert versions.all() == []
    assert not list((tmp_path / "artifacts").rglob("*.safetensors"))


def test_a_version_whose_artifact_is_lost_is_trained_again(
    make: Make, labels: LabelStore, versions: VersionStore, tmp_path: Path
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    train(make())
    for file in tmp_path.rglob("arrays.safetensors"):
        file.unlink()
    assert train(make()).version == versions.active(PROJECT)
    assert [version.number for version in versions.all()] == [2, 1]


def test_labels_that_arrive_during_a_training_count_for_the_next(
    make: Make, labels: LabelStore
) -> None:
    store = labels

    class Slow(Letters):
        def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
            store.apply(annotated(*examples(["sports"] * 3, first=10)))
            return super().fit(texts, labels, **extras)

    labels.apply(annotated(*examples(["sports", "cooking", "sports"])))
    trained = train(make(Slow))
    assert trained.trained_changes == 3
    assert trained.version
    assert trained.version.examples == 3
    assert labels.snapshot(PROJECT).label_changes == 6


def test_every_training_starts_from_a_fresh_model(make: Make, labels: LabelStore) -> None:
    made: list[Letters] = []

    def new_model() -> Letters:
        made.append(Letters())
        return made[-1]

    for first in (1, 3):
        labels.apply(annotated(*examples(["sports", "cooking"], first=first)))
        train(make(new_model))
    assert len(made) == 2
    assert made[0] is not made[1]


# Several controls

MOOD = '<Choices name="mood" toName="text"><Choice value="glad"/><Choice value="sad"/></Choices>'
TWO = CONFIG.replace("</View>", f"{MOOD}</View>")


def test_each_control_is_learned_by_itself_and_the_message_says_what_is_missing(
    make: Make, labels: LabelStore, projects: ProjectStore, tmp_path: Path
) -> None:
    projects.see(PROJECT, TWO)
    labels.apply(annotated(*examples(["sports", "cooking"]), label_config=TWO))
    first = train(make())
    assert (
        first.message == "v1-2labels is active: topic: 2 labels learned; mood: too few labels yet"
    )
    both = [
        (task, replace(given, regions=(*given.regions, region(mood, "mood"))))
        for (task, given), mood in zip(
            examples(["sports", "cooking"], first=3), ("glad", "sad"), strict=True
        )
    ]
    labels.apply(annotated(*both, label_config=TWO))
    second = train(make())
    assert second.message.endswith("topic: 2 labels learned; mood: 2 labels learned")
    assert second.version
    assert [(head.control, head.labels) for head in second.version.heads] == [
        ("topic", ("cooking", "sports")), ("mood", ("glad", "sad")),
    ]  # fmt: skip
    models, _ = artifact.load(tmp_path / "artifacts" / second.version.artifact, Letters)
    assert list(models) == ["topic", "mood"]
    assert second.version.examples == 4


def test_too_few_labels_of_all_controls_are_counted_by_control(
    make: Make, labels: LabelStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, TWO)
    labels.apply(annotated(*examples(["sports"]), label_config=TWO))
    trained = train(make())
    assert trained.state is JobState.NOT_YET
    assert "topic: sports: 1" in trained.message


def test_after_a_control_was_renamed_the_message_says_under_which_name_labels_are(
    make: Make, labels: LabelStore, projects: ProjectStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    projects.see(PROJECT, config("sports", "cooking", name="subject"))
    trained = train(make())
    assert trained.state is JobState.NOT_YET
    assert "does not have: topic." in trained.message


def test_labels_of_tasks_that_have_no_text_under_the_key_are_counted(
    make: Make, labels: LabelStore
) -> None:
    elsewhere = CONFIG.replace("$text", "$other")
    labels.apply(annotated(labeled(1), labeled(2, "cooking"), label_config=elsewhere))
    trained = make().train(PROJECT, owner="me", must_train=True)
    assert trained
    assert 'Labeled tasks without a text under "other": 2.' in trained.message


def test_a_model_that_learns_one_label_leaves_controls_of_several_alone(
    make: Make, labels: LabelStore, projects: ProjectStore
) -> None:
    several = CONFIG.replace('choice="single"', 'choice="multiple"')
    projects.see(PROJECT, several)
    labels.apply(annotated(*examples(["sports", "cooking"]), label_config=several))
    trained = train(make())
    assert trained.state is JobState.NOT_YET
    assert trained.message.endswith("leaves alone where there may be several: topic.")


# Before there are labels


@pytest.fixture
def from_names(make: Make, labels: LabelStore) -> Trainer:
    """A trainer of a project of texts that names speak for."""
    labels.add_texts(PROJECT, written(FIRST_TEXTS))
    return make(SklearnTextClassifier, SklearnTextClassifier)


def written(n: int) -> list[Task]:
    return [Task(id=id_, data={"text": text}) for id_, text in enumerate(speaking_texts(n), 100)]


def test_a_project_of_texts_is_trained_before_there_are_labels(
    from_names: Trainer, labels: LabelStore, versions: VersionStore, tmp_path: Path
) -> None:
    trained = from_names.train(PROJECT, owner="me", must_train=False)
    assert trained
    assert trained.message == (
        "v1-names is active: 2 labels learned from their names and 100 texts, no labels yet; "
        "with two different labels it learns from those, and becomes good"
    )
    assert (trained.state, trained.trained_changes, trained.texts_due) == (JobState.DONE, 0, 200)
    active = versions.active(PROJECT)
    assert active == trained.version
    assert active
    assert (active.examples, active.metrics, active.heads[0].name_texts) == (0, None, 100)
    models, _ = artifact.load(tmp_path / "artifacts" / active.artifact, SklearnTextClassifier)
    probabilities = models["topic"].predict_proba(["goal match team", "oven butter soup"])
    assert [models["topic"].classes_[i] for i in probabilities.argmax(axis=1)] == [
        "sports", "cooking",
    ]  # fmt: skip
    again = from_names.train(PROJECT, owner="me", must_train=True)
    assert again
    assert again.version == active
    assert "v1-names is up to date" in again.message


def test_labels_of_one_kind_delay_nothing_and_two_kinds_replace_names(
    from_names: Trainer, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports"] * 25)))
    first = train(from_names)
    assert first.version
    assert first.version.name == "v1-25labels"
    assert "125 texts, 25 of one label so far" in first.message
    assert (first.version.metrics, first.trained_changes) == (None, 23)
    labels.apply(annotated(*examples(["cooking"] * 25, first=26)))
    second = from_names.train(PROJECT, owner="me", must_train=False)
    assert second
    assert second.version == versions.active(PROJECT)
    assert second.message == "v2-50labels is active: 2 labels learned"
    assert second.texts_due is None


def test_names_do_not_replace_what_was_learned_from_labels_that_are_gone(
    from_names: Trainer, labels: LabelStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    assert train(from_names).message == "v1-2labels is active: 2 labels learned"
    labels.apply(deleted(1, 2))
    trained = train(from_names)
    assert (trained.state, trained.version) == (JobState.NOT_YET, None)
    assert trained.message.endswith("Until then, what is active is better than names alone.")


def test_a_control_whose_labels_are_all_gone_begins_anew_beside_one_that_has_some(
    from_names: Trainer, labels: LabelStore, versions: VersionStore
) -> None:
    mood = (
        '<Choices name="mood" toName="text"><Choice value="today"/><Choice value="team"/></Choices>'
    )
    both = CONFIG.replace("</View>", f"{mood}</View>")
    topics = examples(["sports", "cooking"])
    moods = [
        replace(decided, regions=(*decided.regions, region(word, "mood")))
        for (_, decided), word in zip(topics, ("today", "team"), strict=True)
    ]
    labels.apply(annotated(*((task, d) for (task, _), d in zip(topics, moods, strict=True)),
                           label_config=both))  # fmt: skip
    assert train(from_names).message == (
        "v1-2labels is active: topic: 2 labels learned; mood: 2 labels learned"
    )
    later = (replace(decided, updated_at=at(1)) for _, decided in topics)
    labels.apply(annotated(*((task, d) for (task, _), d in zip(topics, later, strict=True)),
                           label_config=both))  # fmt: skip
    trained = train(from_names)
    assert trained.message == (
        "v2-2labels is active: topic: 2 labels learned; "
        "mood: 2 labels learned from their names and 102 texts, no labels yet"
    )
    active = versions.active(PROJECT)
    assert active
    assert [(head.control, head.name_texts) for head in active.heads] == [
        ("topic", 0), ("mood", 102),
    ]  # fmt: skip


def test_names_that_say_nothing_are_tried_again_with_twice_the_texts(
    from_names: Trainer, labels: LabelStore
) -> None:
    other = config("ja", "nein")
    labels.apply(annotated(*examples([]), label_config=other))
    trained = from_names.train(PROJECT, owner="me", must_train=False)
    assert trained
    assert (trained.state, trained.texts_due) == (JobState.NOT_YET, 200)
    assert "no examples so far" in trained.message
    assert "Names of labels alone are not learned. No text has a word" in trained.message


def test_labels_that_teach_nothing_put_nothing_off_that_texts_make_due(
    from_names: Trainer, labels: LabelStore, database: Database
) -> None:
    trained = from_names.train(PROJECT, owner="me", must_train=False)
    assert trained
    jobs = JobStore(database)
    job = jobs.get(1)
    assert job
    jobs.finish(
        replace(job, owner="me"), trained.state, trained.message,
        trained_changes=0, texts_due=trained.texts_due,
    )  # fmt: skip
    labels.add_texts(PROJECT, written(2 * FIRST_TEXTS - 10))
    labels.apply(annotated(*(labeled(id_, "sports", task=1, by=id_) for id_ in range(1, 5))))
    again = from_names.train(PROJECT, owner="me", must_train=False)
    assert again
    assert (again.state, again.texts_due) == (JobState.NOT_YET, 2 * FIRST_TEXTS)


def test_before_there_are_enough_texts_they_are_waited_for(make: Make, labels: LabelStore) -> None:
    labels.add_texts(PROJECT, written(FIRST_TEXTS - 100))
    trained = train(make(model_class=SklearnTextClassifier, new_model=SklearnTextClassifier))
    assert (trained.state, trained.texts_due) == (JobState.NOT_YET, FIRST_TEXTS)


def test_a_class_of_ones_own_is_not_due_by_texts(make: Make, labels: LabelStore) -> None:
    labels.add_texts(PROJECT, written(FIRST_TEXTS))
    assert make().train(PROJECT, owner="me", must_train=False) is None


# Evaluation and the gate


class Told(Letters):
    """A model that is told how many of its examples it was right about out of fold."""

    right: int

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        super().fit(texts, labels)
        truths = np.array([labels_of(self).index(label) for label in labels])
        guesses = np.where(np.arange(len(truths)) < self.right, truths, 1 - truths)
        self.out_of_fold_ = np.where(np.eye(2)[guesses] == 1, 0.75, 0.25).astype(np.float32)
        return self


def tell(right: int, made: list[Told] | None = None) -> Callable[[], Told]:
    def new_model() -> Told:
        model = Told()
        model.right = right
        if made is not None:
            made.append(model)
        return model

    return new_model


@pytest.fixture
def make_two(make: Make, labels: LabelStore) -> Make:
    """Return what makes trainers: v1 is right about all of 20 examples; v2 about as many as told.

    They differ in C.
    """
    labels.apply(annotated(*examples(["sports", "cooking"] * 10)))
    train(make(tell(20), Told))

    def second(right: int, **options: Any) -> Trainer:
        return make(tell(right, options.pop("made", None)), Told, **{"C": 1.0, **options})

    return second


def test_what_was_measured_is_stored_with_the_version_and_its_receipt_and_logged(
    make: Make, labels: LabelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"] * 10)))
    with caplog.at_level(logging.INFO):
        version = train(make(tell(19), Told)).version
    assert version
    assert version.metrics
    measured = version.metrics["topic"]
    assert (measured["n_examples"], measured["accuracy"]) == (20, 0.95)
    assert measured["confusion"]["cooking"] == {"cooking": 9, "sports": 1}
    _, manifest = artifact.load(tmp_path / "artifacts" / version.artifact, Told)
    assert manifest.receipt["metrics"] == version.metrics
    assert (
        f"v1-20labels of project {PROJECT}: topic: accuracy 0.95, micro-F1 0.95, macro-F1 0.95"
        in caplog.text
    )


def test_a_model_that_measures_nothing_has_no_metrics(make: Make, labels: LabelStore) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    version = train(make()).version
    assert version
    assert version.metrics is None


def test_a_clearly_worse_version_is_kept_and_the_active_one_stays(
    make_two: Make, versions: VersionStore
) -> None:
    trained = train(make_two(10))
    assert trained.state is JobState.DONE
    assert trained.message == (
        "v2-20labels is kept but not activated: it is clearly worse than v1-20labels: of 20 "
        "texts that both can be judged by, it alone is wrong about 10, and v1-20labels alone "
        "about 0"
    )
    second, first = versions.all(PROJECT)
    assert versions.active(PROJECT) == first
    assert trained.version == second
    assert second.withheld
    assert second.withheld in trained.message


@pytest.mark.parametrize(("right", "threshold"), [(17, 0.01), (0, 0)])
def test_another_version_is_activated(
    make_two: Make, versions: VersionStore, right: int, threshold: float
) -> None:
    trained = train(make_two(right, threshold=threshold))
    assert versions.active(PROJECT) == trained.version
    assert trained.message == "v2-20labels is active: 2 labels learned"


def test_a_withheld_version_is_not_fitted_again_and_stays_so(
    make_two: Make, versions: VersionStore
) -> None:
    first = train(make_two(10))
    made: list[Told] = []
    again = train(make_two(10, made=made))
    assert (again.message, again.version, made) == (first.message, first.version, [])
    assert len(versions.all(PROJECT)) == 2


def test_a_withheld_version_is_activated_without_fitting_once_the_gate_is_off(
    make_two: Make, versions: VersionStore
) -> None:
    train(make_two(10))
    made: list[Told] = []
    trained = train(make_two(10, threshold=0, made=made))
    assert trained.message == "v2-20labels is active: it was trained on the same before"
    assert made == []
    active = versions.active(PROJECT)
    assert active
    assert (active.number, active.withheld) == (2, None)
    assert trained.version == active


def test_labels_that_are_again_what_they_were_bring_back_their_version(
    make: Make, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    first = train(make()).version
    labels.apply(annotated(*examples(["sports"], first=3)))
    train(make())
    labels.apply(tasks_deleted(3))
    assert train(make()).version == first == versions.active(PROJECT)


def test_a_version_that_was_rolled_back_is_not_brought_back_by_equal_labels(
    make: Make, labels: LabelStore, versions: VersionStore
) -> None:
    labels.apply(annotated(*examples(["sports", "cooking"])))
    first = train(make()).version
    labels.apply(annotated(*examples(["sports"], first=3)))
    second = train(make()).version
    assert first
    assert second
    versions.roll_back(first)
    again = train(make(threshold=0))
    assert "v2-3labels was rolled back" in again.message
    assert (again.version and again.version.name, versions.active(PROJECT)) == (second.name, first)
    labels.apply(annotated(*examples(["cooking"], first=4)))
    assert train(make()).version == versions.active(PROJECT) != first


def test_who_lost_the_lease_brings_nothing_back(make_two: Make, versions: VersionStore) -> None:
    train(make_two(10))
    with pytest.raises(LeaseLostError, match="was lost"):
        train(make_two(10, threshold=0), owner="late")
    active = versions.active(PROJECT)
    assert active
    assert active.number == 1


def test_a_version_worse_than_a_damaged_one_is_activated(
    make_two: Make, versions: VersionStore, tmp_path: Path
) -> None:
    for file in tmp_path.rglob("arrays.safetensors"):
        file.write_bytes(b"damaged")
    assert train(make_two(0)).version == versions.active(PROJECT)
