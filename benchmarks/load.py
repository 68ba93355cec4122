"""What many at once do to prelabel and to the reference, one after the other in one run.

    python benchmarks/load.py DATA --reference ../label-studio-ml-backend --minutes 10

So many clients ask for predictions of ten tasks each, one request after the other, without a
pause, each on a connection of its own. Meanwhile prelabel is told two labels a second, and trains
after every ten. The reference is told none: without a Label Studio to fetch all labels from, each
would be an error. Milliseconds are the clients' own. Memory (PSS) is that of the processes that
serve and of the training process, before the load and at each tenth of the time.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from arguments import make_parser
from contenders import Contenders
from data_sets import read_sets
from servers import Reference, Server, serve_prelabel
from workload import Conversation, Workload, make_workload

_TASKS_A_REQUEST = 10
_WEBHOOK_PAUSE_SECONDS = 0.5
_TEXTS = 20_000
_MEMORY_READINGS = 10
_POOL, _FURTHER, _PREDICTED = 1_000, 4_000, 4_000


@dataclass(kw_only=True)
class Seen:
    """What clients have seen of a server."""

    milliseconds: list[float] = field(default_factory=list)
    webhook_milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    memory_bytes: list[dict[str, int]] = field(default_factory=list)


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--set", default="20news", help="which of them (default: 20news)")
    parser.add_argument("--reference", type=Path, help="a checkout of label-studio-ml-backend")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--labels", type=int, default=1_000, help="labels of the served version")
    parser.add_argument("--work", type=Path, help="folder that keeps what was learned")
    arguments = parser.parse_args()
    (data,) = read_sets(arguments.folder, [arguments.set], max_texts=_TEXTS)
    work = make_workload(data, arguments.labels + _FURTHER, n_pool=_POOL, n_predicted=_PREDICTED)
    with TemporaryDirectory() as temporary:
        folder = (arguments.work or Path(temporary)).absolute()
        reference = Reference.find(arguments.reference)
        contenders = Contenders(work=work, folder=folder, reference=reference)
        sys.stdout.write(_write(list(_measure(contenders, arguments))))


def _measure(
    contenders: Contenders, arguments: argparse.Namespace
) -> Iterator[tuple[str, float, Seen]]:
    seconds, work = 60 * arguments.minutes, contenders.work
    with serve_prelabel(contenders.train_prelabel(arguments.labels)) as server:
        further = slice(arguments.labels, None)
        seen = _load(server, work, arguments.clients, seconds, further=further)
        yield "prelabel", seconds, seen
    if contenders.reference:
        contenders.fit_reference(arguments.labels)
        folder = contenders.reference_folder(arguments.labels)
        with contenders.reference.serve(folder) as server:
            yield "reference", seconds, _load(server, work, arguments.clients, seconds)


def _load(
    server: Server, work: Workload, n_clients: int, seconds: float, *, further: slice | None = None
) -> Seen:
    talk = Conversation(work, first_id=10_000_000)
    starts = range(0, len(work.predicted) - _TASKS_A_REQUEST + 1, _TASKS_A_REQUEST)
    bodies = [talk.predict(work.predicted[i : i + _TASKS_A_REQUEST]) for i in starts]
    server.wait_for("/predict", bodies[0])
    people = _People(server)
    threads = [
        threading.Thread(target=people.ask, args=(bodies[number:] + bodies[:number],))
        for number in range(n_clients)
    ]
    if further:
        pairs = zip(work.texts[further], work.labels[further], strict=True)
        labels = [talk.labeled([text], [label]) for text, label in pairs]
        threads.append(threading.Thread(target=people.label, args=(labels,)))
    people.seen.memory_bytes.append(server.memory_bytes_by_kind)
    for thread in threads:
        thread.start()
    for _ in range(_MEMORY_READINGS):
        time.sleep(seconds / _MEMORY_READINGS)
        people.seen.memory_bytes.append(server.memory_bytes_by_kind)
    people.is_over.set()
    for thread in threads:
        thread.join()
    return people.seen


class _People:
    """Those who ask, and the one who labels, until it is over."""

    def __init__(self, server: Server) -> None:
        self.seen = Seen()
        self.is_over = threading.Event()
        self._server = server

    def ask(self, bodies: list[bytes]) -> None:
        for body in itertools.cycle(bodies):
            if self.is_over.is_set():
                return
            self._ask(body)

    def label(self, bodies: list[bytes]) -> None:
        for body in bodies:
            if self.is_over.wait(_WEBHOOK_PAUSE_SECONDS):
                return
            start = time.perf_counter()
            self._server.post("/webhook", body)
            self.seen.webhook_milliseconds.append(1000 * (time.perf_counter() - start))

    def _ask(self, body: bytes) -> None:
        start = time.perf_counter()
        try:
            results = self._server.post("/predict", body)["results"]
        except (OSError, RuntimeError) as error:
            self.seen.errors.append(repr(error)[:200])
            return
        self.seen.milliseconds.append(1000 * (time.perf_counter() - start))
        if len(results) != _TASKS_A_REQUEST:
            self.seen.errors.append(f"{len(results)} results")
        self.seen.versions |= {result["model_version"] for result in results if result}


def _write(measured: list[tuple[str, float, Seen]]) -> str:
    lines = [
        "| | requests | a second | errors | p50 ms | p99 ms | versions | webhook p99 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, seconds, seen in measured:
        median, tail = np.quantile(seen.milliseconds, [0.5, 0.99])
        webhook = (
            f"{np.quantile(seen.webhook_milliseconds, 0.99):.0f}"
            if seen.webhook_milliseconds
            else "-"
        )
        count = len(seen.milliseconds)
        lines.append(
            f"| {name} | {count:,} | {count / seconds:.0f} | {len(seen.errors)} | {median:.0f} "
            f"| {tail:.0f} | {len(seen.versions)} | {webhook} |"
        )
    tenths = "".join(f" {number}/{_MEMORY_READINGS} |" for number in range(1, _MEMORY_READINGS))
    lines += ["", f"| memory, MB | start |{tenths} end |", "|---" * (_MEMORY_READINGS + 2) + "|"]
    for name, _, seen in measured:
        lines += _write_memory(name, seen.memory_bytes)
    for name, _, seen in measured:
        lines += [f"\n{name}: {error}" for error in sorted(set(seen.errors))[:5]]
    return "\n".join(lines) + "\n"


def _write_memory(name: str, readings: list[dict[str, int]]) -> Iterator[str]:
    """Yield a line for each kind of process that there is, and for all together."""
    kinds: dict[str, Callable[[dict[str, int]], int]] = {
        f"{name}, {kind}": itemgetter(kind) for kind in readings[0]
    }
    kinds[f"{name}, all"] = lambda reading: sum(reading.values())
    for kind, read in kinds.items():
        found = [read(reading) for reading in readings]
        if any(found):
            yield f"| {kind} |" + "".join(f" {value / 1e6:.0f} |" for value in found)


if __name__ == "__main__":
    main()
