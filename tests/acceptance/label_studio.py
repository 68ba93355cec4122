"""A real Label Studio: one process, one user, who is logged in as in a browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from prelabel.types import ProjectKey
from tests.acceptance.project import Project, call
from tests.acceptance.topics import LabeledText
from tests.backend import PATIENCE_SECONDS, free_port, region, wait_for, write_config

EMAIL, PASSWORD = "labeler@example.com", "a-password-for-tests"

NEWCOMERS_SETTINGS = {
    # Without these two, Label Studio refuses every backend on this machine.
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16,fe80::/10",
}
TEST_SETTINGS = {
    # Label Studio checks predictions against the labeling config: one that does not fit is refused.
    "fflag_feat_utc_210_prediction_validation_15082025": "true",
    "LOCAL_FILES_SERVING_ENABLED": "true",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
}


class LabelStudio:
    """A Label Studio process on a free port, with an SQLite database.

    Parameters
    ----------
    environment
        The virtual environment that Label Studio is installed in.
    folder
        Where it keeps its data and writes its log.
    network
        Which addresses it may call.
    """

    def __init__(
        self,
        environment: Path,
        folder: Path,
        network: Mapping[str, str] = MappingProxyType(NEWCOMERS_SETTINGS),
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "label-studio.log"
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, trust_env=False)
        self.network = network
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float) -> None:
        """Start it, wait until it is healthy, and log in."""
        folder = self.log.parent
        settings = {
            "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
            **self.network,
            **TEST_SETTINGS,
            "LOCAL_FILES_DOCUMENT_ROOT": str(folder),
        }
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._environment / "bin" / "label-studio"), "start", "--no-browser"),
                    *("--internal-host", "127.0.0.1", "--port", str(self.port)),
                    *("--data-dir", str(folder), "--username", EMAIL, "--password", PASSWORD),
                ],
                env=inherited | settings,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._is_up, seconds=seconds, pause_seconds=0.5)
        self.log_in()

    def restart(self, seconds: float, network: Mapping[str, str]) -> None:
        """Start it again, with other addresses that it may call."""
        self.stop()
        self.network = network
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, trust_env=False)
        self.start(seconds)

    def stop(self) -> None:
        """End it, and whatever it started."""
        self.http.close()
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(PATIENCE_SECONDS)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def read_log(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_in(self) -> None:
        """Log in, as in a browser."""
        self._submit(self.http, "/user/login/", EMAIL)

    @contextmanager
    def sign_up(self, email: str) -> Iterator[httpx.Client]:
        """Give the browser of somebody else, who joins the organization."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as http:
            self._submit(http, "/user/signup/", email)
            yield http

    def _submit(self, http: httpx.Client, page: str, email: str) -> None:
        """Fill in a form; it carries a token against forged requests."""
        http.get(page).raise_for_status()
        form = {"email": email, "password": PASSWORD}
        form["csrfmiddlewaretoken"] = http.cookies["csrftoken"]
        answer = http.post(page, data=form, headers={"Referer": self.url})
        assert answer.status_code == 302, answer.text[:500]
        http.headers.update({"Referer": self.url})
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]

    def personal_access_token(self) -> str:
        """Make an API key, as the account page does; an older one ends."""
        for old in self._call("GET", "/api/token/"):
            self._call("POST", "/api/token/blacklist/", json={"refresh": old["token"]})
        return str(self._call("POST", "/api/token/", json={})["token"])

    @contextmanager
    def legacy_token(self) -> Iterator[str]:
        """Allow API keys of the old kind for a while, as the organization page does."""
        settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
        self._call("POST", "/api/jwt/settings", json=settings)
        try:
            yield str(self._call("GET", "/api/current-user/token")["token"])
        finally:
            settings["legacy_api_tokens_enabled"] = False
            self._call("POST", "/api/jwt/settings", json=settings)

    def create_project(
        self, texts: Sequence[LabeledText], labels: Iterable[str], *, labeled: int = 0
    ) -> Project:
        """Create a project with one task a text; the first ones come ``labeled``."""
        project = self.create_empty_project(write_config(labels))
        return self.add_tasks(project, texts, labeled=labeled) if texts else project

    def create_empty_project(self, label_config: str) -> Project:
        settings = {"title": "Topics", "label_config": label_config}
        made = self._call("POST", "/api/projects/", json=settings)
        created = datetime.fromisoformat(made["created_at"])
        key = ProjectKey(made["id"], int(created.timestamp()))
        return Project(http=self.http, id=made["id"], key=key, truth={})

    def add_tasks(self, project: Project, texts: Sequence[LabeledText], *, labeled: int) -> Project:
        """Import one task a text; the first ones come ``labeled``."""
        tasks: list[dict[str, object]] = [{"data": {"text": item.text}} for item in texts]
        for task, item in zip(tasks[:labeled], texts, strict=False):
            task["annotations"] = [{"result": [region(item.label)]}]
        self._call("POST", f"/api/projects/{project.id}/import", json=tasks)
        last = max(project.truth, default=0)
        new = {"filter": "filter:tasks:id", "type": "Number", "operator": "greater", "value": last}
        filters = {"conjunction": "and", "items": [new]}
        query = {"project": project.id, "include": "id,data", "page_size": len(tasks)}
        query["query"] = json.dumps({"filters": filters, "ordering": ["tasks:id"]})
        stored = self._call("GET", "/api/tasks/", params=query)["tasks"]
        ids = {task["data"]["text"]: int(task["id"]) for task in stored}
        added = {ids[item.text]: item.label for item in texts}
        return replace(project, truth={**project.truth, **added})

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return call(self.http, method, path, **options)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.read_log()
        try:
            return self.http.get("/health", timeout=2).is_success
        except httpx.TransportError:
            return False
