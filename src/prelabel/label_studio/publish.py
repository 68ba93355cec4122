"""Tells Label Studio which model version is active: by the title of the connection.

Label Studio 1.23.2 holds predictions against ``project.model_version``, which has the title of the
connection that predictions come from, not their version. Only where both are the same does it
show prediction scores, sort by them, sample by uncertainty (at random otherwise), and open a task
that has several predictions with the newest (``data_manager/managers.py``,
``projects/functions/next_task.py``).
"""

from __future__ import annotations

import logging

from prelabel.label_studio.connections import ConnectionClient
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)


def publish_version(client: ConnectionClient, project: ProjectKey, version: str) -> None:
    """Call a project's connection what its active version is called.

    Its own are the connections whose backend answers with that version: by which address Label
    Studio reaches this one is not known here. A project of another Label Studio is left alone.

    Raises
    ------
    UpstreamError
        If Label Studio cannot be reached or refuses.
    MalformedError
        If it does not say when the project was created.
    """
    if client.project(project.id).key != project:
        return
    for connection in client.connections(project.id):
        if connection.model_version == version != connection.title:
            client.rename_connection(project.id, connection, version)
            log.info("Project %s: its connection is called %s now", project, version)
