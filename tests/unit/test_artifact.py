from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save as to_safetensors

import prelabel
from prelabel.errors import ArtifactError
from prelabel.models.artifact import load, read_beside, save
from prelabel.models.base import Arrays, TextModel
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.manifest import FORMAT

TEXTS = ["see you at six", "cheap pills", "call me", "free prize"]


class Holder(TextModel):
    """A model that is nothing but its arrays."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.classes_ = ("a", "ß 標籤")

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        raise NotImplementedError

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        raise NotImplementedError

    def to_arrays(self) -> Arrays:
        return self.arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        return cls(arrays)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Path of a stored `Holder`, which is to be spoilt."""
    save({"topic": Holder({"x": np.arange(6, dtype=np.float32)})}, tmp_path / "7", receipt={})
    return tmp_path / "7"


def rewrite(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = SklearnTextClassifier().fit(TEXTS, ["ham", "spam", "ham", "spam"])
    save({"topic": model}, tmp_path / "deep" / "7", receipt={"accuracy": 0.5})
    models, manifest = load(tmp_path / "deep" / "7", SklearnTextClassifier)
    again = models["topic"]
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert tuple(again.classes_) == manifest.heads[0].classes == ("ham", "spam")
    assert (manifest.format, manifest.prelabel) == (FORMAT, prelabel.__version__)
    assert (manifest.heads[0].model, manifest.receipt) == (
        "SklearnTextClassifier",
        {"accuracy": 0.5},
    )


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5),
        np.empty((0, 4), np.float32),
        np.arange(12, dtype=np.int16).reshape(3, 4).T,
        np.arange(9, dtype=">u8")[::2],
        np.array([True, False]),
        np.array([np.nan, np.inf], np.float16),
    ],
)
def test_arrays_of_any_layout_come_back_equal(tmp_path: Path, array: npt.NDArray[Any]) -> None:
    save({"topic": Holder({"first": np.arange(3), "array": array})}, tmp_path / "7", receipt={})
    arrays = load(tmp_path / "7", Holder)[0]["topic"].to_arrays()
    np.testing.assert_array_equal(arrays["array"], array)
    np.testing.assert_array_equal(arrays["first"], np.arange(3))
    assert arrays["array"].shape == array.shape


def test_arrays_are_views_of_the_file(folder: Path) -> None:
    array = load(folder, Holder)[0]["topic"].to_arrays()["x"]
    assert not array.flags.owndata
    assert not array.flags.writeable
    assert array.flags.aligned


def test_equal_models_are_equal_files(folder: Path) -> None:
    twin = folder.with_name("8")
    save({"topic": Holder({"x": np.arange(6, dtype=np.float32)})}, twin, receipt={})
    for name in ("arrays.safetensors", "manifest.json"):
        assert (twin / name).read_bytes() == (folder / name).read_bytes()


def test_files_beside_the_arrays_do_not_matter_to_the_model(tmp_path: Path) -> None:
    save(
        {"topic": Holder({"x": np.arange(2)})},
        tmp_path / "7",
        receipt={},
        beside={"notes.json": {"a": (1,)}},
    )
    assert read_beside(tmp_path / "7", "notes.json") == {"a": [1]}
    assert list(load(tmp_path / "7", Holder)[0]["topic"].to_arrays()) == ["x"]


@pytest.mark.parametrize("content", [None, b"", b"[", b"\xff"])
def test_a_file_beside_the_arrays_that_is_no_json_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "notes.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"notes\.json cannot be read"):
        read_beside(tmp_path, "notes.json")


@pytest.mark.parametrize("existing", ["full", "empty", "a file"])
def test_a_version_is_never_overwritten(tmp_path: Path, existing: str) -> None:
    target = tmp_path / "7"
    target.write_text("") if existing == "a file" else target.mkdir()
    if existing == "full":
        (target / "manifest.json").touch()
    with pytest.raises(ArtifactError, match="exists"):
        save({"topic": Holder({})}, target, receipt={})
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save({"topic": Holder({})}, tmp_path / "7", receipt={})
    assert not list(tmp_path.iterdir())


def test_what_a_crash_leaves_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".7.0123.tmp").mkdir()
    save({"topic": Holder({})}, tmp_path / "7", receipt={})
    assert load(tmp_path / "7", Holder)[1].receipt == {}


def test_objects_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="x: object"):
        save({"topic": Holder({"x": np.array([{}])})}, tmp_path / "7", receipt={})
    assert not list(tmp_path.iterdir())


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["arrays.safetensors", "manifest.json"])
@pytest.mark.parametrize("spoil", [Path.unlink, cut, empty, flip])
def test_a_spoilt_file_is_refused(folder: Path, name: str, spoil: Callable[[Path], None]) -> None:
    spoil(folder / name)
    with pytest.raises(ArtifactError, match="or train the project again"):
        load(folder, Holder)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 20, b"\x02" + bytes(7) + b"[]"]
    + [
        len(header).to_bytes(8, "little") + header + bytes(8)
        for header in (
            b'{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
            b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}',
            b'{"x":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,8]}}',
        )
    ],
)
def test_a_file_of_another_kind_is_refused(folder: Path, content: bytes) -> None:
    (folder / "arrays.safetensors").write_bytes(content)
    rewrite(folder, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ArtifactError, match="safetensors"):
        load(folder, Holder)


@pytest.mark.parametrize("changes", [{"heads": "a"}, {"format": "1"}, {"receipt": None}])
def test_a_manifest_of_another_kind_is_refused(folder: Path, changes: dict[str, object]) -> None:
    rewrite(folder, **changes)
    with pytest.raises(ArtifactError, match="the manifest of a model version"):
        load(folder, Holder)


def test_a_newer_format_asks_for_a_newer_prelabel(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"format": FORMAT + 1, "other": "layout"}))
    with pytest.raises(ArtifactError, match=r"format 3.*Install the release"):
        load(folder, Holder)


def test_a_manifest_may_say_more_than_this_release_knows(folder: Path) -> None:
    rewrite(folder, note="added later, in the same format")
    assert load(folder, Holder)[1].format == FORMAT


def test_the_arrays_of_another_model_class_are_refused(folder: Path) -> None:
    with pytest.raises(ArtifactError, match=r"Holder.*SklearnTextClassifier"):
        load(folder, SklearnTextClassifier)


def test_several_models_come_back_under_their_controls_names(tmp_path: Path) -> None:
    models = {name: Holder({"x": np.array([n])}) for n, name in enumerate(("topic", "mood / 2"))}
    save(models, tmp_path / "7", receipt={})
    again, _ = load(tmp_path / "7", Holder)
    assert {name: model.to_arrays()["x"].tolist() for name, model in again.items()} == {
        "topic": [0], "mood / 2": [1],
    }  # fmt: skip


def test_a_version_of_format_1_is_read_as_its_only_model(folder: Path) -> None:
    arrays = to_safetensors({"x": np.arange(6, dtype=np.float32)})
    (folder / "arrays.safetensors").write_bytes(arrays)
    old = {
        "format": 1, "model": "Holder", "classes": ["a", "b"], "receipt": {"examples": 3},
        "sha256": hashlib.sha256(arrays).hexdigest(), "prelabel": "0.1.0",
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(old))
    models, manifest = load(folder, Holder)
    assert list(models) == [""]
    assert models[""].to_arrays()["x"].tolist() == [0, 1, 2, 3, 4, 5]
    assert (manifest.format, manifest.receipt) == (1, {"examples": 3})
