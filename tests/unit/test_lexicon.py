from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict

import pytest

from prelabel.models.common_words import find_words, known_names
from prelabel.models.concepts import find_concepts, fold
from prelabel.models.examples import write_name
from prelabel.models.lexicon import read_lexicons
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.models.representation import Representation

ENGLISH = [
    "The coach praised the striker after the match.",
    "Their goal decided the final of the championship.",
    "The bank raised interest rates for investors.",
    "Shares fell and the fund lost a billion dollars.",
] * 10
GERMAN = [
    "Der Trainer lobte die Mannschaft nach dem Spiel.",
    "Ein Tor entschied das Finale, es war die Meisterschaft.",
    "Die Bank erhöht die Zinsen, die Aktien fallen.",
    "Anleger verlieren mit dem Fonds viele Milliarden Euro.",
] * 10
CHINESE = ["球队赢得比赛", "教练批评球员", "银行下调利率", "基金投资市场下跌"] * 10
NAMES = {"Sports": ["Sports"], "Finance": ["Finance"]}


def represent(texts: list[str]) -> Representation:
    return Representation.learn([], texts, n_components=5, seed=0)


@pytest.mark.parametrize("language", sorted(read_lexicons()))
def test_a_lexicon_says_what_its_concepts_are_called_and_which_words_they_have(
    language: str,
) -> None:
    lexicon = read_lexicons()[language]
    assert lexicon.concepts.keys() == read_lexicons()["en"].concepts.keys()
    assert fold(lexicon.beside) == lexicon.beside
    for concept, meaning in lexicon.concepts.items():
        words = meaning.words.split()
        assert meaning.names, concept
        assert all(fold(name) for name in meaning.names), concept
        assert len(words) >= 5, concept
        assert len(set(words)) == len(words), concept
        assert meaning.words == " ".join(words), concept
        assert write_name([meaning.words]) == meaning.words, f"{concept}: no capitals inside words"


def test_other_lexicons_are_another_revision_of_the_model() -> None:
    """They are part of what decides what is learned; versions say of which revision they are."""
    digest = hashlib.sha256(repr(read_lexicons()).encode()).hexdigest()[:8]
    assert (SklearnTextClassifier.revision, digest) == (19, "8ac9d382")


def test_a_name_stands_for_one_concept_in_all_languages() -> None:
    concepts = defaultdict(set)
    for lexicon in read_lexicons().values():
        for concept, meaning in lexicon.concepts.items():
            for name in meaning.names:
                concepts[fold(name)].add(concept)
    assert {name: found for name, found in concepts.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("names", "concepts"),
    [
        (["Sports"], {"sports"}),
        (["SPORT"], {"sports"}),
        (["体育"], {"sports"}),
        (["\uff33\uff30\uff2f\uff32\uff34\uff33"], {"sports"}),  # wide letters
        (["⚽ Sports:"], {"sports"}),
        (["sante\u0301"], {"health"}),  # an accent of its own, as macOS writes file names
        (["not-spam"], {"not spam"}),
        (["not_spam"], {"not spam"}),
        (["TechnicalIssue"], {"technical"}),
        (["Science & Technology"], {"science", "technology"}),
        (["Food and Drink"], {"food"}),
        (["Wissenschaft und Technik"], {"science", "technology"}),
        (["Sztuka i rozrywka"], {"arts", "entertainment"}),
        (["体育和娱乐"], {"sports", "entertainment"}),
        (["Bukan spam"], {"not spam"}),
        (["غير عاجل"], {"not urgent"}),
        (["İptal"], {"cancellation"}),
        (["SAĞLIK"], {"health"}),
        (["الثقافة والفنون"], {"arts"}),
        (["الرياضة والصحة"], {"sports", "health"}),
        ([unicodedata.normalize("NFD", "Thể thao và Kinh tế")], {"sports", "business"}),
        (["कीमत"], {"price"}),
        (["Arts and crafts"], set()),  # half of it is known
        (["Very positive"], {"positive"}),
        (["Sports_news"], {"sports"}),
        (["Billing issue"], {"payment"}),
        (["体育新闻"], {"sports"}),
        (["Новости спорта"], {"sports"}),
        (["Refunds"], {"refund"}),
        (["Neutrale"], {"neutral"}),
        (["положительная"], {"positive"}),
        (["Non-offensive"], {"not toxic"}),
        (["not positive"], set()),  # neutral, or negative?
        (["not " * 10_000 + "spam"], set()),
        (["News"], set()),
        (["Positive", "pos"], {"positive"}),
        (["Positive", "the test found the virus"], set()),  # a hint says more than the name
        (["A"], set()),
        (["/"], set()),
        ([""], set()),
        ([], set()),
    ],
)
def test_names_stand_for_concepts(names: list[str], concepts: set[str]) -> None:
    assert find_concepts(names) == concepts


@pytest.mark.parametrize(
    ("texts", "has", "lacks"),
    [
        (ENGLISH, "striker", "Mannschaft"),
        (GERMAN, "Mannschaft", "coach"),
        (CHINESE, "球队", "coach"),
        (ENGLISH + GERMAN, "Mannschaft", "球队"),
    ],
)
def test_words_are_of_the_languages_of_the_texts(texts: list[str], has: str, lacks: str) -> None:
    found = find_words({**NAMES, "Football": ["Football"]}, represent(texts))
    words = f"{found['Sports']} {found['Football']}".casefold()
    assert has.casefold() in words.split()
    assert lacks.casefold() not in words.split()


@pytest.mark.parametrize(
    "names",
    [
        {"Sports": ["Sports"]},
        {"Sports": ["Sports"], "Other": ["Other things"]},
        {**NAMES, **{str(i): [f"Subject {i}"] for i in range(3)}},  # two of five
        {"Sports": ["Sports", "but only of children"], "Finance": ["Finance"]},
        {},
    ],
)
def test_words_for_a_few_of_the_labels_are_none(names: dict[str, list[str]]) -> None:
    assert find_words(names, represent(ENGLISH)) == {}


def test_labels_without_a_common_name_keep_theirs() -> None:
    names = {**NAMES, "interest": ["Interest rates"]}
    assert known_names(names, represent(ENGLISH))["interest"] == "Interest rates"
    assert known_names(names, represent(ENGLISH))["Sports"].startswith("Sports game games team")


def test_a_word_of_one_language_means_nothing_in_another() -> None:
    names = {"politics": ["politics"], "military": ["war"]}
    assert "war" not in find_words(names, represent(GERMAN))["military"].split()


def test_a_name_of_another_language_stands_for_nothing_if_it_is_a_word_of_the_texts() -> None:
    names = {"Basket": ["Basket"], "Preis": ["Preis"], "Qualität": ["Qualität"]}
    assert find_concepts(["Basket"]) == {"basketball"}, "in French"
    texts = ["The basket of fruit was fresh.", "The price was far too high."] * 10
    found = find_words(names, represent(texts))
    assert found.keys() == {"Preis", "Qualität"}


@pytest.mark.parametrize("name", ["AI", "EV", "Orange"])
def test_one_name_that_only_another_language_knows_is_none(name: str) -> None:
    assert find_concepts([name]), "in Vietnamese, Turkish, Indonesian"
    found = find_words({**NAMES, name: [name]}, represent(ENGLISH))
    assert found.keys() == NAMES.keys()


def test_a_name_of_several_words_is_foreign_only_if_all_are_words_of_the_texts() -> None:
    names = {name: [name] for name in ("Spor", "Ekonomi", "Bilim ve Teknoloji")}
    texts = [*ENGLISH, "We've seen it.", "They've won."]
    assert find_words(names, represent(texts)).keys() == names.keys()


def test_texts_in_no_language_that_is_known_get_no_words() -> None:
    texts = ["ትልቅ ቤት አየሁ", "ዛሬ ዝናብ ነው"] * 10
    assert find_words(NAMES, represent(texts)) == {"Sports": "", "Finance": ""}
    assert SklearnTextClassifier().find_silence(NAMES, texts) is not None


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN, CHINESE], ids=["en", "de", "zh"])
def test_common_names_suggest_labels_before_there_is_any(texts: list[str]) -> None:
    model = SklearnTextClassifier().fit([], [], unlabeled=texts, label_names=NAMES)
    expected = ["Sports", "Sports", "Finance", "Finance"]
    assert model.predict(texts[:4]).tolist() == expected


def test_a_hint_replaces_the_common_meaning_of_a_name() -> None:
    texts = [
        "The virus was found in the sample, which is bad.",
        "A great result, a wonderful day, no trace.",
    ] * 20
    common = {"positive": ["positive"], "negative": ["negative"]}
    hinted = {
        "positive": ["positive", "the virus was found"],
        "negative": ["negative", "great result, no trace"],
    }
    model = SklearnTextClassifier()
    assert model.fit([], [], unlabeled=texts, label_names=common).predict([texts[1]]) == "positive"
    assert model.fit([], [], unlabeled=texts, label_names=hinted).predict([texts[1]]) == "negative"


def test_several_labels_of_one_concept_all_have_its_words() -> None:
    names = {"joy": ["joy"], "amusement": ["amusement"], "anger": ["anger"]}
    texts = ["So happy, I love it!", "This makes me furious and angry."] * 20
    found = find_words(names, represent(texts))
    assert found["joy"] == found["amusement"] != found["anger"]
    model = SklearnMultiLabelClassifier().fit(
        [texts[1], "what a day"], [["anger"], []], unlabeled=texts, label_names=names
    )
    happy = dict(zip(model.classes_.tolist(), model.predict_proba([texts[0]])[0], strict=True))
    assert happy["joy"] == pytest.approx(happy["amusement"], abs=0.05)
    assert happy["joy"] > happy["anger"]


def test_the_same_texts_are_asked_for_their_language_once() -> None:
    representation = represent(ENGLISH)
    first = find_words(NAMES, representation)
    representation.features.transform = None  # type: ignore[method-assign,assignment]
    assert find_words(NAMES, representation) == first
