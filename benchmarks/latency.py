"""What a backend that trains after each label costs the person who labels.

    python -m benchmarks.latency

Starts a Label Studio (``./test`` installs one) with two projects, one of them with a backend that
trains after each label, and submits labels in both, in turn, so that a busy machine is busy for
both. That shows waiting, not the processor time that a training takes from Label Studio: for that,
the first row has the calls before the backend was connected.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import make_parser
from benchmarks.label_studio import serve
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import Backend

_IMPORTED = 200
_NOISE_WORDS = 50  # half a second to train
_HEAD = "| submitting a label | median | 95 of 100 | longest |\n|---|---:|---:|---:|\n"


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, reads_sets=False, starts_label_studio=True)
    parser.add_argument("--calls", type=int, default=90, help="in each project (default: 90)")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name, serve(arguments.label_studio, Path(name)) as server:
        sys.stdout.write(_HEAD)
        for row in _measure(server, Path(name), arguments.calls):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()


def _measure(server: LabelStudio, folder: Path, calls: int) -> Iterator[str]:
    alone, connected = (_make_project(server, calls) for _ in range(2))
    before, meanwhile = connected.tasks[_IMPORTED:][:calls], connected.tasks[_IMPORTED + calls :]
    yield _describe("before there is a backend", [_time(connected, task) for task in before])
    settings = {
        "LABEL_STUDIO_HOST": server.url,
        "LABEL_STUDIO_API_KEY": server.personal_access_token(),
        "START_TRAINING_EACH_N_UPDATES": "1",
    }
    with Backend(folder, settings) as backend:
        connection = connected.connect(backend.url)
        connection.wait_for(f"-{_IMPORTED + calls}labels")
        seconds: dict[int, list[float]] = {alone.id: [], connected.id: []}
        for pair in zip(alone.tasks[_IMPORTED + calls :], meanwhile, strict=True):
            for project, task in zip((alone, connected), pair, strict=True):
                seconds[project.id].append(_time(project, task))
        yield _describe("without a backend, in turn", seconds[alone.id])
        yield _describe("with a backend that trains", seconds[connected.id])
        yield f"| the backend's own part, mean | {_webhook_seconds(backend) * 1e3:.0f} ms | | |"


def _make_project(server: LabelStudio, calls: int) -> Project:
    texts = make_texts(_IMPORTED + 2 * calls, noise_words=_NOISE_WORDS)
    return server.create_project(texts, TOPICS, labeled=_IMPORTED)


def _time(project: Project, task: int) -> float:
    started = time.perf_counter()
    project.annotate(task)
    return time.perf_counter() - started


def _webhook_seconds(backend: Backend) -> float:
    """Return how long it took to answer a webhook, in the mean."""
    figures, name = backend.figures(), 'prelabel_request_seconds_{}{{route="/webhook"}}'
    return figures[name.format("sum")] / figures[name.format("count")]


def _describe(what: str, seconds: Sequence[float]) -> str:
    p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    return f"| {what} | {p50 * 1e3:.0f} ms | {p95 * 1e3:.0f} ms | {max(seconds) * 1e3:.0f} ms |"


if __name__ == "__main__":
    main()
