"""Every kind of API key, right and wrong, against what Label Studio makes of it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from prelabel.errors import ConfigError, UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project, call
from tests.acceptance.proxy import Proxy
from tests.acceptance.topics import TOPICS, make_texts
from tests.label_studio import LEGACY

pytestmark = pytest.mark.label_studio

HOW = "Make a personal access token in Label Studio (Account & Settings → Personal Access Token)"


@pytest.fixture(scope="module")
def project(label_studio: LabelStudio) -> Project:
    return label_studio.create_project(make_texts(3), TOPICS, labeled=3)


@pytest.fixture
def proxy(label_studio: LabelStudio) -> Iterator[Proxy]:
    with Proxy(target=label_studio.url) as proxy:
        yield proxy


def refusal_of(url: str, key: str, project: Project) -> str:
    with LabelStudioClient(url, key) as client, pytest.raises(UpstreamError) as caught:
        client.project(project.id)
    assert not caught.value.retryable
    assert key not in str(caught.value)
    return str(caught.value)


def test_a_personal_access_token_is_exchanged_and_not_shown(
    proxy: Proxy, project: Project, api_key: str
) -> None:
    with LabelStudioClient(proxy.url, api_key) as client:
        assert client.project(project.id).key == client.project(project.id).key == project.key
    paths = [path for path, _ in proxy.asked]
    assert paths == ["/api/token/refresh", *[f"/api/projects/{project.id}/"] * 2]
    assert all(key.startswith("Bearer ") for _, key in proxy.asked[1:])
    assert not any(api_key in key for _, key in proxy.asked)


def test_what_a_personal_access_token_is_exchanged_for_says_when_it_ends(
    label_studio: LabelStudio, api_key: str
) -> None:
    # It is renewed half a minute before that.
    with LabelStudioClient(label_studio.url, api_key) as client:
        _, payload, _ = client.authorization().removeprefix("Bearer ").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert 200 < claims["exp"] - time.time() <= 300


def test_a_refusal_is_followed_by_a_new_exchange_once(
    proxy: Proxy, project: Project, api_key: str
) -> None:
    proxy.spoiled = 1
    with LabelStudioClient(proxy.url, api_key) as client:
        assert client.project(project.id).key == project.key
    paths = [path for path, _ in proxy.asked]
    assert paths == ["/api/token/refresh", f"/api/projects/{project.id}/"] * 2


def test_a_second_refusal_says_what_label_studio_said(
    proxy: Proxy, project: Project, api_key: str
) -> None:
    proxy.spoiled = 9
    said = refusal_of(proxy.url, api_key, project)
    assert "answered 401 to GET" in said
    assert "asked with a personal access token: 'Authentication credentials were not" in said
    assert HOW in said
    assert len(proxy.asked) == 4


def test_a_revoked_personal_access_token_is_explained(
    label_studio: LabelStudio, project: Project
) -> None:
    with label_studio.sign_up(f"leaver-{uuid4().hex}@example.com") as http:
        key = call(http, "POST", "/api/token/", json={})["token"]
        with LabelStudioClient(label_studio.url, key) as client:
            assert client.project(project.id).key == project.key
        call(http, "POST", "/api/token/blacklist/", json={"refresh": key})
    said = refusal_of(label_studio.url, key, project)
    assert "401 to POST" in said
    assert "/api/token/refresh, asked with a personal access token: 'Token is blacklisted'" in said
    assert HOW in said


def test_a_legacy_token_works_where_it_is_allowed_and_else_says_where_to_allow_it(
    label_studio: LabelStudio, project: Project
) -> None:
    with label_studio.legacy_token() as key, LabelStudioClient(label_studio.url, key) as client:
        assert client.project(project.id).key == project.key
    said = refusal_of(label_studio.url, key, project)
    assert "asked with a legacy token: 'Authentication token no longer valid: legacy token" in said
    assert HOW in said
    assert "allow legacy tokens (Organization → API token settings)" in said


def test_an_unknown_legacy_token_is_explained(label_studio: LabelStudio, project: Project) -> None:
    said = refusal_of(label_studio.url, LEGACY, project)
    assert "asked with a legacy token: 'Invalid token.'" in said
    assert HOW in said


def test_an_access_token_instead_of_the_personal_one_is_refused_before_it_is_sent(
    label_studio: LabelStudio, api_key: str
) -> None:
    body = {"refresh": api_key}
    access = call(label_studio.http, "POST", "/api/token/refresh", json=body)["access"]
    with pytest.raises(ConfigError, match="a JWT of type 'access'") as caught:
        LabelStudioClient(label_studio.url, access)
    assert HOW in str(caught.value)


def test_a_gate_that_lets_nobody_through_for_a_moment_is_asked_again(
    proxy: Proxy, project: Project, api_key: str
) -> None:
    proxy.refused = 2
    with LabelStudioClient(proxy.url, api_key, backoff_seconds=0.01) as client:
        assert client.project(project.id).key == project.key
    assert proxy.refused == 0
    paths = [path for path, _ in proxy.asked]
    assert paths == [*["/api/token/refresh"] * 3, f"/api/projects/{project.id}/"]
