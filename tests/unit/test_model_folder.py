from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prelabel.errors import ArtifactError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.loop.model_folder import KeptModel, keep_model, load_kept_model
from prelabel.models import artifact
from prelabel.models.logistic import SklearnTextClassifier
from tests.builders import CONFIG, config, region
from tests.letters import Letters

SCHEMA: LabelSchema = parse_label_config(CONFIG)


def keep(folder: Path) -> KeptModel:
    model = Letters().fit(["aaa", "bbb"], ["sports", "cooking"])
    keep_model({"topic": model}, folder, schema=SCHEMA, n_examples=2, receipt={"recipe": "x"})
    return load_kept_model(folder, Letters)


def test_what_was_kept_predicts_with_what_its_predictions_name(tmp_path: Path) -> None:
    kept = keep(tmp_path / "model")
    assert kept.schema == SCHEMA
    found, nothing, other = kept.predict([{"text": "aa"}, {"text": " "}, {"text": "b"}])
    assert nothing is None
    assert found
    assert other
    assert (found.regions, found.model_version) == ((region("sports"),), kept.version)
    assert 0.5 < found.score <= 1
    assert other.regions == (region("cooking"),)
    assert kept.predict([]) == []


def test_equal_models_are_one_version_and_others_another(tmp_path: Path) -> None:
    first, again = keep(tmp_path / "1"), keep(tmp_path / "2")
    assert first.version == again.version
    assert first.version.startswith("2labels-")
    other = Letters().fit(["aab", "bbb"], ["sports", "cooking"])
    keep_model({"topic": other}, tmp_path / "3", schema=SCHEMA, n_examples=2, receipt={})
    assert load_kept_model(str(tmp_path / "3"), Letters).version != first.version


@pytest.mark.parametrize(
    "receipt",
    [
        {},
        {"answers": 5},
        {"answers": {"controls": [], "n_examples": 1}},
        {"answers": {"controls": [{"name": 5}], "n_examples": 1}},
        {"answers": {"controls": 5}},
    ],
)
def test_a_folder_that_does_not_say_what_it_predicts_is_refused(
    tmp_path: Path, receipt: dict[str, object]
) -> None:
    model = Letters().fit(["aaa", "bbb"], ["sports", "cooking"])
    artifact.save({"topic": model}, tmp_path / "model", receipt=receipt)
    with pytest.raises(ArtifactError, match="prelabel train"):
        load_kept_model(tmp_path / "model", Letters)


def test_the_code_shown_loads_it_as_an_estimator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    fitted = SklearnTextClassifier().fit(["room clean", "bed hard"], ["good", "bad"])
    named = parse_label_config(config("good", "bad", name="label"))
    keep_model({"label": fitted}, tmp_path / "hotel-model", schema=named, n_examples=2, receipt={})
    monkeypatch.chdir(tmp_path)
    *lines, last = code.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    np.testing.assert_array_equal(eval(last, names), fitted.predict_proba(["the room was clean"]))
    assert names["model"].classes_.tolist() == ["bad", "good"]
