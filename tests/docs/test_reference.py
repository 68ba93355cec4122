"""Nothing that people can use goes without its line in the documentation."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import click
import pytest

from prelabel.cli.main import cli
from prelabel.server.app import GETS, POSTS
from prelabel.server.errors import STATUSES
from prelabel.settings import Settings, variables

ROOT = Path(__file__).parents[2]


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def rows(page: str) -> list[list[str]]:
    lines = (line for line in read(page).splitlines() if line.startswith("| `"))
    return [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in lines]


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    documented = {row[0]: (row[1], row[2]) for row in rows("reference/settings.md")}
    defaults = {
        name: "" if field.default is None else str(field.default)
        for field in Settings.model_fields.values()
        for name in field.validation_alias.choices  # type: ignore[union-attr] # all are AliasChoices
    }
    assert documented == {n: (defaults[n], meaning) for n, meaning in variables().items()}


def test_every_route_is_documented() -> None:
    documented = {row[0] for row in rows("reference/endpoints.md")}
    routes = {f"GET {path}" for path in GETS} | {f"POST {path}" for path in POSTS}
    assert routes == {row for row in documented if row.startswith(("GET", "POST"))}


def test_every_option_of_every_command_is_documented() -> None:
    page = read("reference/commands.md")
    context = click.Context(cli)
    for name in cli.list_commands(context):
        assert f"prelabel {name}" in page
        command = cli.get_command(context, name)
        assert command is not None
        options = [option for parameter in command.params for option in parameter.opts]
        assert [o for o in options if o.startswith("-") and f"`{o}`" not in page] == []


def test_every_error_status_is_documented() -> None:
    page = read("reference/endpoints.md")
    for error, status in STATUSES.items():
        assert re.search(rf"\| {status} \| `{error.__name__}`", page)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    reasons = read("explanation/dependencies.md")
    everything = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    everything += project["project"]["optional-dependencies"]["pictures"]
    for requirement in everything:
        name = re.split(r"[\[>=;]", requirement)[0]
        assert f"`{name}`" in reasons or name.endswith("-stubs") or name.startswith("types-"), name


MODULES = [p for p in sorted((ROOT / "src").rglob("*.py")) if "migrations" not in p.parts]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_every_module_and_function_is_short(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 250
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            first = node.body[min(int(has_docstring), len(node.body) - 1)]
            assert (node.end_lineno or 0) - first.lineno < 30, node.name


READERS_OF_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_no_module_reads_what_can_run(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & READERS_OF_CODE
