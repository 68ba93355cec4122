"""``prelabel create``: a model directory that works from the first minute."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import click

from prelabel.cli.options import root_dir_option
from prelabel.errors import ConfigError
from prelabel.models.loader import MODEL_FILE, split_target

TEMPLATES = ("model.py", "requirements.txt", "README.md", "Dockerfile", "docker-compose.yml",
             "test_model.py", ".dockerignore")  # fmt: skip
_RAW = "RawModel", "LabelStudioMLBase"


@click.command()
@click.argument("directory")
@click.option(
    "--script", "--from", "script", metavar="FILE[:Class]",
    help="A file with a model class of yours, to become the directory's model.py.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over files that are there.")
@root_dir_option
def create(directory: str, *, script: str | None, force: bool, root_dir: Path) -> None:
    """Make a model directory with a small working model, its test and its container files."""
    if not directory:  # as "$NAME" is where NAME is not set; of a path it would be "."
        raise ConfigError(
            "Received no name as DIRECTORY",
            expected="the name of a folder to make, or . for the current one",
            fix="Name it, as in: prelabel create my_model",
        )
    folder = root_dir / directory
    model = _read_script(script) if script else None
    written = write_directory(folder, model, force=force)
    click.echo(f"Made {folder} with {', '.join(written)}")
    if model and model.neighbours:
        click.echo(f"Copy into it what model.py imports:  {' '.join(model.neighbours)}")
    named = shlex.quote(str(folder))
    click.echo(f"Serve it:  prelabel start {named}")
    click.echo(f"Test it:   python -m pytest {named}  (pip install pytest)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A file with a model class.

    Attributes
    ----------
    is_raw
        Whether the class speaks Label Studio's JSON.
    neighbours
        Files and folders beside it that it imports.
    """

    source: str
    class_name: str
    is_raw: bool
    neighbours: Sequence[str]


def write_directory(folder: Path, script: Script | None, *, force: bool) -> list[str]:
    """Write a model directory, around a model of one's own if one is given; return its files.

    Raises
    ------
    ConfigError
        If files would be written over without `force`, or nothing can be written.
    """
    contents = {name: _template(name) for name in TEMPLATES}
    class_name = "TextClassifier"
    if script is not None:
        contents[MODEL_FILE], class_name = script.source, script.class_name
        if script.is_raw:
            contents["test_model.py"] = _template("test_raw_model.py")
    known = sorted(name for name in contents if (folder / name).exists())
    if known and not force:
        raise ConfigError(
            f"{folder} has {', '.join(known)} already",
            expected="a new folder",
            fix="Choose another name, or write over them with --force.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            filled = content.replace("{{name}}", _slug(folder)).replace("{{class}}", class_name)
            (folder / name).write_text(filled if name != MODEL_FILE else content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written ({error.strerror or error})",
            expected="a folder this user may make",
            fix="Choose another name, or --root-dir.",
        ) from error
    return sorted(contents)


def _template(name: str) -> str:
    return (files("prelabel.cli") / "templates" / f"{name}.tmpl").read_text(encoding="utf-8")


def _slug(folder: Path) -> str:
    """Return a name that containers may have."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "model"


def _read_script(script: str) -> Script:
    """Read ``FILE`` or ``FILE:Class``; raise `ConfigError` if it has no such model class."""
    file, name = split_target(Path(script))
    try:
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError) as error:
        raise ConfigError(
            f"Received the script {file}, which cannot be read ({error})",
            expected="a file of Python",
            fix="Correct --script.",
        ) from error
    bases = {n.name: _bases(n) for n in tree.body if isinstance(n, ast.ClassDef)}
    models = [n for n in bases if _kinds(n, bases) & {"TextModel", *_RAW}]
    parents = {base for n in models for base in bases[n]}
    chosen = [n for n in models if n == name or (name is None and n not in parents)]
    if len(chosen) != 1:
        raise ConfigError(
            f"Received the script {script}; the model classes in it: {', '.join(models) or 'none'}",
            expected="one class that extends TextModel, RawModel or LabelStudioMLBase",
            fix="Name it: --script FILE:Class.",
        )
    return Script(
        source=source,
        class_name=chosen[0],
        is_raw=bool(_kinds(chosen[0], bases) & set(_RAW)),
        neighbours=_find_neighbours(tree, file.parent),
    )


def _find_neighbours(tree: ast.Module, folder: Path) -> list[str]:
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    beside = {path.name for path in folder.glob("*") if path.suffix == ".py" or path.is_dir()}
    return sorted(beside & {name for module in imported for name in (module, f"{module}.py")})


def _bases(node: ast.ClassDef) -> list[str]:
    return [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            for base in node.bases]  # fmt: skip


def _kinds(name: str, bases: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        parents = [base for base in bases.get(waiting.pop(), []) if base not in found]
        found.update(parents)
        waiting += parents
    return found
