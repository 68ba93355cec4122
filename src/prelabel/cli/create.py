"""``prelabel create``: a model directory that works from the first minute."""

from __future__ import annotations

import ast
import re
import shlex
from importlib.resources import files
from pathlib import Path

import click

from prelabel.errors import ConfigError
from prelabel.models.loader import MODEL_FILE

TEMPLATES = ("model.py", "requirements.txt", "README.md", "Dockerfile", "docker-compose.yml",
             "test_model.py", ".dockerignore")  # fmt: skip
_RAW = "RawModel", "LabelStudioMLBase"

root_dir_option = click.option(
    "--root-dir",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder that DIRECTORY is in [the current one].",
)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--script", "--from", "script", metavar="FILE[:Class]",
    help="A file with a model class of yours, to become the directory's model.py.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over files that are there.")
@root_dir_option
def create(directory: Path, *, script: str | None, force: bool, root_dir: Path) -> None:
    """Make a model directory with a small working model, its test and its container files."""
    folder = root_dir / directory
    written = write_directory(folder, script=script, force=force)
    click.echo(f"Made {folder} with {', '.join(written)}")
    named = shlex.quote(str(folder))
    click.echo(f"Serve it:  prelabel start {named}")
    click.echo(f"Test it:   python -m pytest {named}  (pip install pytest)")


def write_directory(folder: Path, *, script: str | None = None, force: bool = False) -> list[str]:
    """Write a model directory; return the names of its files.

    Raises
    ------
    ConfigError
        If the script has no model class, or files would be written over without `force`.
    """
    contents = {name: _template(name) for name in TEMPLATES}
    class_name = "TextClassifier"
    if script is not None:
        contents[MODEL_FILE], class_name, is_raw = _read_script(script)
        if is_raw:
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


def _read_script(script: str) -> tuple[str, str, bool]:
    """Return a file's content, the name of its model class, and whether it speaks JSON itself."""
    file, _, name = script.rpartition(":") if not Path(script).exists() else (script, "", "")
    if not file:
        file, name = script, ""
    try:
        source = Path(file).read_text(encoding="utf-8")
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
    chosen = [n for n in models if n == name or (not name and n not in parents)]
    if len(chosen) != 1:
        raise ConfigError(
            f"Received the script {script}; the model classes in it: {', '.join(models) or 'none'}",
            expected="one class that extends TextModel, RawModel or LabelStudioMLBase",
            fix="Name it: --script FILE:Class.",
        )
    return source, chosen[0], bool(_kinds(chosen[0], bases) & set(_RAW))


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
