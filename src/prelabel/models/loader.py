"""A model directory → the model class it defines."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

from prelabel.errors import ConfigError
from prelabel.models.base import TextModel
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.raw import RawModel
from prelabel.models.signatures import require_signatures

MODEL_FILE = "model.py"

ModelClass = type[TextModel] | type[RawModel]


def split_target(target: Path) -> tuple[Path, str | None]:
    """Take ``DIR:Class`` or ``FILE:Class`` apart; the class is None where none is named."""
    place, colon, name = str(target).rpartition(":")
    if colon and place and name.isidentifier() and not target.exists():
        return Path(place), name
    return target, None


def find_model_class(target: Path | None, *, is_alone: bool = False) -> ModelClass:
    """Return the class a model directory defines; the built-in one where it defines none.

    Parameters
    ----------
    target
        A directory, or ``DIR:Class`` where its ``model.py`` has several.
    is_alone
        Whether this process runs no other directory's code. Then ``model.py`` is imported under
        its own name, as its pickles have it, and may import its neighbours at any time. Else the
        module gets a private name, and neighbours can be imported while it is imported only.

    Raises
    ------
    ConfigError
        If there is no such directory or class, several could be meant, the import fails, or its
        methods do not take what they are called with.
    """
    if target is None:
        return SklearnTextClassifier
    folder, name = split_target(target)
    if not folder.is_dir():
        raise ConfigError(
            f"Received the model directory {folder}, which is no directory",
            expected="an existing folder, or none for the built-in classifier",
            fix="Correct the path, or make one with: prelabel create my_model",
        )
    file = folder / MODEL_FILE
    if not file.exists():
        if name is not None:
            raise _no_class(file, f"there is no {MODEL_FILE}", name)
        return SklearnTextClassifier
    found = _choose(_import(file.resolve(), is_alone=is_alone), file, name)
    require_signatures(found)
    return found


def is_built_in(model_class: type[object]) -> bool:
    """Whether a class is prelabel's own, which needs no guard."""
    return model_class.__module__.partition(".")[0] == __name__.partition(".")[0]


def load_model_class(target: Path | None, *, is_alone: bool = False) -> type[TextModel]:
    """Return the `TextModel` a directory defines, as `find_model_class` does.

    Raises
    ------
    ConfigError
        If there is none, or it is a raw model.
    """
    found = find_model_class(target, is_alone=is_alone)
    if not issubclass(found, TextModel):
        raise ConfigError(
            f"Found {found.__name__}, which reads and writes Label Studio's JSON itself",
            expected="a subclass of prelabel.models.base.TextModel",
            fix="Serve it with: prelabel start DIRECTORY",
        )
    return found


def list_model_classes(file: Path) -> list[str]:
    """Return the names of the model classes that a file defines; raise `ConfigError` as above."""
    return sorted(_find(_import(file.resolve(), is_alone=False)))


def _find(module: ModuleType) -> dict[str, ModelClass]:
    return {
        cls.__name__: cls
        for cls in vars(module).values()
        if inspect.isclass(cls)
        and issubclass(cls, TextModel | RawModel)
        and cls.__module__ == module.__name__
        and not inspect.isabstract(cls)
    }


def _choose(module: ModuleType, file: Path, name: str | None) -> ModelClass:
    candidates = _find(module)
    if name is not None:
        if name not in candidates:
            raise _no_class(file, f"it defines {_list(candidates)}", name)
        return candidates[name]
    parents = {parent for cls in candidates.values() for parent in cls.__mro__[1:]}
    leaves = [cls for cls in candidates.values() if cls not in parents]
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        raise _no_class(file, _why_none(module), None)
    raise ConfigError(
        f"Found several model classes in {file}: {_list(candidates)}",
        expected="one class, or a name that says which",
        fix=f"Start {file.parent}:{leaves[0].__name__}, for example.",
    )


def _why_none(module: ModuleType) -> str:
    abstract = [
        f"{cls.__name__} (it lacks {', '.join(sorted(getattr(cls, '__abstractmethods__', ())))})"
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and inspect.isabstract(cls)
    ]
    return f"it defines {', '.join(abstract)}" if abstract else "it defines none"


def _list(candidates: dict[str, ModelClass]) -> str:
    return ", ".join(sorted(candidates)) or "none"


def _no_class(file: Path, found: str, name: str | None) -> ConfigError:
    return ConfigError(
        f"Looked for {'a model class' if name is None else f'the model class {name}'} in {file}, "
        f"but {found}",
        expected="a class that extends prelabel.models.base.TextModel, "
        "prelabel.models.raw.RawModel or label_studio_ml.model.LabelStudioMLBase",
        fix="Correct the file or the name, or see a complete one with: prelabel create my_model",
    )


def _import(file: Path, *, is_alone: bool) -> ModuleType:
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:12]
    name = file.stem if is_alone else f"_prelabel_model_{digest}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    loader = SourceFileLoader(name, str(file))
    spec = ModuleSpec(name, loader, origin=str(file))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if is_alone:
        sys.path.insert(0, str(file.parent))
    try:
        _stand_in_for_sdk(file.parent)
        with _neighbours(file.parent, name, keep=is_alone):
            loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever code outside of ours may raise
        sys.modules.pop(name, None)
        raise _failed(file, error) from error
    return module


def _stand_in_for_sdk(folder: Path) -> None:
    """Let a folder that imports the Label Studio SDK do without it, in whatever order it imports.

    By name, because nothing of prelabel depends on the compatible names.
    """
    files = sorted(folder.glob("*.py"))
    if any("label_studio_sdk" in file.read_text(errors="replace") for file in files):
        importlib.import_module("label_studio_ml.sdk").stand_in()


@contextmanager
def _neighbours(folder: Path, name: str, *, keep: bool) -> Iterator[None]:
    """Let a module import files beside it; afterwards neither path nor modules are left."""
    if keep:
        yield
        return
    path, before = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for added in set(sys.modules) - before - {name}:
            origin = getattr(sys.modules[added], "__file__", None)
            if origin and Path(origin).resolve().is_relative_to(folder):
                sys.modules[f"{name}.{added}"] = sys.modules.pop(added)


def _failed(file: Path, error: BaseException) -> ConfigError:
    steps = traceback.extract_tb(error.__traceback__)
    near = [step for step in steps if Path(step.filename).is_relative_to(file.parent)]
    place, line = (near[-1].filename, near[-1].lineno) if near else (str(file), None)
    if isinstance(error, SyntaxError) and error.filename:
        place, line = error.filename, error.lineno
    where = place if line is None else f"{place}, line {line}"
    fix = "Correct the file."
    if isinstance(error, ImportError) and "relative import" in str(error):
        fix = "Import the files beside it by their names: from helper import x, not from .helper"
    if isinstance(error, FileNotFoundError):
        fix = "Name files beside it by Path(__file__).parent: prelabel may be started anywhere."
    if isinstance(error, ModuleNotFoundError) and error.name:
        install = f"{sys.executable} -m pip install"
        fix = f"Install what is missing: {install} {_package_of(error.name)}"
        if (file.parent / "requirements.txt").is_file():
            fix += f", or all the folder needs: {install} -r {file.parent}/requirements.txt"
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return ConfigError(
        f"Importing {where} failed ({reason})", expected="a file that can be imported", fix=fix
    )


def _package_of(module: str) -> str:
    """Return the package that brings a module, where its name is another."""
    top = module.partition(".")[0]
    known = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow", "bs4": "beautifulsoup4"}
    return known.get(top, top.replace("_", "-"))
