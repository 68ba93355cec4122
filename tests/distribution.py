"""Which tests run in which process, where several share the work."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class Distribution(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Keeps together in one process what shares a server: a file; or all of Label Studio's tests.

    Those take the longest and come first, so that the other processes do the rest meanwhile.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "acceptance" if "/acceptance/" in file else file
