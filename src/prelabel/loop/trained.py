"""What came of a training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from prelabel.types import JobState, ModelVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What came of a training.

    Attributes
    ----------
    trained_changes
        Label changes of the project that this attempt has answered.
    texts_due
        From how many texts of the project on the next attempt is due; None if texts make none due.
    wait
        How long nothing is tried before; None if it may be tried at once.
    texts_read
        How many texts all controls had, where names want more and only addresses of those are
        known; None where more texts would change nothing, or there are no more.
    version
        The version that was made, or is what would be made; None if there is none. It is active
        unless the gate withholds it, as the message says then.
    """

    state: JobState
    message: str
    trained_changes: int
    texts_due: int | None = None
    wait: timedelta | None = None
    texts_read: int | None = None
    version: ModelVersion | None = None
