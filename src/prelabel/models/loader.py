"""A model directory → the model class to serve."""

from __future__ import annotations

from pathlib import Path

from prelabel.errors import ConfigError
from prelabel.models.base import TextModel
from prelabel.models.logistic import SklearnTextClassifier

MODEL_FILE = "model.py"


def load_model_class(directory: Path | None) -> type[TextModel]:
    """Return the class a model directory defines; the built-in one where it defines none.

    Raises
    ------
    ConfigError
        If there is no such directory, or it defines a class of its own: this release serves
        the built-in classifier only.
    """
    if directory is None:
        return SklearnTextClassifier
    if not directory.is_dir():
        raise ConfigError(
            f"Received the model directory {directory}, which is no directory",
            expected="an existing folder, or none for the built-in classifier",
            fix="Correct the path, or leave it out.",
        )
    if (directory / MODEL_FILE).exists():
        raise ConfigError(
            f"Found {directory / MODEL_FILE}",
            expected="a folder with settings (.env) for the built-in classifier",
            fix="Model classes of your own are not served by this release; rename the file to "
            "serve the built-in classifier with the folder's settings.",
        )
    return SklearnTextClassifier
