"""Code of a model class, and what people are told when it fails, or does not get done."""

from __future__ import annotations

import logging
import sysconfig
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from typing import TypeVar

from prelabel.errors import ModelError, PrelabelError

log = logging.getLogger(__name__)

T = TypeVar("T")

_PACKAGE = Path(__file__).resolve().parents[1]
_NOT_THE_MODELS = (
    _PACKAGE,
    _PACKAGE.with_name("label_studio_ml"),
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")),
)


def call_model(name: str, work: Callable[[], T]) -> T:
    """Return what ``work`` gives, code of a model's; raise `ModelError` where it fails.

    Parameters
    ----------
    name
        The method's, as it is told to whoever wrote it.
    """
    try:
        return work()
    except (PrelabelError, KeyboardInterrupt):  # said already; of who types a command
        raise
    except BaseException as error:  # the model's code; even sys.exit is no answer
        log.exception("The model failed in %s", name)
        raise failed_in(name, error) from error


def failed_in(call: str, error: BaseException) -> ModelError:
    """Return what to tell of an error that a model's code raised.

    It names the last line outside of what is installed, or the last one if all is. Neither folders
    nor the error's own message are in it: that may quote texts.
    """
    steps = [(step.f_code.co_filename, line) for step, line in walk_tb(error.__traceback__)]
    own = [step for step in steps if not _is_installed(step[0])]
    place = "".join(f" at {Path(file).name}:{line}" for file, line in (own or steps)[-1:])
    return ModelError(
        f"The model failed in {call} ({type(error).__name__}{place})",
        expected="an answer",
        fix="The whole error stands in the server's log, under the id of this request or job.",
    )


def busy_for(seconds: float) -> ModelError:
    """Return what to tell whoever has waited so long for his turn."""
    return ModelError(
        f"The model was busy with another request of this project for {seconds:g} s",
        expected="an answer in time",
        fix="Ask again later, or make the model faster.",
    )


def too_slow(call: str, seconds: float, what_then: str = "") -> ModelError:
    """Return what to tell of a call that was not answered in time."""
    return ModelError(
        f"The model gave no answer to {call} within {seconds:g} s{what_then}",
        expected="an answer in time",
        fix="Make the model faster, ask for fewer tasks at once, or raise PRELABEL_PREDICT_SECONDS "
        "(PRELABEL_FIT_SECONDS for fit).",
    )


def _is_installed(filename: str) -> bool:
    path = Path(filename).resolve()
    return any(path.is_relative_to(folder) for folder in _NOT_THE_MODELS)
