"""prelabel and the reference, each trained on as many labels as asked for, once."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from results import digest_models
from servers import Reference, Server, serve_prelabel
from workload import Conversation, Workload

_AT_ONCE = 1000
_NEVER = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What a fit of the reference cost, without fetching its labels.

    Attributes
    ----------
    seconds
        CPU time of all it does.
    vectorizer_seconds
        Of these, its features; measured only if the iterations were limited, else 0.
    """

    seconds: float
    vectorizer_seconds: float
    iterations: int

    def extrapolate(self, iterations: int) -> float:
        """Return the CPU seconds that so many iterations would have taken."""
        solver_seconds = self.seconds - self.vectorizer_seconds
        return self.vectorizer_seconds + solver_seconds * iterations / self.iterations


@dataclass(frozen=True, kw_only=True, slots=True)
class Contenders:
    """Both sides, what they work on, and the folder where what they learned is kept."""

    work: Workload
    folder: Path
    reference: Reference | None

    def train_prelabel(self, n_labels: int) -> Path:
        """Return a data folder with so many labels and a version learned from them."""
        folder = self.folder / f"prelabel-{n_labels}-{digest_models()}"
        if not (folder / "ready").exists():
            folder.mkdir(parents=True, exist_ok=True)
            talk = Conversation(self.work)
            with serve_prelabel(folder, train_every=_NEVER) as server:
                server.wait_for("/setup", talk.setup())
                for start in range(0, n_labels, _AT_ONCE):
                    part = slice(start, min(n_labels, start + _AT_ONCE))
                    server.post(
                        "/webhook", talk.labeled(self.work.texts[part], self.work.labels[part])
                    )
                server.post("/webhook", talk.imported(self.work.pool))
                _train(server, talk)
            (folder / "ready").touch()
        return folder

    def fit_reference(
        self, n_labels: int, *, times: int = 1, max_iter: int | None = None
    ) -> list[Fit]:
        """Let the reference fit until it has done so as often as asked, in this run or another."""
        if self.reference is None:
            raise ValueError("there is no reference")
        folder = self.reference_folder(n_labels)
        folder.mkdir(parents=True, exist_ok=True)
        given = {
            "label_config": self.work.label_config,
            "texts": self.work.texts[:n_labels],
            "labels": self.work.labels[:n_labels],
        }
        (folder / "examples.json").write_text(json.dumps(given))
        known = folder / (f"fits-{max_iter}.jsonl" if max_iter else "fits.jsonl")
        script = Path(__file__).with_name("reference_fit.py")
        command = [self.reference.python, script, folder / "examples.json"]
        lines = known.read_text().splitlines() if known.exists() else []
        while len(lines) < times:
            output = subprocess.run(  # noqa: S603 - the command is ours
                [*map(str, command), *([str(max_iter)] if max_iter else [])],
                check=True,
                cwd=self.reference.example,
                env=self.reference.environment(folder),
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
            lines.append(output.splitlines()[-1])
            known.write_text("\n".join(lines))
        return [Fit(**json.loads(line)) for line in lines[:times]]

    def reference_folder(self, n_labels: int) -> Path:
        return self.folder / f"reference-{n_labels}"


def _train(server: Server, talk: Conversation) -> None:
    job = server.post("/webhook", talk.start_training())["job"]
    while True:
        status = server.post("/job_status", json.dumps({"job": job}).encode())
        if status["finished_at"]:
            break
        time.sleep(0.1)
    if status["state"] != "done":
        raise RuntimeError(f"The training ended as {status}")
