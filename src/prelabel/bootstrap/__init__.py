"""Settings → adapters, model, loop: the one place that chooses and joins.

What calls Label Studio is in `connections` and `syncing`: a server without a key imports neither.
"""

from prelabel.bootstrap.serving import Service, check_service, open_service
from prelabel.bootstrap.store import open_database
from prelabel.bootstrap.training import in_another_process, make_method

__all__ = [
    "Service",
    "check_service",
    "in_another_process",
    "make_method",
    "open_database",
    "open_service",
]
