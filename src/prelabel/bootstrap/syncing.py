"""Pull a project's labels here and now, whether or not a server runs."""

from __future__ import annotations

from prelabel.bootstrap.connections import open_client
from prelabel.bootstrap.store import open_database
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.sync import LabelSync, Report, Synced
from prelabel.settings import Settings
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.syncs import SyncStore


def pull_labels(settings: Settings, project_id: int, *, everything: bool, report: Report) -> Synced:
    """Pull what changed in a project, or everything, into the data folder.

    A server on that folder learns what is new, as if its webhooks had told it.

    Raises
    ------
    ConfigError
        If there is no key, or the data folder cannot be used.
    UpstreamError
        If Label Studio cannot be reached, refuses the key, or has no such project.
    """
    with open_client(settings, LabelStudioClient) as client, open_database(settings) as database:
        theirs = client.project(project_id)
        ProjectStore(database).see(theirs.key, theirs.label_config)  # one that was forgotten, too
        labels = LabelStore(database, pool_texts=settings.pool_texts)
        puller = LabelSync(client, labels, SyncStore(database), report=report)
        return puller.pull(theirs.key, everything=everything)
