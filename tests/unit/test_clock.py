from __future__ import annotations

from prelabel.storage.clock import pause_after


def test_a_pause_doubles_from_five_seconds_to_ten_minutes() -> None:
    pauses = [pause_after(failures).total_seconds() for failures in (0, 1, 2, 6, 7, 10**6)]
    assert pauses == [5, 10, 20, 320, 600, 600]
