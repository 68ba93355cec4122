"""Lets the reference fit, in its own environment; run by its Python, in its example's folder.

python reference_fit.py examples.json [max_iter]

Reads ``{"label_config": …, "texts": […], "labels": […]}`` and writes ``model.pkl`` into
``MODEL_DIR`` as the reference does at *Start Training*; the tasks, which it would fetch from Label
Studio, are handed to it. Prints what it cost, as JSON. It imports nothing of ours.
"""

import json
import sys
import time
from pathlib import Path

from model import SklearnTextClassifier
from sklearn.base import clone


def main() -> None:
    """Fit once."""
    given = json.loads(Path(sys.argv[1]).read_text())
    backend = SklearnTextClassifier(project_id="1", label_config=given["label_config"])
    tasks = [
        {"data": {"text": text}, "annotations": [{"result": [{"value": {"choices": [label]}}]}]}
        for text, label in zip(given["texts"], given["labels"], strict=True)
    ]
    backend._get_tasks = lambda _project: tasks  # noqa: SLF001 - its fetch is not what is measured
    vectorizer, classifier = (step for _, step in backend.get_model(blank=True).steps)
    vectorizer_seconds = 0.0
    if len(sys.argv) > 2:  # what one iteration costs can be told only without the features
        classifier.max_iter = int(sys.argv[2])
        start = time.process_time()
        clone(vectorizer).fit_transform(given["texts"])
        vectorizer_seconds = time.process_time() - start
    start = time.process_time()
    backend.fit("START_TRAINING", {"annotation": {"project": 1}})
    seconds = time.process_time() - start
    iterations = int(backend.get_model().steps[1][1].n_iter_[0])
    print(  # noqa: T201 - read by speed.py
        json.dumps(
            {
                "seconds": seconds,
                "vectorizer_seconds": vectorizer_seconds,
                "iterations": iterations,
            }
        )
    )


if __name__ == "__main__":
    main()
