"""What is done in the training process, or in another one like it."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from prelabel.errors import ConfigError, PrelabelError
from prelabel.loop.process import TrainingProcess
from prelabel.models.loader import load_model_class
from prelabel.models.method import Method
from prelabel.settings import Settings
from prelabel.telemetry import configure_logging
from prelabel.types import Job

T = TypeVar("T")

log = logging.getLogger(__name__)

_LOOK_AFTER = 10_000
"""New objects before garbage collection looks at them: at Python's 700, a twentieth of a job."""


def do_job(settings: Settings, directory: Path | None, job: Job, owner: str) -> None:
    """Do a job. It takes settings and the job and reads the store itself: it runs anywhere."""
    # The serving process names this function, and imports nothing that trains or calls.
    from prelabel.bootstrap import job as joined  # noqa: PLC0415

    if "sklearn" in sys.modules:
        _keep_what_is_there()
    joined.do_job(settings, directory, job, owner)


@cache
def _keep_what_is_there() -> None:
    """Let garbage collection pass over what the first training has imported, once.

    Each job makes tens of thousands of objects of a project's tasks, and half of them had all of
    scikit-learn looked through for that: a third of what a job with a few labels more costs. To
    look through it for what is left over now would cost half a job, for a handful of objects.
    From then on it looks at new objects less often: those of tasks all stay until the job ends.
    """
    gc.collect(1)
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER)


def make_method(settings: Settings, directory: Path | None = None) -> Method:
    """Return how the server learns; None as the directory is the built-in classifier."""
    return Method(
        model_class=load_model_class(directory, is_alone=True), C=settings.logistic_regression_c
    )


def in_another_process(
    settings: Settings, doing: str, work: Callable[..., T], *arguments: object
) -> T:
    """Return what a function gives, in a process of its own that its code may end or block.

    Parameters
    ----------
    doing
        What that is, for people: "Importing the model".

    Raises
    ------
    PrelabelError
        What the function raises; `ConfigError` for anything else, and if its process ends.
    """
    log.info("%s", doing)  # so that whoever waits knows for what
    executor = TrainingProcess(configure_logging, settings.log_level)
    try:
        return executor.submit(work, *arguments).result()
    except PrelabelError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{doing} ended its process ({type(error).__name__})",
            expected="a model.py that leaves the process alone",
            fix="Look at what it wrote last, and mend it.",
        ) from error
    finally:
        executor.shutdown()
