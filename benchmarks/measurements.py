"""The rows of the speed benchmark: each measures ours and the reference's in turn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from comparison import Figure
from contenders import Contenders
from one_label import make_vectorizer
from servers import Server, serve_prelabel
from workload import Conversation

from prelabel.models.features import TfidfFeatures

_MEGABYTE = 1e6
_LEAST_CPU_SECONDS = 1.0  # /proc counts hundredths
_CLIENTS = 4
_LABELS_A_ROUND = 5
_WEBHOOKS_A_ROUND = 300
_WEBHOOK_PAUSE_SECONDS = 0.01
_ALL_ITERATIONS = 100  # LogisticRegression's default; it needs them all on these texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    served
        Labels of the version that answers.
    labels
        How many labels there are before the one that is learned.
    max_iter
        Iterations of the reference above 10,000 labels; None leaves it out there.
    """

    contenders: Contenders
    rounds: int
    served: int
    labels: Sequence[int]
    max_iter: int | None


def measure_features(plan: Plan) -> Iterator[Figure]:
    """Texts a CPU second from text to vector, in the process itself, a thousand at once."""
    work = plan.contenders.work
    texts = work.texts[: plan.served]
    contenders = [TfidfFeatures().fit(texts).transform, make_vectorizer().fit(texts).transform]
    speeds = [
        [_texts_a_second(transform, work.predicted[:1_000]) for transform in contenders]
        for _ in range(plan.rounds)
    ]
    ours, reference = zip(*speeds, strict=True)
    what = "features: texts a CPU second (ours have character n-grams, too)"
    yield Figure(what=what, ours=ours, reference=reference, more_is_better=True)


def _texts_a_second(transform: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    start, count = time.process_time(), 0
    while (seconds := time.process_time() - start) < _LEAST_CPU_SECONDS:
        transform(texts)
        count += len(texts)
    return count / seconds


def measure_predict(plan: Plan) -> Iterator[Figure]:
    """Tasks a CPU second of the server, a thousand in each request."""
    bodies = _predict_bodies(plan, n_requests=4, n_tasks=1_000)
    what = "`/predict` of 1,000 tasks, tasks a CPU second"
    for when, figures in _measure_predict(plan, bodies, n_tasks=1_000):
        yield Figure(what=f"{what}: {when}", **figures, target="4x, aim 10x")


def measure_single(plan: Plan) -> Iterator[Figure]:
    """Measure requests a CPU second of the server, one task and one connection each."""
    bodies = _predict_bodies(plan, n_requests=2_000, n_tasks=1)
    what = "`/predict` of one task, requests a CPU second"
    for when, figures in _measure_predict(plan, bodies, n_tasks=1):
        yield Figure(what=f"{what}: {when}", **figures, target="10x, aim 20x")


def measure_clients(plan: Plan) -> Iterator[Figure]:
    """Measure the same with several clients at once: the server never waits for one."""
    bodies = _predict_bodies(plan, n_requests=4_000, n_tasks=1)
    what = f"`/predict` of one task, {_CLIENTS} clients at once, requests a CPU second"
    times = {"seen for the first time": 0.0, "in turn for ten CPU seconds, from the first on": 10.0}
    for when, seconds in times.items():
        ask = partial(_ask_anew, plan, bodies=bodies, cpu_seconds=seconds)
        ours, reference = _measure_both(plan, ask)
        yield Figure(
            what=f"{what}: 4,000 tasks {when}", ours=ours, reference=reference,
            more_is_better=True, target="10x, aim 20x",
        )  # fmt: skip


def _ask_anew(
    plan: Plan, server: Server, *, bodies: Sequence[bytes], cpu_seconds: float
) -> list[float]:
    _warm_up(plan, server)
    return [_requests_a_second(server, bodies, least_cpu_seconds=cpu_seconds, n_clients=_CLIENTS)]


def _predict_bodies(plan: Plan, *, n_requests: int, n_tasks: int) -> list[bytes]:
    texts, talk = plan.contenders.work.predicted, Conversation(plan.contenders.work)
    starts = range(0, n_requests * n_tasks, n_tasks)
    return [talk.predict(texts[start : start + n_tasks]) for start in starts]


def _measure_predict(
    plan: Plan, bodies: Sequence[bytes], *, n_tasks: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask for tasks the servers have not seen, then for the same again, as after each version."""

    def measure(server: Server) -> list[float]:
        _warm_up(plan, server)
        first = _requests_a_second(server, bodies)
        again = _requests_a_second(server, bodies, least_cpu_seconds=_LEAST_CPU_SECONDS)
        return [n_tasks * first, n_tasks * again]

    columns = _measure_both(plan, measure)
    for place, when in enumerate(("tasks seen for the first time", "the same tasks again")):
        values = {"ours": columns[place], "reference": columns[place + 2]}
        yield when, {**values, "more_is_better": True}


def _warm_up(plan: Plan, server: Server) -> None:
    work = plan.contenders.work
    server.wait_for("/predict", Conversation(work).predict(work.pool[:2_000]))


def _requests_a_second(
    server: Server, bodies: Sequence[bytes], *, least_cpu_seconds: float = 0, n_clients: int = 1
) -> float:
    """Ask for all bodies, again and again until it has taken so long, at least once."""
    start, count, seconds = server.cpu_seconds, 0, 0.0
    with ThreadPoolExecutor(n_clients) as clients:
        while not count or seconds < least_cpu_seconds:
            for _ in clients.map(partial(server.ask, "/predict"), bodies):
                count += 1
            seconds = server.cpu_seconds - start
    return count / seconds


def _measure_both(
    plan: Plan, measure: Callable[[Server], Sequence[float]]
) -> list[Sequence[float]]:
    """Measure both in turn, each on a server of its own a round.

    Returns
    -------
    list of sequence of float
        A value a round of all that is measured of ours, then of the reference's, which has none
        if it is not measured.
    """
    rounds = []
    for _ in range(plan.rounds):
        found: list[list[float]] = []
        for serve in (_serve_prelabel, _serve_reference):
            with serve(plan) as server:
                found.append([*measure(server)] if server else [])
        rounds.append(found)
    ours, reference = ([*zip(*values, strict=True)] for values in zip(*rounds, strict=True))
    return [*ours, *(reference or [()] * len(ours))]


def _serve_prelabel(plan: Plan) -> Server:
    return serve_prelabel(plan.contenders.train_prelabel(plan.served))


def _serve_reference(plan: Plan) -> AbstractContextManager[Server | None]:
    if plan.contenders.reference is None:
        return nullcontext()
    plan.contenders.fit_reference(plan.served)
    return plan.contenders.reference.serve(plan.contenders.reference_folder(plan.served))


def measure_start(plan: Plan) -> Iterator[Figure]:
    """Seconds from the command to the first answer of a stored version, and memory then."""
    body = Conversation(plan.contenders.work).predict(plan.contenders.work.predicted[:1])

    def measure(server: Server) -> list[float]:
        server.wait_for("/predict", body)
        seconds = time.perf_counter() - server.started_at_seconds
        return [seconds, server.cpu_seconds, server.memory_bytes / _MEGABYTE]

    names = ("seconds", "CPU seconds", "MB of memory (PSS)")
    columns = _measure_both(plan, measure)
    for name, ours, reference in zip(names, columns, columns[3:], strict=False):
        what = f"start to first prediction: {name}"
        yield Figure(what=what, ours=ours, reference=reference, target="3x")


def measure_train(plan: Plan) -> Iterator[Figure]:
    """CPU seconds from one more label to a version that knows it."""
    targets = {1_000: "20x, aim 100x", 10_000: "50x, aim 100x", 100_000: "20x, aim 100x"}
    for n_labels in plan.labels:
        ours = [_learn_one_more(plan.contenders, n_labels) for _ in range(plan.rounds)]
        what = f"one label more than {n_labels:,}: CPU seconds to the new version"
        reference: list[float] = []
        if plan.contenders.reference and n_labels <= 10_000:
            fits = plan.contenders.fit_reference(n_labels, times=plan.rounds)
            reference = [fit.seconds for fit in fits]
        elif plan.contenders.reference and plan.max_iter:
            (fit,) = plan.contenders.fit_reference(n_labels, max_iter=plan.max_iter)
            reference = [fit.extrapolate(_ALL_ITERATIONS)] * plan.rounds
            what += (
                f" (the reference's extrapolated to {_ALL_ITERATIONS} iterations; "
                f"{fit.iterations} took {fit.seconds:,.0f} s)"
            )
        yield Figure(what=what, ours=ours, reference=reference, target=targets.get(n_labels, ""))


def _learn_one_more(contenders: Contenders, n_labels: int) -> float:
    """Return the mean of a few labels, one after the other."""
    with TemporaryDirectory() as temporary, _running(contenders, n_labels, temporary) as server:
        talk = Conversation(contenders.work, first_id=10_000_000)
        further = list(zip(contenders.work.texts, contenders.work.labels, strict=True))[n_labels:]
        _learn(server, talk, *further[0])  # starts the training process
        start = server.cpu_seconds
        for text, label in further[1 : 1 + _LABELS_A_ROUND]:
            _learn(server, talk, text, label)
        return (server.cpu_seconds - start) / _LABELS_A_ROUND


def _running(contenders: Contenders, n_labels: int, temporary: str) -> Server:
    """Serve a copy, which learns from every label."""
    folder = Path(temporary) / "data"
    shutil.copytree(contenders.train_prelabel(n_labels), folder)
    return serve_prelabel(folder, train_every=1)


def _learn(server: Server, talk: Conversation, text: str, label: str) -> None:
    before = server.wait_for("/setup", talk.setup())["model_version"]
    server.post("/webhook", talk.labeled([text], [label]))
    while server.post("/setup", talk.setup())["model_version"] == before:
        time.sleep(0.05)


def measure_webhook(plan: Plan) -> Iterator[Figure]:
    """Milliseconds until a label is stored, while the labels before it are learned."""
    contenders = plan.contenders
    work = contenders.work
    quantiles = []
    for _ in range(plan.rounds):
        with (
            TemporaryDirectory() as temporary,
            _running(contenders, plan.served, temporary) as server,
        ):
            talk = Conversation(work, first_id=10_000_000)
            further = list(zip(work.texts, work.labels, strict=True))[plan.served :]
            _learn(server, talk, *further[0])
            seconds = [_post(server, talk, *more) for more in further[1:_WEBHOOKS_A_ROUND]]
        quantiles.append(1000 * np.quantile(seconds, [0.5, 0.99]))
    for name, ours, target in zip(
        ("p50", "p99"), zip(*quantiles, strict=True), ("", "20 ms"), strict=True
    ):
        yield Figure(what=f"webhook during a training, ms: {name}", ours=ours, target=target)


def _post(server: Server, talk: Conversation, text: str, label: str) -> float:
    """Label as fast as no team of people does; the project is due again each time."""
    time.sleep(_WEBHOOK_PAUSE_SECONDS)
    body = talk.labeled([text], [label])
    start = time.perf_counter()
    server.post("/webhook", body)
    return time.perf_counter() - start


def measure_artifact(plan: Plan) -> Iterator[Figure]:
    """Megabytes of a stored version."""
    folder = plan.contenders.train_prelabel(plan.served)
    sizes = [file.stat().st_size for file in folder.glob("artifacts/*/*/*")]
    reference = []
    if plan.contenders.reference:
        plan.contenders.fit_reference(plan.served)
        pickle = plan.contenders.reference_folder(plan.served) / "model.pkl"
        reference = [pickle.stat().st_size / _MEGABYTE]
    what = f"a version of {plan.served:,} labels: MB on disk"
    yield Figure(what=what, ours=[sum(sizes) / _MEGABYTE], reference=reference, target="2x")


ROWS: Mapping[str, Callable[[Plan], Iterator[Figure]]] = {
    "features": measure_features,
    "predict": measure_predict,
    "single": measure_single,
    "clients": measure_clients,
    "train": measure_train,
    "webhook": measure_webhook,
    "start": measure_start,
    "artifact": measure_artifact,
}
