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


def test_no_linear_algebra_that_a_fit_loads_has_more_than_one_thread() -> None:
    environment = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env=environment
    )
    assert run.stdout == "{1}\n"
