"""``--check`` of a raw model: make it and predict once, before anything listens."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from prelabel.custom.process import ProjectProcess
from prelabel.custom.service import write_orders
from prelabel.errors import ConfigError, PrelabelError
from prelabel.models.loader import split_target
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

CONFIG_FILE = "label_config.xml"
"""A directory's own labeling config to be checked with, if there is one."""

CONFIG = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="choice" toName="text"><Choice value="one"/><Choice value="two"/></Choices>'
    '<Labels name="label" toName="text"><Label value="one"/><Label value="two"/></Labels>'
    '<TextArea name="answer" toName="text"/></View>'
)


def check_custom_model(settings: Settings, target: Path) -> None:
    """Make the model and let it predict one task, in a data folder that is then thrown away.

    Raises
    ------
    ConfigError
        If that fails; the message says how.
    """
    file = split_target(target)[0] / CONFIG_FILE
    config = file.read_text(encoding="utf-8") if file.exists() else CONFIG
    project = ProjectKey(0, 0)
    task = {"id": 1, "data": {"text": "a text to be looked at"}}
    body = {"tasks": [task], "label_config": config, "project": str(project)}
    with tempfile.TemporaryDirectory() as folder:
        trial = settings.model_copy(update={"model_dir": Path(folder)})
        with Database(trial.database_path) as database:
            database.migrate()
            ProjectStore(database).see(project, config)
        process = ProjectProcess(write_orders(trial, target, project))
        try:
            process.ask("predict", msgspec.json.encode(body), settings.predict_seconds)
        except PrelabelError as error:
            raise ConfigError(
                f"The model cannot predict a first task: {error.received}",
                expected=error.expected,
                fix=f"{error.fix} If it needs another labeling config, put one into {file}; or "
                "start without --check.",
            ) from error
        finally:
            process.end()
