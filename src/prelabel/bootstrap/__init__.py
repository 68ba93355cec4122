"""Settings → adapters, model, loop: the one place that chooses and joins."""

from prelabel.bootstrap.connections import open_client, open_database
from prelabel.bootstrap.serving import Service, check_service, open_service
from prelabel.bootstrap.syncing import pull_labels
from prelabel.bootstrap.training import check_model, make_method

__all__ = [
    "Service",
    "check_model",
    "check_service",
    "make_method",
    "open_client",
    "open_database",
    "open_service",
    "pull_labels",
]
