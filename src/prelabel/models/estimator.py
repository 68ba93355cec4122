"""scikit-learn's conventions, without scikit-learn: parameters, cloning, tags, scores."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from prelabel.models.inputs import read_labels, read_sets, read_weights

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from sklearn.utils.metadata_routing import MetadataRequest

_LEAST_C, _MOST_C = 1e-8, 1e9  # beyond, the solvers fail, or change nothing any more

_MOST_SEED = 2**32 - 1  # of NumPy's older generator, which scikit-learn's solvers use


class Estimator:
    """A classifier of texts with parameters that scikit-learn can read, set and clone.

    What ``sklearn.base.BaseEstimator`` does, in a process that need not import it:
    https://scikit-learn.org/stable/developers/develop.html. A subclass that takes more parameters
    keeps each, unchanged, in an attribute of the same name.
    """

    def __init__(
        self,
        *,
        C: float | Literal["auto"] = 10.0,  # noqa: N803 - as in scikit-learn
        n_components: int = 100,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.n_components = n_components
        self.random_state = random_state

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
        seed = given["random_state"]
        is_number = isinstance(C, float | int | np.number)
        if C != "auto" and not (is_number and _LEAST_C <= float(C) <= _MOST_C):
            raise ValueError(
                f"Received C={C!r}; expected a number from {_LEAST_C} to {_MOST_C}, or 'auto'"
            )
        if not (isinstance(n_components, Integral) and int(n_components) >= 0):
            raise ValueError(
                f"Received n_components={n_components!r}; expected a whole number, at least 0"
            )
        if not (isinstance(seed, Integral) and 0 <= int(seed) <= _MOST_SEED):
            raise ValueError(
                f"Received random_state={seed!r}; expected a whole number from 0 to {_MOST_SEED}: "
                "the same one gives the same model"
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

    def get_metadata_routing(self) -> MetadataRequest:
        """Return which arguments of its methods were requested, as meta-estimators ask."""
        if hasattr(self, "_metadata_request"):
            return deepcopy(self._metadata_request)
        from sklearn.utils.metadata_routing import MetadataRequest  # noqa: PLC0415

        found = MetadataRequest(owner=type(self).__name__)
        for method in ("fit", "score"):
            for name in self._metadata_of(method):
                getattr(found, method).add_request(param=name, alias=None)
        return found

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Say which arguments of `fit` a pipeline or a search should hand on; return self.

        They are ``unlabeled``, ``label_names`` and ``sample_weight``; what True, False, None and
        another name mean: https://scikit-learn.org/stable/metadata_routing.html.

        Raises
        ------
        TypeError
            If `fit` has no such argument.
        """
        return self._request("fit", requests)

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Do as `set_fit_request` for `score`, which has ``sample_weight``; return self."""
        return self._request("score", requests)

    def _request(self, method: str, requests: Mapping[str, bool | str | None]) -> Self:
        known, routing = self._metadata_of(method), self.get_metadata_routing()
        for name, wanted in requests.items():
            if name not in known:
                raise TypeError(f"Received a request for {name}; {method} has {', '.join(known)}")
            getattr(routing, method).add_request(param=name, alias=wanted)
        self._metadata_request = routing  # a name that `sklearn.clone` looks for
        return self

    def _metadata_of(self, method: str) -> Sequence[str]:
        """Names of a method's arguments but texts and labels."""
        return list(inspect.signature(getattr(self, method)).parameters)[2:]

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

    classes_: npt.NDArray[Any]

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
            If there is not one label, and one weight, for each text, no text weighs anything, or
            labels are numbers where the model's are texts, or the other way round.
        """
        truths, found = read_labels(labels), self.predict(texts).tolist()
        _require_one_kind(truths, self.classes_)
        return _measure_accuracy(truths, found, sample_weight)


class SetEstimator(Estimator):
    """The same for several labels a text, in scikit-learn's form: a table of zeros and ones."""

    classes_: npt.NDArray[Any]

    def predict(self, texts: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return 1 for each label that is chosen, else 0, shape (len(texts), len(classes_))."""
        raise NotImplementedError

    def score(
        self,
        texts: Iterable[str],
        labels: Iterable[Collection[Any]],
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Accuracy: the share of texts of which exactly the right labels are chosen.

        Raises
        ------
        ValueError
            If there are not labels, and one weight, for each text, no text weighs anything, or
            labels are numbers where the model's are texts, or the other way round.
        """
        found = [frozenset(self.classes_[row == 1].tolist()) for row in self.predict(texts)]
        truths = read_sets(labels)
        _require_one_kind(frozenset[Any]().union(*truths), self.classes_)
        return _measure_accuracy(truths, found, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        """Say what scikit-learn needs to know: labels stand in a table."""
        tags = super().__sklearn_tags__()
        assert tags.classifier_tags is not None  # noqa: S101 - the base class gave them
        tags.classifier_tags.multi_class, tags.classifier_tags.multi_label = False, True
        of_labels = tags.target_tags
        of_labels.one_d_labels, of_labels.two_d_labels = False, True
        of_labels.multi_output, of_labels.single_output = True, False
        return tags


def _require_one_kind(labels: Collection[Any], classes: Iterable[Any]) -> None:
    """Labels of another kind are equal to none: every prediction would look wrong."""
    given, known = ({isinstance(label, str) for label in of} for of in (labels, classes))
    if given and given != known:
        kinds = {True: "texts", False: "numbers"}
        raise ValueError(
            f"Received labels that are {kinds[given.pop()]}, as {next(iter(labels))!r:.50}; "
            f"expected {kinds[known.pop()]}, as the model's classes_ are"
        )


def _measure_accuracy(
    truths: Sequence[Any], found: Sequence[Any], sample_weight: npt.ArrayLike | None
) -> float:
    weights = read_weights(sample_weight, n_texts=len(found), n_labels=len(truths))
    if not weights.any():
        raise ValueError(f"Received {len(found)} texts that weigh 0; expected one that counts")
    right = [truth == one for truth, one in zip(truths, found, strict=True)]
    return float(np.average(right, weights=weights))
