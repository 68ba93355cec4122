from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from prelabel.errors import NotEnoughLabelsError
from prelabel.label_config import parse_label_config
from prelabel.loop.course import Course, read_course
from prelabel.loop.names import (
    count_texts_read,
    find_texts_due,
    let_names_speak,
    require_news,
    write_names_hint,
)
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.types import FIRST_TEXTS, Head, ModelVersion
from tests.builders import CONFIG, PROJECT, Pair, examples
from tests.letters import Letters

ENOUGH = tuple(f"text {number}" for number in range(FIRST_TEXTS))
MOOD = '<Choices name="mood" toName="text"><Choice value="glad"/><Choice value="sad"/></Choices>'


@dataclass(frozen=True, kw_only=True, slots=True)
class Told(Method):
    """A method that is told whether names speak."""

    speak: bool = True

    def find_silence(
        self, label_names: Mapping[str, Sequence[str]], texts: Sequence[str]
    ) -> str | None:
        return None if self.speak and label_names and texts else "They mean nothing."


def read(
    label_config: str = CONFIG, annotated: Sequence[Pair] = (), texts: Sequence[str] = ENOUGH, *,
    speak: bool = True,
) -> Course:  # fmt: skip
    schema, method = (
        parse_label_config(label_config),
        Told(model_class=SklearnTextClassifier, speak=speak),
    )
    data = [{"text": text, "options": ["a", "b"]} for text in texts]
    return let_names_speak(read_course(schema, annotated, data, method))


def version(
    course: Course, examples: int, *, name_texts: int, labels: str = "sports"
) -> ModelVersion:
    frame = course.lessons[0].control.frame
    head = Head(control="topic", frame=frame, labels=(labels,), name_texts=name_texts)
    return ModelVersion(
        project=PROJECT, number=1, artifact="a", examples=examples, heads=(head,),
        fingerprint="f", created_at=datetime.now(UTC),
    )  # fmt: skip


def test_names_teach_what_there_are_too_few_labels_for() -> None:
    assert read().ready == list(read().lessons)
    assert not read().is_of_labels
    assert read(annotated=examples(["sports"] * 3)).lessons[0].is_named
    labeled = read(annotated=examples(["sports", "cooking"]))
    assert (labeled.is_of_labels, labeled.lessons[0].is_named) == (True, False)


@pytest.mark.parametrize(
    ("course", "due", "why"),
    [
        (read(speak=False), 2 * FIRST_TEXTS, "They mean nothing."),
        (read(texts=ENOUGH[:-1]), FIRST_TEXTS + FIRST_TEXTS // 10, "; known so far: 99."),
        (read(texts=ENOUGH[:70]), FIRST_TEXTS + 30, "; known so far: 70."),
        (read(texts=["the same"] * 2 * FIRST_TEXTS), 2 * FIRST_TEXTS - 1, "; known so far: 1."),
        (read(CONFIG.replace("</View>", f"{MOOD}</View>"), speak=False), 2 * FIRST_TEXTS,
         " topic: They mean nothing. mood: They mean nothing."),
    ],
)  # fmt: skip
def test_names_are_not_learned_that_say_nothing_or_of_few_texts(
    course: Course, due: int, why: str
) -> None:
    with pytest.raises(NotEnoughLabelsError):
        course.require_lessons()
    assert find_texts_due(course, FIRST_TEXTS) == due
    assert find_texts_due(course, 10) == FIRST_TEXTS
    assert why in write_names_hint(course, is_learned=False)


SHOWN = CONFIG.replace(
    "choice=", 'visibleWhen="choice-selected" whenTagName="mood" choice='
).replace("</View>", '<Choices name="mood" toName="text"><Choice value="glad"/></Choices></View>')


@pytest.mark.parametrize(
    ("label_config", "named"),
    [
        (CONFIG, {"topic"}),
        (CONFIG.replace("single", "multiple"), set()),
        (CONFIG.replace('<Choice value="cooking"/>',
                        '<Choice value="arts"><Choice value="cooking"/></Choice>')
         .replace("choice=", 'allowNested="true" choice='), set()),
        (SHOWN, {"mood"}),
        (CONFIG.replace("choice=", 'value="$options" choice='), set()),
        ('<View><Text name="text" value="$text"/><Rating name="topic" toName="text"/></View>',
         set()),
        ('<View><Text name="text" value="$text"/><Taxonomy name="topic" toName="text">'
         '<Choice value="a"><Choice value="b"/></Choice></Taxonomy></View>', set()),
    ],
)  # fmt: skip
def test_names_divide_the_texts_of_flat_choices_that_are_always_shown(
    label_config: str, named: set[str]
) -> None:
    course = read(label_config)
    assert {lesson.name for lesson in course.ready} == named
    assert find_texts_due(course, 1700) == (3400 if named else None)


def test_each_control_is_learned_from_labels_or_from_names() -> None:
    course = read(CONFIG.replace("</View>", f"{MOOD}</View>"), examples(["sports", "cooking"]))
    assert [(x.name, x.is_of_labels, x.is_named) for x in course.ready] == [
        ("topic", True, False), ("mood", False, True),
    ]  # fmt: skip
    models = {
        x.name: Letters().fit(list(x.control.values), list(x.control.values)) for x in course.ready
    }
    n_texts = FIRST_TEXTS
    assert [head.name_texts for head in course.describe_heads(models)] == [0, n_texts]
    assert course.describe(models) == (
        "topic: 2 labels learned; "
        f"mood: 2 labels learned from their names and {n_texts:,} texts, no labels yet"
    )
    assert find_texts_due(course, n_texts) == 2 * n_texts
    assert write_names_hint(course, is_learned=True) == ""
    require_news(course, version(course, 40, name_texts=0), n_new=10)


ADDRESSED = CONFIG.replace("<Text ", '<Text valueType="url" ')


@pytest.mark.parametrize(
    ("label_config", "n_tasks", "n_read"),
    [(ADDRESSED, FIRST_TEXTS, 0), (ADDRESSED, FIRST_TEXTS - 1, None), (CONFIG, FIRST_TEXTS, None),
     (ADDRESSED.replace("single", "multiple"), FIRST_TEXTS, None)],
)  # fmt: skip
def test_names_wait_for_texts_that_can_still_be_fetched(
    label_config: str, n_tasks: int, n_read: int | None
) -> None:
    assert count_texts_read(read(label_config, texts=()), n_tasks) == n_read


def test_what_learned_from_labels_is_not_replaced_by_names() -> None:
    course = read()
    active = version(course, 40, name_texts=0)
    with pytest.raises(NotEnoughLabelsError):
        require_news(course, active, n_new=None)
    require_news(course, replace(active, heads=()), n_new=None)
    require_news(course, version(course, 40, name_texts=0, labels="gone"), n_new=None)
    require_news(read(annotated=examples(["sports", "cooking"])), active, n_new=None)


def test_labels_of_one_kind_are_news_in_numbers_or_when_someone_asks() -> None:
    course = read(annotated=examples(["sports"] * 12))
    active = version(course, 3, name_texts=FIRST_TEXTS)
    with pytest.raises(NotEnoughLabelsError):
        require_news(course, active, n_new=10)
    require_news(course, active, n_new=9)
    require_news(course, active, n_new=None)
    require_news(course, None, n_new=10)
