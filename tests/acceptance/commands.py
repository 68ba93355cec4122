"""The commands that ask Label Studio, as someone with an API key runs them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from prelabel.cli.main import cli
from prelabel.errors import PrelabelError
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project, call
from tests.backend import without_settings

pytestmark = pytest.mark.label_studio


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of a command."""

    status: int
    output: str

    @property
    def faults(self) -> list[str]:
        lines = (line for line in self.output.splitlines() if line.startswith("✗"))
        return [line.split()[1].rstrip(":") for line in lines]


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The commands, as someone with an API key runs them for a project."""

    label_studio: LabelStudio
    project: Project
    api_key: str

    @property
    def settings(self) -> dict[str, str]:
        return {
            "LABEL_STUDIO_HOST": self.label_studio.url,
            "LABEL_STUDIO_API_KEY": self.api_key,
        }

    def run(self, *arguments: str, **settings: str) -> Ran:
        environment = {
            **dict.fromkeys(os.environ.keys() - without_settings(os.environ).keys()),
            **self.settings,
            **settings,
        }
        command = [*arguments, "--project", str(self.project.id)]
        done = CliRunner().invoke(cli, command, env=environment)
        if isinstance(done.exception, PrelabelError):
            return Ran(status=2, output=f"{done.output}{done.exception}")  # as `main` does
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Ran(status=done.exit_code, output=done.output)

    def run_at_a_keyboard(self, *arguments: str, typed: str) -> Ran:
        """Run where somebody can be asked."""
        keyboard, read_from = pty.openpty()
        os.write(keyboard, typed.encode())
        try:
            done = subprocess.run(
                [sys.executable, "-m", "prelabel", *arguments, "--project", str(self.project.id)],
                env={**without_settings(os.environ), **self.settings},
                stdin=read_from, capture_output=True, text=True, timeout=100, check=False,
            )  # fmt: skip
        finally:
            os.close(read_from)
            os.close(keyboard)
        return Ran(status=done.returncode, output=done.stdout)

    def get(self, path: str) -> Any:
        return call(self.label_studio.http, "GET", path, params={"project": self.project.id})

    def webhooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/api/webhooks/")
        return found

    def change_webhook(self, **fields: object) -> None:
        webhook = self.webhooks()[0]
        body = {"url": webhook["url"], "actions": webhook["actions"], **fields}
        call(self.label_studio.http, "PATCH", f"/api/webhooks/{webhook['id']}/", json=body)

    def change_project(self, **fields: object) -> None:
        call(self.label_studio.http, "PATCH", f"/api/projects/{self.project.id}/", json=fields)
