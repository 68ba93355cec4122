from __future__ import annotations

import pytest

from prelabel.models.label_names import LabelNames
from prelabel.models.ngrams import MAX_TEXT_CHARACTERS

NEWS = LabelNames(
    {"World": ["World", "politics news"], "Sports": ["Sports", "football news"], "Tech": ["tech"]}
)


def test_a_word_of_one_label_speaks_for_it() -> None:
    label, probability = NEWS.suggest("We talked about FOOTBALL.") or ("", 0.0)
    assert label == "Sports"
    assert probability == pytest.approx((1 + 1 / 3) / 2)


def test_a_word_of_two_labels_speaks_for_none() -> None:
    assert NEWS.suggest("No news today") is None
    assert NEWS.suggest("football news") == NEWS.suggest("football")


def test_a_text_without_evidence_and_a_tie_are_abstained_from() -> None:
    assert NEWS.suggest("Nothing to see") is None
    assert NEWS.suggest("football and politics") is None


def test_more_words_make_it_surer() -> None:
    label, probability = NEWS.suggest("football, football, and politics") or ("", 0.0)
    assert label == "Sports"
    assert probability == pytest.approx((2 + 1 / 3) / 4)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("sport", True),
        ("sports", True),
        ("sportsman", True),
        ("spo", False),
        ("sportswoman", False),
    ],
)
def test_endings_may_differ_a_little(word: str, found: bool) -> None:
    assert (NEWS.suggest(word) is not None) is found


def test_the_exact_word_beats_a_similar_one() -> None:
    names = LabelNames({"a": ["cook"], "b": ["cooking"]})
    assert [(names.suggest(word) or " ")[0] for word in ("cook", "cooking", "cooks")] == list("aba")


def test_words_that_are_akin_to_two_labels_speak_for_none() -> None:
    assert LabelNames({"a": ["cook"], "b": ["cooked"]}).suggest("cooke") is None


def test_words_that_say_nothing_are_not_evidence() -> None:
    names = LabelNames({"Spam": ["Spam"], "Not spam": ["Not spam"], "B": ["B 2"]})
    assert names.suggest("It is not a 2 b, spam or not") is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("我喜欢看体育比赛", "sport"),
        ("今天的体育新闻", "news"),
        ("ข่าวฟุตบอลวันนี้", "football"),
        ("财经", None),
        ("他家的猫不见了", "cat"),
        ("不是体育", "sport"),
        ("其他的是不好", None),
        ("のは", None),
    ],
)
def test_names_in_scripts_without_spaces_count_wherever_they_occur(
    text: str, label: str | None
) -> None:
    names = LabelNames(
        {
            "sport": ["体育"],
            "news": ["体育新闻"],
            "football": ["ฟุตบอล"],
            "cat": ["猫"],
            "no": ["不"],
            "particle": ["の"],
            "digit": ["ก"],
        }
    )
    suggestion = names.suggest(text)
    assert (suggestion and suggestion[0]) == label


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert NEWS.suggest(" " * MAX_TEXT_CHARACTERS + "football") is None


def test_no_labels_and_only_one_are_answered_too() -> None:
    assert LabelNames({}).suggest("a text") is None
    assert LabelNames({"only": ["only", ""]}).suggest("the only one") == ("only", 1.0)
