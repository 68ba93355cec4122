"""An artifact may be anything: it is served as it says, or refused; nothing of it runs."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from prelabel.errors import ArtifactError
from prelabel.models import artifact
from prelabel.models.base import Model
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from tests.backend import TEXTS, make_text
from tests.fuzz.conftest import count
from tests.fuzz.inputs import anything, edited, near, odd_text

QUESTIONS = [make_text("sports", 1), make_text("cooking", 2), "", "nothing of that", "é 🙂 \0" * 50]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of two controls: one label, several labels."""
    texts = [make_text(label, n) for label in TEXTS for n in range(6)]
    labels = [label for label in TEXTS for _ in range(6)]
    one = SklearnTextClassifier().fit(texts, labels)
    several = SklearnMultiLabelClassifier().fit(texts, [(label,) for label in labels])
    folder = tmp_path_factory.mktemp("artifact") / "whole"
    artifact.save({"topic": one, "topics": several}, folder, receipt={"examples": 18})
    return folder


def use(whole: Path, spoil: Callable[[Path], None], what: str) -> Mapping[str, Model]:
    """Spoil a copy, load it, and ask it; return the models, none if it is refused."""
    count(what)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "7"
        shutil.copytree(whole, folder)
        spoil(folder)
        try:
            models, _ = artifact.load(folder, SklearnTextClassifier)
        except ArtifactError:
            return {}
        for model in models.values():
            answer = model.predict_proba(QUESTIONS)
            assert answer.shape == (len(QUESTIONS), len(model.classes_))
            assert np.isfinite(answer).all()
            assert ((answer >= 0) & (answer <= 1)).all()
        return models


def sign(folder: Path) -> None:
    """Make the checksum right: whoever can write one file can write both."""
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / "arrays.safetensors").read_bytes()
    manifest["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_what_is_not_spoilt_is_served(whole: Path) -> None:
    assert set(use(whole, lambda folder: None, "artifact: whole")) == {"topic", "topics"}


@given(data=st.data())
def test_any_manifest_is_served_or_refused(whole: Path, data: st.DataObject) -> None:
    before = (whole / "manifest.json").read_bytes()
    structured = near(json.loads(before)).map(lambda value: json.dumps(value).encode())
    content = data.draw(structured | edited([before]) | st.binary(max_size=40))
    use(whole, lambda f: void((f / "manifest.json").write_bytes(content)), "artifact: manifest")


@given(data=st.data())
def test_any_file_of_arrays_is_served_or_refused(whole: Path, data: st.DataObject) -> None:
    before = (whole / "arrays.safetensors").read_bytes()
    size = 8 + int.from_bytes(before[:8], "little")
    header = data.draw(
        edited([before[8:size]])
        | near(json.loads(before[8:size])).map(lambda value: json.dumps(value).encode())
    )
    length = data.draw(st.just(len(header)) | st.integers(0, 2**64 - 1))
    content = length.to_bytes(8, "little") + header + before[size:]

    def spoil(folder: Path) -> None:
        (folder / "arrays.safetensors").write_bytes(content)
        sign(folder)

    use(whole, spoil, "artifact: file of arrays")


ODD_NUMBERS = [0, 1, -1, 2**31, -(2**31), 2**63 - 1, 1e38, -1e38, float("nan"), float("inf"), 0.5]


@st.composite
def odd_array(draw: st.DrawFn, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Draw an array like this one with other numbers, another order, type or shape."""
    array = array.copy()
    match draw(st.sampled_from(["numbers", "order", "repeat", "type", "shape", "cut"])):
        case "numbers" if array.size:
            places = draw(st.lists(st.integers(0, array.size - 1), max_size=9))
            with np.errstate(all="ignore"):
                for place in places:
                    number = np.float64(draw(st.sampled_from(ODD_NUMBERS)))
                    array.flat[place] = np.asarray(number).astype(array.dtype)
        case "order":
            array = np.ascontiguousarray(array[::-1])
        case "repeat" if array.size:
            array[:] = array.flat[draw(st.integers(0, array.size - 1))]
        case "type":
            kinds = ["u1", "i8", "u8", "f2", "f4", "f8", "?"]
            with np.errstate(all="ignore"):
                array = array.astype(draw(st.sampled_from(kinds)))
        case "shape":
            array = array.reshape(draw(st.sampled_from([(-1,), (1, -1), (-1, 1), array.shape])))
        case "cut":
            array = array[: draw(st.integers(0, len(array)))] if array.ndim else array
    return array


@given(data=st.data())
def test_any_arrays_are_served_or_refused(whole: Path, data: st.DataObject) -> None:
    arrays = load_file(whole / "arrays.safetensors")
    for name in data.draw(st.lists(st.sampled_from(sorted(arrays)), min_size=1, max_size=3)):
        if name in arrays:
            arrays[name] = data.draw(odd_array(arrays[name]))
            if data.draw(st.integers(0, 9)) == 0:
                del arrays[name]

    def spoil(folder: Path) -> None:
        (folder / "arrays.safetensors").write_bytes(save(arrays))
        sign(folder)

    use(whole, spoil, "artifact: arrays")


@given(receipt=anything, control=odd_text)
def test_what_else_a_manifest_says_is_data(whole: Path, receipt: object, control: str) -> None:
    def spoil(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["receipt"], manifest["heads"][0]["control"] = {"a": receipt}, control
        (folder / "manifest.json").write_text(json.dumps(manifest))

    use(whole, spoil, "artifact: receipt")


def void(_done: object) -> None:
    """Take a value that nobody wants."""
