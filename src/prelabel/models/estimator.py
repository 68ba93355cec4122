"""scikit-learn's conventions, without scikit-learn: parameters, cloning, tags, scores."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from prelabel.models.inputs import read_labels, read_weights

if TYPE_CHECKING:
    from sklearn.utils import Tags


class Estimator:
    """A classifier of texts with parameters that scikit-learn can read, set and clone.

    What ``sklearn.base.BaseEstimator`` does, in a process that need not import it:
    https://scikit-learn.org/stable/developers/develop.html. A subclass takes its parameters,
    ``C`` and ``n_components`` among them, as keywords and keeps each, unchanged, in an attribute of
    the same name.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - a convention's
        """Parameters of the constructor, by name."""
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in sorted(names)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name; raise `ValueError` for one that does not exist."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. "
                    f"Valid parameters are: {sorted(known)!r}."
                )
            setattr(self, name, value)
        return self

    def require_parameters(self) -> None:
        """Raise `ValueError` for a parameter out of range: `__init__`, by convention, does not."""
        given = self.get_params()  # of any type
        C, n_components = given["C"], given["n_components"]  # noqa: N806 - as in scikit-learn
        if C != "auto" and not (isinstance(C, Real) and float(C) > 0):
            raise ValueError(f"Received C={C!r}; expected a number above 0, or 'auto'")
        if not (isinstance(n_components, Integral) and int(n_components) >= 0):
            raise ValueError(
                f"Received n_components={n_components!r}; expected a whole number, at least 0"
            )

    def __sklearn_tags__(self) -> Tags:
        """Say what scikit-learn needs to know: a classifier, which takes texts."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags  # noqa: PLC0415

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` has been called."""
        return hasattr(self, "classes_")

    def require_fit(self) -> None:
        """Raise scikit-learn's ``NotFittedError`` unless `fit` has been called."""
        if not self.__sklearn_is_fitted__():
            from sklearn.exceptions import NotFittedError  # noqa: PLC0415

            raise NotFittedError(f"This {type(self).__name__} is not fitted yet. Call fit first.")

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {
            name: value
            for name, value in self.get_params().items()
            if value is not defaults[name].default
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"


class TextEstimator(Estimator):
    """One that scikit-learn can search over and cross-validate, too.

    What ``sklearn.base.ClassifierMixin`` does.
    """

    def predict(self, texts: Iterable[str]) -> npt.NDArray[Any]:
        """Return the most probable label of each text, shape (len(texts),)."""
        raise NotImplementedError

    def score(
        self,
        texts: Iterable[str],
        labels: Iterable[Any],
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Accuracy: the share of texts whose most probable label is the right one.

        Raises
        ------
        ValueError
            If there is not one label, and one weight, for each text, or no text weighs anything.
        """
        truths, found = read_labels(labels), self.predict(texts)
        weights = read_weights(sample_weight, n_texts=len(found), n_labels=len(truths))
        if not weights.any():
            raise ValueError(f"Received {len(found)} texts that weigh 0; expected one that counts")
        return float(np.average(found == np.array(truths, object), weights=weights))
