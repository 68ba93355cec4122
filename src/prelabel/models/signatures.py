"""Whether the methods of a model class can be called as they will be."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from prelabel.errors import ConfigError
from prelabel.models.base import Model
from prelabel.models.raw import RawModel


@dataclass(frozen=True, slots=True)
class _Call:
    """What a method is called with: arguments in order, and others by name."""

    method: str
    ordered: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = ("*", *(f"{name}=None" for name in self.named)) if self.named else ()
        return f"def {self.method}({', '.join(('self', *self.ordered, *named))})"

    def fits(self, signature: inspect.Signature) -> bool:
        try:
            signature.bind("self", *self.ordered, **dict.fromkeys(self.named))
        except TypeError:
            return False
        return True


_OF_MODELS = (
    _Call("__init__"),
    _Call("fit", ("texts", "labels"), ("unlabeled", "label_names", "sample_weight")),
    _Call("predict_proba", ("texts",)),
    _Call("to_arrays"),
)
_OF_RAW_MODELS = (
    _Call("__init__", named=("project_id", "label_config")),
    # Label Studio sends a login and a password with every request for predictions.
    _Call("predict", ("tasks",), ("context", "login", "password")),
    _Call("fit", ("event", "data")),
)


def require_signatures(model_class: type[Model | RawModel]) -> None:
    """Raise `ConfigError` if a method of a class does not take what it will be called with."""
    for call in _OF_RAW_MODELS if issubclass(model_class, RawModel) else _OF_MODELS:
        method = inspect.getattr_static(model_class, call.method)
        if inspect.isfunction(method) and not call.fits(inspect.signature(method)):
            raise ConfigError(
                f"Found def {call.method}{inspect.signature(method)} in the class "
                f"{model_class.__name__}",
                expected=str(call),
                fix="Let it take these; **others may stand for those that it does not need.",
            )
