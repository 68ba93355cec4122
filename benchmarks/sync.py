"""What pulling labels costs Label Studio and us: all of them, then what changed.

    python -m benchmarks.sync --tasks 20000

Starts a Label Studio (``./test`` installs one), imports labeled tasks, and runs ``prelabel sync``
again and again. CPU seconds are Label Studio's, whose own work goes on meanwhile if other people's
does not; memory is the peak of ``prelabel sync`` (RSS).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arguments import make_parser
from benchmarks.label_studio import serve
from benchmarks.servers import measure_cpu_seconds
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import TOPICS, make_texts
from tests.backend import without_settings

_NOISE_WORDS = 20
_AT_ONCE = 2_500
_HEAD = "| | Label Studio's CPU | time | peak memory | |\n|---|---:|---:|---:|---|\n"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One ``prelabel sync``."""

    what: str
    label_studio_cpu_seconds: float
    seconds: float
    peak_bytes: int
    said: str

    def __str__(self) -> str:
        return (
            f"| {self.what} | {self.label_studio_cpu_seconds:.2f} s | {self.seconds:.1f} s "
            f"| {self.peak_bytes / 1e6:.0f} MB | {self.said} |"
        )


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, reads_sets=False, starts_label_studio=True)
    parser.add_argument("--tasks", type=int, default=20_000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as name, serve(arguments.label_studio, Path(name)) as server:
        sys.stdout.write(_HEAD)
        for run in _measure(server, Path(name) / "data", arguments.tasks):
            sys.stdout.write(f"{run}\n")
            sys.stdout.flush()


def _measure(server: LabelStudio, folder: Path, n_tasks: int) -> Iterator[Run]:
    project = _fill(server, n_tasks)
    key = server.personal_access_token()

    def run(what: str, *options: str) -> Run:
        return _run(server, project, key, folder, what, *options)

    yield run(f"all {n_tasks:,} labels")
    yield run("nothing changed")
    project.annotate_all(project.tasks[:10])
    yield run("10 more, the import within the overlap")
    project.annotate_all(project.tasks[10:20])
    yield run("10 more")
    project.delete_tasks(project.tasks[-10:])
    yield run("10 tasks deleted")
    yield run("all again", "--full")


def _fill(server: LabelStudio, n_tasks: int) -> Project:
    project = server.create_project([], TOPICS)
    texts = make_texts(n_tasks, noise_words=_NOISE_WORDS)
    for start in range(0, n_tasks, _AT_ONCE):
        project = server.add_tasks(project, texts[start : start + _AT_ONCE], labeled=_AT_ONCE)
    return project


def _run(
    server: LabelStudio, project: Project, key: str, folder: Path, what: str, *options: str
) -> Run:
    before, started = measure_cpu_seconds(server.pid), time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-m", "prelabel", "sync", f"--project={project.id}", *options],
        env={
            **without_settings(os.environ),
            "LABEL_STUDIO_HOST": server.url,
            "LABEL_STUDIO_API_KEY": key,
            "MODEL_DIR": str(folder),
            "LOG_LEVEL": "WARNING",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    said = process.stdout.read().strip() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Run(
        what=what,
        label_studio_cpu_seconds=measure_cpu_seconds(server.pid) - before,
        seconds=time.monotonic() - started,
        peak_bytes=usage.ru_maxrss * 1024,
        said=said.partition(" pulled")[0],
    )


if __name__ == "__main__":
    main()
