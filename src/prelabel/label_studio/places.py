"""What the address in a task means: where its text is, and whether our key opens it.

Label Studio 1.23.2 keeps uploads under ``/data/upload/`` (``data_import/api.py``), serves files of
its own machine under ``/data/local-files/`` (``io_storages/localfiles/views.py``), and resolves
``s3://`` and the like under ``/projects/<id>/resolve/`` (``io_storages/proxy_api.py``).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote

import httpx

from prelabel.errors import UpstreamError
from prelabel.types import ProjectKey

_FILES = ("/data/upload/", "/data/local-files/", "/storage-data/uploaded/")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE | re.ASCII)
_SPACE_IN_HOST = re.compile(r"[^/]*//[^/?#]*\s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a text is.

    Attributes
    ----------
    needs_key
        Whether it is a file that Label Studio keeps, for the owners of keys only.
    """

    url: httpx.URL
    needs_key: bool = False


def locate(address: str, label_studio: str, project: ProjectKey) -> Place:
    """Return where the text at an address is.

    Parameters
    ----------
    address
        What a task has: a URL, a path in Label Studio, or the URI of a storage.
    label_studio
        Its address; a path prefix is kept.

    Raises
    ------
    UpstreamError
        If it is no address.
    """
    scheme = _SCHEME.match(address)
    if scheme and scheme[1].lower() not in ("http", "https"):
        uri = base64.urlsafe_b64encode(address.encode("utf-8", "replace")).decode()
        where = f"{label_studio}/projects/{project.id}/resolve/?fileuri={uri}"
        return Place(url=httpx.URL(where), needs_key=True)
    home = httpx.URL(label_studio)
    prefix = home.path.rstrip("/")
    try:
        if scheme:
            url = httpx.URL(address)
        elif address.startswith("/") and not address.startswith("//"):
            path = address.removeprefix(prefix) if address.startswith(f"{prefix}/") else address
            url = httpx.URL(label_studio + path)
        else:
            url = httpx.URL("")
        if not url.host or _SPACE_IN_HOST.match(address):
            raise httpx.InvalidURL("no host")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UpstreamError(
            "A task has something else where the labeling config says an address is",  # its text?
            expected="http://…, https://…, a path in Label Studio (/data/upload/…), or a storage's "
            "URI (s3://…)",
            fix='If the text itself is in the task, leave out valueType="url".',
            retryable=False,
        ) from error
    is_file = url.path.startswith(tuple(prefix + files for files in _FILES))
    # A server in front may decode a path before it goes up in it.
    stays = ".." not in unquote(unquote(url.path))
    return Place(url=url, needs_key=is_at_home(url, home) and is_file and stays)


def is_at_home(url: httpx.URL, home: httpx.URL) -> bool:
    """Whether a URL is Label Studio's."""
    return _origin(url) == _origin(home)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
