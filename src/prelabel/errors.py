"""Every error that prelabel raises on purpose.

::

    PrelabelError
    ├── ConfigError            the operator's mistake: stops start-up, exit status 2
    ├── RequestError           the caller's mistake
    │   ├── MalformedError     the body is not what the endpoint takes
    │   │   └── EncodedError       it is packed, and nothing here unpacks
    │   ├── UnauthorizedError  credentials are missing or wrong
    │   ├── TooLargeError      the body is larger than the server accepts
    │   ├── NotFoundError      there is nothing of that name
    │   └── LabelConfigError   a labeling config that cannot be served
    ├── ModelError             a model cannot do what was asked
    │   ├── NotEnoughLabelsError   an outcome, not a failure: there is nothing to learn yet
    │   └── ProcessEndedError      a custom model's process ended in the middle of its work
    ├── ArtifactError          a stored model version cannot be read
    ├── StorageError           the label store cannot be reached; retryable
    │   └── StorageLockedError     somebody else has kept it from being written for too long
    ├── UnavailableError       the server cannot take a request now; retryable
    ├── LeaseLostError         another process has taken the project over
    └── UpstreamError          Label Studio, or a text's host, did not answer as it should

HTTP statuses live in ``server/errors.py``; nothing here knows one.
"""

from __future__ import annotations

from collections.abc import Mapping


class PrelabelError(Exception):
    """Something prelabel knows how to explain.

    Parameters
    ----------
    received
        What was found, short enough for one line; never a secret, never a task's text.
    expected
        What would have been right.
    fix
        What the reader can do about it.
    """

    def __init__(self, received: str, *, expected: str, fix: str) -> None:
        super().__init__(received, expected, fix)
        self.received = received
        self.expected = expected
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.received}. Expected: {self.expected}. {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        # An error crosses from the training process to the serving one.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class ConfigError(PrelabelError):
    """A setting, an option or a model directory that cannot be used."""


class RequestError(PrelabelError):
    """A request that cannot be answered as it is."""


class MalformedError(RequestError):
    """A body that is not what the endpoint takes."""


class EncodedError(MalformedError):
    """A body that is packed, which the server does not unpack."""


class UnauthorizedError(RequestError):
    """Credentials that are missing or wrong."""


class TooLargeError(RequestError):
    """A body larger than the server accepts."""


class NotFoundError(RequestError):
    """A name of something that does not exist."""


class LabelConfigError(RequestError):
    """A labeling config that cannot be served."""


class ModelError(PrelabelError):
    """A model that cannot do what was asked of it."""


class NotEnoughLabelsError(ModelError):
    """There is nothing to learn yet.

    Parameters
    ----------
    counts
        Examples per label, for the labels that have any.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        found = ", ".join(f"{label}: {count}" for label, count in sorted(self.counts.items()))
        super().__init__(
            f"Not yet: the examples so far are {found}" if found else "Not yet: no examples so far",
            expected="at least two examples with different labels",
            fix="Label more.",
        )


class ProcessEndedError(ModelError):
    """A custom model's process that ended, or was ended, in the middle of its work."""


class ArtifactError(PrelabelError):
    """A stored model version that cannot be read."""


class StorageError(PrelabelError):
    """The label store cannot be reached; the same call may work later."""


class StorageLockedError(StorageError):
    """Another process has kept the label store locked for as long as a writer waits."""


class UnavailableError(PrelabelError):
    """A request that the server cannot take now; the same one may be answered later."""


class LeaseLostError(PrelabelError):
    """Another process has taken a project over, because this one was gone for too long."""

    def __init__(self, project: object) -> None:
        super().__init__(
            f"The lease of project {project} was lost",
            expected="one process working on a project at a time",
            fix="Nothing to do: another process has taken the work over.",
        )


class UpstreamError(PrelabelError):
    """Label Studio, or a host that a text is fetched from, did not answer as it should.

    Parameters
    ----------
    retryable
        Whether the same call may work later: no connection, status 429 or 5xx.
    retry_after_seconds
        How long Label Studio asks to be left alone; 0 if it does not say.
    """

    def __init__(
        self, received: str, *, expected: str, fix: str, retryable: bool,
        retry_after_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(received, expected=expected, fix=fix)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


def unforeseen(error: Exception) -> Exception | None:
    """Return an error for its traceback in the log; None of one that is no news there."""
    return None if isinstance(error, StorageError | OSError) else error


def shorten(value: object, limit: int = 60) -> str:
    """``repr`` of a received value, cut to ``limit`` characters: for error messages."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
