"""What it costs to serve a class of one's own that does nothing: beside the reference.

    python benchmarks/custom.py --reference ../label-studio-ml-backend > custom.md

One folder with a trivial `LabelStudioMLBase` is served by both, unchanged; a trivial `TextModel`,
which the reference does not know, is compared with the reference's trivial class. What is left is
the request's overhead. CPU is that of all processes of a server, from ``/proc``; every request has
a connection of its own, as Label Studio's have. Both answer in turn, and a ratio is one of
neighbours; ± is the standard deviation over the rounds.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from arguments import make_parser
from comparison import Figure, write_figures
from servers import Reference, Server, serve_prelabel
from workload import WORDS_A_TEXT, Conversation, Workload

_RAW = """
from label_studio_ml.model import LabelStudioMLBase
from label_studio_ml.response import ModelResponse


class Trivial(LabelStudioMLBase):
    def predict(self, tasks, context=None, **kwargs):
        region = {"from_name": "topic", "to_name": "text", "type": "choices",
                  "value": {"choices": ["one"]}}
        return ModelResponse(predictions=[{"result": [region], "score": 0.5} for _ in tasks])

    def fit(self, event, data, **kwargs):
        return None
"""
_WSGI = """
from label_studio_ml.api import init_app
from model import Trivial

app = init_app(model_class=Trivial)
"""
_TEXT = """
import numpy as np
from prelabel.models.base import TextModel


class Trivial(TextModel):
    def fit(self, texts, labels, *, unlabeled=None, label_names=None, sample_weight=None):
        self.classes_ = tuple(sorted(set(labels)))
        return self

    def predict_proba(self, texts):
        return np.full((len(texts), len(self.classes_)), 1 / len(self.classes_), np.float32)

    def to_arrays(self):
        return {"nothing": np.zeros(1)}

    @classmethod
    def from_arrays(cls, arrays, classes):
        model = cls()
        model.classes_ = tuple(classes)
        return model
"""
_LABELS = ("one", "two")
_TEXTS = [" ".join(f"word{(n * 7 + step) % 500}" for step in range(WORDS_A_TEXT))
          for n in range(200)]  # fmt: skip
_WORK = Workload(
    texts=_TEXTS, labels=[_LABELS[n % 2] for n in range(200)], pool=(), predicted=_TEXTS
)
_WARM_UP = 50

Cost = tuple[float, float]
"""CPU milliseconds a request, and the median of what a client waits."""


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, reads_sets=False)
    parser.add_argument("--reference", type=Path, help="a checkout of label-studio-ml-backend")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=500, help="requests of a kind in a round")
    arguments = parser.parse_args()
    reference = Reference.find(arguments.reference)
    figures = list(_measure(arguments.rounds, arguments.requests, reference))
    sys.stdout.write(write_figures(figures))


def _measure(n_rounds: int, n_requests: int, reference: Reference | None) -> Iterator[Figure]:
    rounds: list[list[Mapping[str, Cost]]] = []
    for _ in range(n_rounds):
        rounds.append([])
        for serve in (_serve_raw, _serve_text, *([_serve_reference] if reference else [])):
            with TemporaryDirectory() as temporary, serve(Path(temporary), reference) as server:
                rounds[-1].append(_ask(server, n_requests))
        sys.stderr.write(f"{rounds[-1]}\n")
    for place, name in enumerate(("`LabelStudioMLBase`", "`TextModel`")):
        for call in rounds[0][place]:
            for column, unit in enumerate(("CPU ms a request", "ms, p50")):
                ours, *others = [
                    [costs[side][call][column] for costs in rounds]
                    for side in (place, *range(2, len(rounds[0])))
                ]
                what = f"a trivial {name}, {call}: {unit}"
                yield Figure(what=what, ours=ours, reference=others[0] if others else ())


def _serve_raw(folder: Path, _reference: Reference | None) -> Server:
    return serve_prelabel(folder, folder=_write(folder, _RAW))


def _serve_text(folder: Path, _reference: Reference | None) -> Server:
    return serve_prelabel(folder, folder=_write(folder, _TEXT))


def _serve_reference(folder: Path, reference: Reference | None) -> Server:
    if reference is None:
        raise ValueError("there is no reference")
    return reference.serve(folder, _write(folder, _RAW))


def _write(folder: Path, source: str) -> Path:
    model = folder / "model"
    model.mkdir()
    (model / "model.py").write_text(source)
    (model / "_wsgi.py").write_text(_WSGI)
    return model


def _ask(server: Server, n_requests: int) -> Mapping[str, Cost]:
    talk = Conversation(_WORK)
    setup = talk.setup()
    server.wait_for("/setup", setup)
    server.post("/webhook", talk.labeled(_TEXTS, _WORK.labels))
    while server.post("/predict", talk.predict(_TEXTS[:1]))["results"] == [[]]:
        time.sleep(0.1)  # a `TextModel` learns
    singles = [talk.predict([text]) for text in _TEXTS]
    batches = [talk.predict((_TEXTS + _TEXTS)[n : n + 50]) for n in range(len(_TEXTS))]
    calls = {
        "`/predict` of one task": ("/predict", singles),
        "`/predict` of 50 tasks": ("/predict", batches),
        "`/setup`": ("/setup", [setup]),
    }
    return {name: _cost(server, path, bodies, n_requests) for name, (path, bodies) in calls.items()}


def _cost(server: Server, path: str, bodies: Sequence[bytes], n_requests: int) -> Cost:
    asked = itertools.cycle(bodies)
    for body in itertools.islice(asked, _WARM_UP):
        server.post(path, body)
    seconds = []
    before = server.cpu_seconds
    for body in itertools.islice(asked, n_requests):
        start = time.perf_counter()
        server.post(path, body)
        seconds.append(time.perf_counter() - start)
    cpu_seconds = server.cpu_seconds - before
    return 1000 * cpu_seconds / n_requests, 1000 * float(np.median(seconds))


if __name__ == "__main__":
    main()
