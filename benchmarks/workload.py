"""What the speed benchmark sends: texts of fifty words, as Label Studio would send them."""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from data_sets import DataSet

WORDS_A_TEXT = 50
_RUN_WORDS = 10
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = f"1.{int(_BEGINNING.timestamp())}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Workload:
    """Examples, texts without labels and texts to predict, all of fifty words.

    Attributes
    ----------
    texts, labels
        Pieces of the train split; when they run out, runs of ten words of one label put together.
    pool
        Further texts, whose labels are not told.
    predicted
        Pieces of the test split.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    pool: Sequence[str]
    predicted: Sequence[str]

    @property
    def label_config(self) -> str:
        choices = "".join(f'<Choice value="{label}"/>' for label in sorted(set(self.labels)))
        return (
            '<View><Text name="text" value="$text"/>'
            f'<Choices name="topic" toName="text" choice="single">{choices}</Choices></View>'
        )


def make_workload(
    data: DataSet[str], n_examples: int, *, n_pool: int, n_predicted: int
) -> Workload:
    """Cut a data set into texts of fifty words; the same ones at every call."""
    pieces = list(_cut(data.texts, data.labels))
    random.Random(0).shuffle(pieces)  # noqa: S311 - a draw, not a secret
    wanted = itertools.islice(itertools.chain(pieces, _compose(pieces)), n_examples + n_pool)
    texts, labels = zip(*wanted, strict=True)
    predicted = [text for text, _ in _cut(data.test_texts, data.test_labels)]
    return Workload(
        texts=texts[n_pool:],
        labels=labels[n_pool:],
        pool=texts[:n_pool],
        predicted=list(itertools.islice(itertools.cycle(predicted), n_predicted)),
    )


def _cut(texts: Sequence[str], labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pieces of fifty words with their label; what is left of a text is dropped."""
    for text, label in zip(texts, labels, strict=True):
        words = text.split()
        for start in range(0, len(words) - WORDS_A_TEXT + 1, WORDS_A_TEXT):
            if not _looks_like_an_address(words[start]):
                yield " ".join(words[start : start + WORDS_A_TEXT]), label


def _compose(pieces: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield texts of five runs of ten words, each from another text of the label, without end."""
    draw = random.Random(1)  # noqa: S311 - a draw, not a secret
    by_label = defaultdict(list)
    for piece, label in pieces:
        by_label[label].append(piece.split())
    while True:
        label = draw.choice(pieces)[1]
        runs = []
        for words in draw.sample(by_label[label], WORDS_A_TEXT // _RUN_WORDS):
            start = draw.randrange(WORDS_A_TEXT - _RUN_WORDS + 1)
            runs += words[start : start + _RUN_WORDS]
        if not _looks_like_an_address(runs[0]):
            yield " ".join(runs), label


def _looks_like_an_address(first_word: str) -> bool:
    """Whether the reference would try to fetch a text that begins so."""
    return ":" in first_word or first_word.startswith(("upload", "/"))


class Conversation:
    """The bodies Label Studio sends about one project; ids and times go on from call to call."""

    def __init__(self, work: Workload, *, first_id: int = 1) -> None:
        self._work = work
        self._ids = itertools.count(first_id)

    def setup(self) -> bytes:
        return _encode({"project": PROJECT, "schema": self._work.label_config})

    def predict(self, texts: Sequence[str]) -> bytes:
        return _encode({
            "tasks": [_task(number, text) for number, text in enumerate(texts, 1)],
            "project": PROJECT,
            "label_config": self._work.label_config,
            "params": {"login": None, "password": None, "context": None},
        })  # fmt: skip

    def labeled(self, texts: Sequence[str], labels: Sequence[str]) -> bytes:
        """Return the event of new annotations."""
        ids = list(itertools.islice(self._ids, len(texts)))
        return self._event(
            "ANNOTATION_CREATED",
            annotation=[_annotation(*pair) for pair in zip(ids, labels, strict=True)],
            task=[_task(*pair) for pair in zip(ids, texts, strict=True)],
        )

    def imported(self, texts: Sequence[str]) -> bytes:
        """Return the event of new tasks without annotations."""
        tasks = [_task(number, text) for number, text in zip(self._ids, texts, strict=False)]
        return self._event("TASKS_CREATED", tasks=tasks)

    def start_training(self) -> bytes:
        return self._event("START_TRAINING")

    def _event(self, action: str, **fields: object) -> bytes:
        project = {
            "id": 1,
            "created_at": _BEGINNING.isoformat(),
            "updated_at": _BEGINNING.isoformat(),
            "label_config": self._work.label_config,
        }
        return _encode({"action": action, "project": project, **fields})


def _annotation(number: int, label: str) -> dict[str, Any]:
    value = {"choices": [label]}
    region = {"from_name": "topic", "to_name": "text", "type": "choices", "value": value}
    updated_at = (_BEGINNING + timedelta(seconds=number)).isoformat()
    return {"id": number, "result": [region], "was_cancelled": False, "updated_at": updated_at}


def _task(number: int, text: str) -> dict[str, Any]:
    """Return a task with all the fields of Label Studio 1.23."""
    at = _BEGINNING.isoformat()
    nothing = ("updated_by", "file_upload", "last_comment_updated_at")
    counts = ("total_annotations", "cancelled_annotations", "total_predictions", "comment_count")
    return {
        "id": number, "data": {"text": text}, "meta": {}, "created_at": at, "updated_at": at,
        "is_labeled": False, "overlap": 1, "inner_id": number, **dict.fromkeys(counts, 0),
        "unresolved_comment_count": 0, "project": 1, **dict.fromkeys(nothing),
        "comment_authors": [], "annotations": [], "predictions": [],
    }  # fmt: skip


def _encode(body: object) -> bytes:
    return json.dumps(body).encode()
