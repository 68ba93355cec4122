from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from threadpoolctl import threadpool_info
from prelabel.models.threads import one_thread
with one_thread():
    import scipy.linalg, sklearn.linear_model
    print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""

OVERLAP = """
import scipy.linalg
from threadpoolctl import threadpool_info
from prelabel.models.threads import one_thread
def count():
    return sorted({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
first, second = one_thread(), one_thread()
first.__enter__()
second.__enter__()
first.__exit__(None, None, None)
print(count())
second.__exit__(None, None, None)
print(count())
"""

FITS = """
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.multi_label import SklearnMultiLabelClassifier
counts, fit = set(), LogisticRegression.fit
def watched(self, *arguments, **options):
    counts.update(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
    return fit(self, *arguments, **options)
LogisticRegression.fit = watched
texts = ["cheap pills", "see you"]
SklearnTextClassifier().fit(texts, ["spam", "ham"], unlabeled=texts)
print(counts)
counts.clear()
SklearnMultiLabelClassifier().fit(texts, [("spam",), ()], unlabeled=texts)
print(counts)
"""


def run(script: str) -> str:
    environment = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def test_no_linear_algebra_that_a_fit_loads_has_more_than_one_thread() -> None:
    assert run(SCRIPT) == "{1}\n"


def test_of_two_fits_that_overlap_the_last_to_end_gives_the_threads_back() -> None:
    assert run(OVERLAP) == "[1]\n[2]\n"


def test_both_classifiers_are_fitted_in_one_thread() -> None:
    assert run(FITS) == "{1}\n{1}\n"
