"""Commands that are imported when they are asked for: most need what the others don't."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LateGroup(click.Group):
    """A group of commands in modules of this package.

    Parameters
    ----------
    places
        Module and attribute of each command, by its name.
    options
        As for `click.Group`.
    """

    def __init__(
        self, *args: Any, places: Mapping[str, tuple[str, str]] | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._places = dict(places or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in order."""
        return sorted([*super().list_commands(ctx), *self._places])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none of that name."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._places[cmd_name]
        found: click.Command = getattr(import_module(f"prelabel.cli.{module}"), attribute)
        return found
