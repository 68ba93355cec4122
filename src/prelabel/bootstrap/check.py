"""``--check`` of a `TextModel`: one training on made-up texts, before anything listens."""

from __future__ import annotations

from pathlib import Path

from prelabel.bootstrap.training import in_another_process, make_method
from prelabel.errors import ConfigError, ModelError
from prelabel.label_config import parse_label_config
from prelabel.loop.lesson import Lesson
from prelabel.settings import Settings
from prelabel.types import Example

_TRIAL = {
    "sports": ("goal match team", "team coach match", "match goal coach", "coach team goal"),
    "cooking": ("oven soup dough", "dough garlic soup", "soup oven garlic", "garlic dough oven"),
}


def check_model(settings: Settings, directory: Path | None = None) -> None:
    """Let the model learn from eight texts as in a training, and be stored, loaded and asked.

    Raises
    ------
    ConfigError
        If that fails; the message says how.
    """
    try:
        in_another_process(settings, "Trying the model", _try_model, settings, directory)
    except ModelError as error:
        raise ConfigError(
            f"The model cannot learn from eight texts: {error.received}",
            expected=error.expected,
            fix=f"{error.fix} If it needs other texts, start without --check.",
        ) from error


def _try_model(settings: Settings, directory: Path | None) -> None:
    labels = "".join(f'<Choice value="{label}"/>' for label in _TRIAL)
    schema = parse_label_config(
        '<View><Text name="text" value="$text"/>'
        f'<Choices name="label" toName="text">{labels}</Choices></View>'
    )
    texts = [(text, label) for label, some in _TRIAL.items() for text in some]
    Lesson(
        control=schema.controls[0],
        examples=[Example(task_id=n, text=t, labels=(x,)) for n, (t, x) in enumerate(texts)],
        pool=[text for text, _ in texts],
        method=make_method(settings, directory),
    ).learn()
