from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import UpstreamError
from prelabel.label_studio.places import locate
from prelabel.types import ProjectKey

PROJECT = ProjectKey(7, 1795447612)
HOME = "http://studio.example:8080"


@pytest.mark.parametrize(
    ("address", "home", "url"),
    [
        ("/data/upload/7/a.txt", HOME, f"{HOME}/data/upload/7/a.txt"),
        ("/data/local-files/?d=a/b.txt", HOME, f"{HOME}/data/local-files/?d=a/b.txt"),
        (f"{HOME}/data/upload/7/a.txt", HOME, f"{HOME}/data/upload/7/a.txt"),
        ("/data/upload/a", f"{HOME}/ls", f"{HOME}/ls/data/upload/a"),
        ("/ls/data/upload/a", f"{HOME}/ls", f"{HOME}/ls/data/upload/a"),
        ("https://s.example:443/data/upload/a", "https://s.example", None),
    ],
)
def test_files_that_label_studio_keeps_are_opened_with_the_key(
    address: str, home: str, url: str | None
) -> None:
    place = locate(address, home, PROJECT)
    assert place.needs_key
    assert url is None or str(place.url) == url


@pytest.mark.parametrize(
    "address",
    [
        "http://other.example:8080/data/upload/7/a.txt",
        "https://studio.example:8080/data/upload/7/a.txt",
        "http://studio.example/data/upload/7/a.txt",
        "http://studio.example:8080@other.example/data/upload/a",
        f"{HOME}/api/projects/",
        "/api/users/", "/static/a.txt", "/data/uploads", "/user/logout",
        "/data/upload/../../api/users/", "/data/upload/%2e%2e/%2E%2E/api/users/",
        "/data/upload/%252e%252e/api", "/data/upload/%25252e%25252e/api",
    ],
)  # fmt: skip
def test_no_other_address_is_given_the_key(address: str) -> None:
    assert not locate(address, HOME, PROJECT).needs_key


@pytest.mark.parametrize(
    "uri", ["s3://bucket/a b.txt", "gs://b/ü", "azure-blob://c/d", "redis://x/"]
)
def test_storages_are_resolved_by_label_studio_for_the_project(uri: str) -> None:
    place = locate(uri, f"{HOME}/ls", PROJECT)
    given = base64.urlsafe_b64decode(place.url.params["fileuri"]).decode()
    assert (place.url.path, given, place.needs_key) == ("/ls/projects/7/resolve/", uri, True)


@pytest.mark.parametrize(
    "text", ["a text itself", "//other.example/a", "upload/7/a.txt", "http://a text", "C:/a"]
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UpstreamError, match="something else") as refused:
        locate(text, HOME, PROJECT)
    assert text not in str(refused.value)


@given(st.text(alphabet="/.%2eEdatupload:@?#\\httpsx ") | st.text())
def test_any_address_is_placed_or_refused(address: str) -> None:
    try:
        place = locate(address, HOME, PROJECT)
    except UpstreamError:
        return
    if place.needs_key:
        assert str(place.url).startswith(HOME + "/")
