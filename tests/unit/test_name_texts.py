from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from prelabel.models.common_words import known_names
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.name_texts import find_name_texts
from prelabel.models.representation import Representation

WORDS = {
    "Stadium": ["striker", "goal", "coach", "league", "keeper", "referee"],
    "Ledger": ["shares", "bank", "profit", "dollar", "broker", "bond"],
    "Voyage": ["beach", "hotel", "flight", "luggage", "island", "visa"],
}


def write_text(i: int) -> str:
    """A text of one subject; one in ten names it."""
    label = sorted(WORDS)[i % 3]
    words = np.random.default_rng(i).choice(WORDS[label], 4)
    return " ".join([*words, label.lower() if i % 10 == 0 else "today", str(i)])


POOL = [write_text(i) for i in range(300)]
NAMES = {label: [label] for label in WORDS}


def find(
    names: dict[str, list[str]], labeled: tuple[str, ...] = (), *, pool: Sequence[str] = POOL
) -> tuple[tuple[str, str], ...]:
    representation = Representation.learn([], pool, n_components=20, seed=0)
    known = known_names(names, representation)
    return find_name_texts(known, names, labeled, representation)


def find_silence(names: dict[str, list[str]], texts: list[str]) -> str | None:
    return SklearnTextClassifier().find_silence(names, texts)


def speak(names: dict[str, list[str]], texts: list[str]) -> bool:
    return find_silence(names, texts) is None


def test_names_speak_for_texts_that_have_none_of_their_words() -> None:
    found = find(NAMES)
    assert len(set(Counter(label for label, _ in found).values())) == 1
    unnamed = [(label, text) for label, text in found if label.lower() not in text]
    right = [any(word in text for word in WORDS[label]) for label, text in unnamed]
    assert len(right) > 20
    assert np.mean(right) > 0.95


OTHERS = ["harbour", "meadow", "winter", "copper", "velvet", "lantern"]


def write_of_two_subjects(i: int, n_others: int) -> str:
    """A text with two words of a subject with a name, and so many of one that has none."""
    label, draw = sorted(WORDS)[i % 3], np.random.default_rng(i)
    others = [f"{OTHERS[i // 3 % 6]}{ending}" for ending in ("ing", "ed", "er", "ish")]
    name = label.lower() if i // 3 % 5 == 0 else "today"
    return " ".join([*draw.choice(WORDS[label], 2), *draw.choice(others, n_others), name, str(i)])


@pytest.mark.parametrize(
    ("names", "n_others"),
    [(NAMES, 3), ({label: [" ".join(WORDS[label])] for label in WORDS}, 4)],
)
def test_groups_do_not_drift_away_from_what_their_names_mean(
    names: dict[str, list[str]], n_others: int
) -> None:
    # One word holds its group in all five rounds; many words need no more than the first.
    found = find(names, pool=[write_of_two_subjects(i, n_others) for i in range(300)])
    right = [any(word in text for word in WORDS[label]) for label, text in found]
    assert len(right) > 20
    assert np.mean(right) > 0.8


def test_what_a_person_labeled_is_left_to_them() -> None:
    (_, first), *others = find(NAMES)
    assert list(find(NAMES, labeled=(first,))) == others


@pytest.mark.parametrize(
    ("names", "labeled"),
    [
        ({"Stadium": ["Stadium"]}, ()),
        ({**NAMES, "Weather": ["Weather"]}, ()),  # which the texts do not know
        ({"1": ["11"], "2": ["22"], "3": ["33"]}, ()),  # in texts, but no words
        (NAMES, tuple(f"another {i}" for i in range(600))),
    ],
)
def test_names_that_cannot_divide_the_texts_speak_for_none(
    names: dict[str, list[str]], labeled: tuple[str, ...]
) -> None:
    assert find(names, labeled) == ()


MANY = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiouy" for c in "mnprstvwz"]


@pytest.mark.parametrize(
    ("names", "texts", "why"),
    [
        (NAMES, POOL, None),
        (NAMES, [], "no texts without labels"),
        ({"Stadium": ["Stadium"]}, POOL, "fewer than two labels"),
        ({**NAMES, "Weather": ["Weather"]}, POOL,
         "No text has a word of the names of 1 of 4 labels, which is more than one in ten: Weather."
         " Give them a hint"),
        ({word: ["Weather"] for word in MANY}, POOL,
         ": bam, ban, bap, bar, bas, bat, bav, baw, baz, bem, …. Give"),
        ({word: [word] for word in MANY}, [" ".join(MANY[i : i + 9]) for i in range(320)],
         "More than 300 labels are too many. Label texts"),
    ],
)  # fmt: skip
def test_why_names_do_not_speak_is_told_before_anything_is_fitted(
    names: dict[str, list[str]], texts: list[str], why: str | None
) -> None:
    silence = find_silence(names, texts)
    assert silence is why if why is None else why in (silence or "")


def test_names_of_some_labels_do_not_divide_the_texts_of_all() -> None:
    labels = [sorted(WORDS)[i % 3] for i in range(6)]
    two = {label: [label] for label in ("Ledger", "Stadium")}
    model = SklearnTextClassifier().fit(POOL[:6], labels, unlabeled=POOL, label_names=two)
    three = {**two, "Voyage": ["Holidays"]}  # a word that no text has
    same = SklearnTextClassifier().fit(POOL[:6], labels, unlabeled=POOL, label_names=three)
    np.testing.assert_array_equal(model.predict_proba(POOL), same.predict_proba(POOL))


def test_a_text_that_weighs_nothing_changes_nothing() -> None:
    labels = [sorted(WORDS)[i % 3] for i in range(161)]
    weights = np.repeat([0, 1], [60, 101])
    model = SklearnTextClassifier().fit(
        POOL[:161], labels, unlabeled=POOL, label_names=NAMES, sample_weight=weights
    )
    same = SklearnTextClassifier().fit(POOL[60:161], labels[60:], unlabeled=POOL, label_names=NAMES)
    np.testing.assert_array_equal(model.predict_proba(POOL), same.predict_proba(POOL))


def test_pieces_of_words_that_vowel_signs_break_do_not_speak() -> None:
    names = {label: [label] for label in ("राजनीति", "मनोरंजन", "समाचार")}
    pieces = "यह भोजन सज्जन मकान सामान समय जनवरी मन समझ राज राजन रात कमल पर"
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(pieces.split(), 8)) for _ in range(300)]
    assert not speak(names, texts)
    both = {
        label: [*written, word] for (label, written), word in zip(names.items(), WORDS, strict=True)
    }
    assert speak(both, [*POOL, *texts])


def test_a_word_that_all_names_have_says_none_of_them() -> None:
    names = {
        label: [f"{word} today"] for label, word in zip(WORDS, ("no", "yes", "so"), strict=True)
    }
    assert not speak(names, POOL)
    assert speak({x: [x, "today"] for x in WORDS}, POOL)


def test_a_name_with_an_emoji_speaks() -> None:
    names = {label: [f"{label}\N{SOCCER BALL}\N{VARIATION SELECTOR-16}"] for label in WORDS}
    assert speak(names, POOL)


def test_labels_of_one_kind_do_not_win_all_texts() -> None:
    sports = [text for i, text in enumerate(POOL) if sorted(WORDS)[i % 3] == "Stadium"]
    model = SklearnTextClassifier()
    model.fit(sports[:60], ["Stadium"] * 60, unlabeled=POOL, label_names=NAMES)
    vague = [f"today {i}" for i in range(0, 300, 7)]
    share = (model.predict(vague) == "Stadium").mean()
    assert share < 1 / 3, "nobody has said that others are rarer"
    assert model.predict_proba(vague).max() < 0.9
    right = model.predict(POOL) == [sorted(WORDS)[i % 3] for i in range(300)]
    assert right.mean() > 0.95


def test_before_the_first_label_texts_without_a_name_are_told_apart() -> None:
    model = SklearnTextClassifier().fit([], [], unlabeled=POOL, label_names=NAMES)
    assert model.temperature_ == 0.7
    predicted = model.predict(["the striker and the keeper", "a dollar bond", "an island beach"])
    assert predicted.tolist() == ["Stadium", "Ledger", "Voyage"]


def test_labels_that_contradict_the_names_win() -> None:
    of = dict(zip(sorted(WORDS), ["Voyage", "Stadium", "Ledger"], strict=True))
    labels = [of[sorted(WORDS)[i % 3]] for i in range(60)]
    model = SklearnTextClassifier().fit(POOL[:60], labels, unlabeled=POOL, label_names=NAMES)
    right = model.predict(POOL[60:]) == [of[sorted(WORDS)[i % 3]] for i in range(60, 300)]
    assert right.mean() > 0.95


def test_names_that_explain_the_labels_count_for_more_than_labels_that_are_often_wrong() -> None:
    words = {label: [f"{label}{i}" for i in range(80)] for label in WORDS}

    def write(i: int) -> str:
        draw = np.random.default_rng(i)
        own, others = words[sorted(words)[i % 3]], words[sorted(words)[draw.integers(3)]]
        name = [sorted(words)[i % 3]] if i % 10 == 0 else []
        return " ".join([*draw.choice(own, 4), *draw.choice(others, 2), *name])

    texts, labels = [write(i) for i in range(600)], [sorted(words)[i % 3] for i in range(600)]
    draw = np.random.default_rng(0)
    half_wrong = [
        label if draw.random() > 0.5 else sorted(words)[draw.integers(3)] for label in labels[:60]
    ]
    model = SklearnTextClassifier().fit(texts[:60], half_wrong, unlabeled=texts, label_names=NAMES)
    right = model.predict(texts[300:]) == np.array(labels[300:])
    assert right.mean() > 0.7


def test_a_name_that_hardly_any_text_says_begins_no_group() -> None:
    assert speak(NAMES, write_texts_of_names(20))
    assert (find_silence(NAMES, write_texts_of_names(2)) or "").startswith(
        "Hardly a text has a word of the names of 3 of 3 labels, which is more than one in ten: "
        "Ledger, Stadium, Voyage. Give them a hint"
    )


def test_what_no_text_says_and_what_hardly_any_says_is_told_together() -> None:
    texts = [f"{MANY[8 if i < 2 else i % 8]} {i}" for i in range(1_900)]
    silence = find_silence({word: [word] for word in MANY[:10]}, texts) or ""
    assert f"2 of 10 labels, which is more than one in ten: {MANY[8]}, {MANY[9]}." in silence


def write_texts_of_names(n_saying_it: int) -> list[str]:
    """Texts of each subject, so many of which name it."""
    labels = [sorted(WORDS)[i % 3] for i in range(900)]
    return [
        " ".join([write_text(10 * i + 3), label if i < 3 * n_saying_it else ""])
        for i, label in enumerate(labels)
    ]


@pytest.mark.parametrize(("words", "does_speak"), [("球股", True), ("不是", False)])
def test_a_name_of_one_character_speaks_unless_it_says_nothing(
    words: str, *, does_speak: bool
) -> None:
    labels = [words[i % 2] for i in range(300)]
    texts = [f"{write_text(3 * (i // 2) + i % 2)} 一场{word}队" for i, word in enumerate(labels)]
    names = {word: [word] for word in words}
    assert speak(names, texts) is does_speak
    assert not speak({**names, "队员": ["队员"]}, texts), "a character of a longer name is not it"


def test_a_name_in_thai_speaks_though_marks_are_in_it_and_no_spaces_around_it() -> None:
    names = {name: [name] for name in ("กีฬา", "สุขภาพ")}
    words = [[*names][i % 2] for i in range(300)]
    texts = [f"{write_text(3 * (i // 2) + i % 2)} ข่าว{word}วันนี้" for i, word in enumerate(words)]
    assert speak(names, texts)


@pytest.mark.parametrize("words", [("खेल", "राजनीति"), ("খেলা", "রাজনীতি")])
def test_a_name_with_vowel_signs_speaks_where_they_are_parts_of_words(
    words: tuple[str, str],
) -> None:
    texts = [f"{write_text(3 * (i // 2) + i % 2)} {words[i % 2]}" for i in range(300)]
    assert speak({word: [word] for word in words}, texts)


def test_people_are_told_of_names_whose_words_marks_break() -> None:
    words = ("விளையாட்டு", "அரசியல்")
    texts = [f"{write_text(3 * (i // 2) + i % 2)} {words[i % 2]}" for i in range(300)]
    silence = find_silence({word: [word] for word in words}, texts) or ""
    assert "names in a script whose marks break words" in silence


@pytest.mark.parametrize(("word", "does_speak"), [("极", False), ("积极", True)])
def test_one_character_of_a_name_is_not_the_name(word: str, *, does_speak: bool) -> None:
    texts = [f"{word} {write_text(i)} 消极" for i in range(300)]
    names = {"good": ["积极"], "bad": ["消极"]}
    assert speak(names, texts) is does_speak
