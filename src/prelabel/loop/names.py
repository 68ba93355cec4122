"""Before there are labels: what is learned from the names of labels and the project's texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prelabel.loop.course import Course
from prelabel.loop.lesson import Lesson
from prelabel.types import FIRST_TEXTS, Head, ModelVersion

_TOO_FEW_TEXTS = (
    "It takes {:,} different texts; known so far: {:,}. Import more; if the project has more, "
    "choose Retrieve Predictions in the Data Manager (with LABEL_STUDIO_API_KEY set, they are read "
    "without that)."
)


def let_names_speak(course: Course) -> Course:
    """Return a course in which names teach what there are too few labels for, if they can."""
    return replace(course, lessons=[_let_speak(lesson) for lesson in course.lessons])


def _let_speak(lesson: Lesson) -> Lesson:
    if lesson.is_of_labels or not lesson.may_be_named:
        return lesson
    if lesson.n_texts < FIRST_TEXTS:
        return replace(lesson, silence=_TOO_FEW_TEXTS.format(FIRST_TEXTS, lesson.n_texts))
    names = lesson.control.label_names
    return replace(lesson, silence=lesson.method.find_silence(names, lesson.pool))


def require_news(course: Course, active: ModelVersion | None, *, n_new: int | None) -> None:
    """Raise `NotEnoughLabelsError` if a version of names alone would be no better than the active.

    One that labels of any control make is made. A control whose labels were all deleted begins anew
    in it, from its names: people who delete labels want no suggestions of them.

    Parameters
    ----------
    active
        It stays if it learned from labels that the config still has, though people deleted them.
    n_new
        How many labeled tasks more than the active version's it takes: with each that is of the
        same label as all others, little is learned. None if they do not matter.
    """
    if active is None or course.is_of_labels:
        return
    is_no_news = n_new is not None and course.n_tasks - active.examples < n_new
    if is_no_news or any(_answers(head, course.lessons) for head in active.heads):
        raise course.too_few_labels()


def _answers(head: Head, lessons: Sequence[Lesson]) -> bool:
    """Whether what a head learned from labels can still be predicted."""
    asked = (lesson.control for lesson in lessons if lesson.control.frame == head.frame)
    is_known = any(control.values.intersection(head.labels) for control in asked)
    return is_known and not head.name_texts


def find_texts_due(course: Course, n_texts: int, *, kept: int | None = None) -> int | None:
    """Return from how many texts on names are worth another training: twice as many.

    While so many are alike that too few are left, as many more as might do, and a tenth at least.
    None if each control has labels to learn from, or names that cannot speak.

    Parameters
    ----------
    n_texts
        How many there are, alike or not.
    kept
        How many were waited for, if nothing was learned of those there are: labels that teach
        nothing put nothing off.
    """
    waiting = course.waiting
    if not waiting or kept:
        return kept if waiting else None
    missing = FIRST_TEXTS - max(lesson.n_texts for lesson in waiting)
    if missing > 0 and n_texts >= FIRST_TEXTS:
        return n_texts + max(missing, n_texts // 10)
    return max(FIRST_TEXTS, 2 * n_texts)


def count_texts_read(course: Course, n_tasks: int) -> int | None:
    """Return how many texts all controls have, if names wait for some that are addresses so far.

    Parameters
    ----------
    n_tasks
        How many tasks there are.
    """
    is_lacking = any(x.n_texts < FIRST_TEXTS <= n_tasks for x in course.waiting)
    if not (course.schema.has_urls and is_lacking):
        return None
    return sum(len(lesson.pool) for lesson in course.lessons)


def write_names_hint(course: Course, *, is_learned: bool) -> str:
    """Say for people what labels would bring, or why there is nothing to learn without them."""
    lessons = course.waiting
    if course.is_of_labels or not lessons:
        return ""
    if course.ready and not is_learned:
        return " Until then, what is active is better than names alone."
    if course.ready:
        return "; with two different labels it learns from those, and becomes good"
    of_one = f" {lessons[0].silence}"
    of_several = "".join(f" {lesson.name}: {lesson.silence}" for lesson in lessons)
    silences = of_one if len(course.lessons) == 1 else of_several
    return f" Names of labels alone are not learned.{silences}"
