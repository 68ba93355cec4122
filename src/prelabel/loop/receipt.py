"""What a version was made from: enough to make it again, and to see that it is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import prelabel
from prelabel.models.manifest import digest_of

if TYPE_CHECKING:
    from prelabel.loop.lesson import Lesson

_LIBRARIES = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Everything that decides what is learned. There is no time in it: equal ones are equal.

    Attributes
    ----------
    recipe
        The model's class, revision and parameters, and the artifact's format.
    label_config
        Digest of what the labeling config means.
    examples
        SHA-256 of the examples in their order: control, task, text, labels and weight of each.
    pool
        SHA-256 of the project's different texts in their order, labeled or not, by control.
    """

    recipe: Mapping[str, Any]
    label_config: str
    examples: str
    pool: str

    @property
    def fingerprint(self) -> str:
        """One digest of it all; of equal ones, the second need not be fitted."""
        return digest_of(asdict(self))

    def to_mapping(self, metrics: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return it as JSON, with what was measured and the code that did it.

        The code's versions are no part of the fingerprint: an upgrade alone trains nothing again.
        """
        return {**asdict(self), "metrics": metrics, "code": code_versions()}


def write_receipt(
    recipe: Mapping[str, Any], label_config: str, lessons: Sequence[Lesson]
) -> Receipt:
    """Return the receipt of a training.

    Parameters
    ----------
    label_config
        Its digest.
    """
    examples = [(lesson.name, item) for lesson in lessons for item in lesson.examples]
    pools = {lesson.name: dict.fromkeys(lesson.pool) for lesson in lessons}
    return Receipt(
        recipe=recipe,
        label_config=label_config,
        examples=digest_of(
            [[name, item.task_id, item.labels, item.weight] for name, item in examples],
            [item.text for _, item in examples],
        ),
        pool=digest_of(
            [[name, len(pool)] for name, pool in pools.items()],
            [text for pool in pools.values() for text in pool],
        ),
    )


@cache
def code_versions() -> dict[str, str]:
    """Return the releases of prelabel and of the libraries that compute; imports none of them."""
    return {"prelabel": prelabel.__version__, **{name: version(name) for name in _LIBRARIES}}
