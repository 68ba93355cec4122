"""Secrets stand in the environment, and nowhere that others may look."""

from __future__ import annotations

from pathlib import Path

import pytest

from prelabel.bootstrap import open_service
from prelabel.settings import load_settings
from tests.backend import Backend, Project, wait_for
from tests.label_studio import LEGACY
from tests.processes import family, spawned_by

SECRETS = {
    "BASIC_AUTH_PASS": "secret-of-basic-auth",
    "LABEL_STUDIO_API_KEY": LEGACY,
    "PRELABEL_TOKEN": "secret-bearer-token",
    "PRELABEL_URL_SECRET": "secret-in-the-path",
}


@pytest.mark.slow
def test_no_secret_is_an_argument_of_a_process(tmp_path: Path) -> None:
    settings = {"BASIC_AUTH_USER": "ann", "WORKERS": "2", "LABEL_STUDIO_HOST": "http://127.0.0.1:9"}
    with Backend(tmp_path, {**SECRETS, **settings}) as backend:
        backend.client.auth = ("ann", SECRETS["BASIC_AUTH_PASS"])
        wait_for(lambda: len(spawned_by(backend.pid)) == 2)
        project = Project(backend)
        project.annotate_many(4)
        project.train()
        pids = family(backend.pid)
        arguments = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids).decode()
    assert len(pids) >= 4, "the supervisor, two workers, a training process"
    assert not [secret for secret in SECRETS.values() if secret in arguments]


def test_no_secret_shows_in_what_a_server_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in {**SECRETS, "BASIC_AUTH_USER": "ann"}.items():
        monkeypatch.setenv(name, secret)
    service = open_service(load_settings(model_dir=tmp_path))
    shown = f"{service!r} {service.settings!r} {service.settings.model_dump_json()}"
    service.stop()
    assert not [secret for secret in SECRETS.values() if secret in shown]
