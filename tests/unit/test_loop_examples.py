from __future__ import annotations

from dataclasses import replace

import pytest

from prelabel.label_config import parse_label_config
from prelabel.loop.examples import read_examples
from prelabel.types import Example
from tests.builders import CONFIG, Pair, labeled, region

(CONTROL,) = parse_label_config(CONFIG).controls


def read_label(*pairs: Pair) -> tuple[str, float]:
    (example,) = read_examples(CONTROL, pairs)
    return example.label, round(example.weight, 3)


def test_a_task_that_one_person_labeled_is_one_whole_example() -> None:
    (example,) = read_examples(CONTROL, [labeled(5, "sports", task=7, text="a goal")])
    assert example == Example(task_id=7, text="a goal", labels=("sports",), weight=1.0)


def test_most_annotators_decide_and_their_share_is_the_weight() -> None:
    sports, cooking = labeled(1, "sports", task=9, by=1), labeled(2, "cooking", task=9, by=2)
    assert read_label(sports, cooking, labeled(3, "sports", task=9, by=3)) == ("sports", 0.667)


@pytest.mark.parametrize(
    ("minutes", "label"), [((1, 0), "sports"), ((0, 1), "cooking"), ((0, 0), "cooking")]
)
def test_a_tie_goes_to_what_was_decided_last(minutes: tuple[int, int], label: str) -> None:
    sports = labeled(1, "sports", task=9, by=1, minute=minutes[0])
    cooking = labeled(2, "cooking", task=9, by=2, minute=minutes[1])
    assert read_label(sports, cooking) == (label, 0.5)


def test_each_annotator_counts_once_with_the_latest_decision() -> None:
    before = [labeled(id_, "sports", task=9, by=1) for id_ in (1, 2)]
    after = labeled(3, "cooking", task=9, by=1, minute=1)
    assert read_label(*before, after) == ("cooking", 1.0)
    assert read_label(*before, after, labeled(4, "sports", task=9, by=2)) == ("cooking", 0.5)


def test_annotations_of_unknown_people_count_each() -> None:
    pairs = [labeled(id_, "sports", task=9) for id_ in (1, 2)]
    assert read_label(*pairs, labeled(3, "cooking", task=9)) == ("sports", 0.667)


def test_where_there_is_ground_truth_nothing_else_counts() -> None:
    crowd = [labeled(id_, "sports", task=9, by=id_, minute=5) for id_ in (1, 2, 3)]
    assert read_label(*crowd, labeled(4, "cooking", task=9, by=4, truth=True)) == ("cooking", 1.0)


def test_ground_truth_that_was_moved_is_the_last_one() -> None:
    first = labeled(1, "sports", task=9, by=1, truth=True)
    last = labeled(2, "cooking", task=9, by=2, minute=1, truth=True)
    assert read_label(last, first) == ("cooking", 1.0)


def test_skipped_and_unreadable_annotations_do_not_count() -> None:
    others = (labeled(1, "sports", task=9, skipped=True), labeled(2, None, task=9))
    assert read_label(*others, labeled(3, "cooking", task=9)) == ("cooking", 1.0)
    assert read_examples(CONTROL, others) == []


def test_a_label_that_the_config_no_longer_has_can_still_be_what_most_chose() -> None:
    gone = [labeled(id_, "gone", task=9, by=id_) for id_ in (1, 2)]
    cooking = [labeled(id_, "cooking", task=9, by=id_) for id_ in (3, 4, 5)]
    assert read_examples(CONTROL, [*gone, cooking[0]]) == []
    assert read_label(*gone, *cooking) == ("cooking", 0.6)


def test_ground_truth_of_a_label_that_is_gone_makes_no_other_one_true() -> None:
    truth = labeled(1, "gone", task=9, by=1, truth=True)
    assert read_examples(CONTROL, [truth, labeled(2, "cooking", task=9, by=2)]) == []


def test_a_task_without_a_text_is_no_example() -> None:
    assert read_examples(CONTROL, [labeled(1, "sports", text="  ")]) == []


def test_new_decisions_about_new_tasks_append_examples() -> None:
    before = [labeled(1, "sports", task=8), labeled(2, "gone", task=3), labeled(4, task=5)]
    after = [*before, labeled(5, "cooking", task=3), labeled(6, "cooking", task=8)]
    assert [example.task_id for example in read_examples(CONTROL, before)] == [8, 5]
    assert [example.task_id for example in read_examples(CONTROL, after[::-1])] == [8, 5, 3]


(SEVERAL,) = parse_label_config(CONFIG.replace('choice="single"', 'choice="multiple"')).controls


def chose(id_: int, *labels: str) -> Pair:
    """Return what somebody chose for task 9."""
    task, annotation = labeled(id_, None, task=9, by=id_)
    value = {"choices": list(labels)}
    regions = (replace(region("x"), value=value),) if labels else ()
    return task, replace(annotation, regions=regions)


def test_of_several_labels_each_is_decided_by_more_than_half() -> None:
    given = [chose(1, "sports", "cooking"), chose(2, "sports"), chose(3)]
    (example,) = read_examples(SEVERAL, given)
    assert example.labels == ("sports",)
    assert example.weight == pytest.approx(2 / 3)
    (example,) = read_examples(SEVERAL, given[:2])
    assert example.labels == ("sports",), "half are not more than half"


def test_no_label_at_all_is_an_example_where_none_need_be_chosen() -> None:
    (example,) = read_examples(SEVERAL, [chose(1), chose(2)])
    assert (example.labels, example.weight, example.label) == ((), 1.0, "")
    assert read_examples(CONTROL, [chose(1)]) == []


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (({"sports"}, {"cooking"}), ("cooking",)),
        (({"cooking"}, {"sports"}, {"cooking", "sports"}), ("cooking", "sports")),
        (({"sports"}, set()), ()),
        (({"sports"}, {"cooking"}, set()), ("cooking",)),
    ],
)
def test_who_chose_different_labels_did_not_choose_none(
    given: tuple[set[str], ...], labels: tuple[str, ...]
) -> None:
    decided = [chose(id_, *sorted(chosen)) for id_, chosen in enumerate(given, 1)]
    (example,) = read_examples(SEVERAL, decided)
    assert example.labels == labels


def test_annotations_from_before_a_control_do_not_choose_nothing_at_it() -> None:
    elsewhere = replace(region("glad"), from_name="mood")
    before, empty = labeled(1, None), labeled(2, None)
    before = before[0], replace(before[1], regions=(elsewhere,))
    first, after = labeled(3, "sports", minute=1), labeled(4, None, minute=2)
    after = after[0], replace(after[1], regions=(elsewhere,))
    found = read_examples(SEVERAL, [before, empty, first, after])
    assert [(example.task_id, example.labels) for example in found] == [
        (2, ()),  # nobody said anything else there
        (3, ("sports",)),
        (4, ()),
    ]
    assert [example.task_id for example in read_examples(SEVERAL, [before, empty])] == [2]


def test_an_old_annotation_that_was_edited_after_a_control_came_chooses_nothing_at_it() -> None:
    task, edited = labeled(1, None, minute=9)
    edited = replace(edited, regions=(replace(region("glad"), from_name="mood"),))
    found = read_examples(SEVERAL, [(task, edited), labeled(3, "sports", minute=1)])
    assert [(example.task_id, example.labels) for example in found] == [(1, ()), (3, ("sports",))]


def test_to_save_what_was_chosen_again_unsays_no_other_answer() -> None:
    elsewhere = replace(region("glad"), from_name="mood")
    task, none = labeled(2, None, minute=2)
    none = replace(none, regions=(elsewhere,))
    for minute in (1, 9):
        chosen = labeled(1, "sports", minute=minute)
        found = read_examples(SEVERAL, [chosen, (task, none)])
        assert [example.labels for example in found] == [("sports",), ()]


TAGS = (
    '<Choices name="tags" toName="text" choice="multiple" visibleWhen="choice-selected" '
    'whenTagName="topic" whenChoiceValue="cooking"><Choice value="soup"/></Choices>'
)


def test_who_chose_nothing_at_a_control_that_was_hidden_decided_nothing_there() -> None:
    controls = parse_label_config(CONFIG.replace("</View>", f"{TAGS}</View>")).controls
    (task, soup), none, hidden = labeled(1, "cooking"), labeled(2, "cooking"), labeled(3, "sports")
    soup = replace(soup, regions=(*soup.regions, region("soup", name="tags")))
    found = read_examples(controls[1], [(task, soup), none, hidden, labeled(4, None)], controls)
    assert [(example.task_id, example.labels) for example in found] == [(1, ("soup",)), (2, ())]


def test_an_example_knows_what_its_task_offers() -> None:
    (dynamic,) = parse_label_config(
        '<View><Text name="text" value="$text"/>'
        '<Choices name="topic" toName="text" value="$options"/></View>'
    ).controls
    task, annotation = labeled(1, "sports")
    offering = replace(task, data={**task.data, "options": ["sports", {"value": "cooking"}]})
    (example,) = read_examples(dynamic, [(offering, annotation)])
    assert example.offered == frozenset({"sports", "cooking"})
    assert read_examples(CONTROL, [(offering, annotation)])[0].offered is None
