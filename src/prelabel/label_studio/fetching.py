"""Fetches texts of which tasks have only the address, from Label Studio and listed hosts.

Addresses come from people's data: whoever writes them must not make this machine call what only it
can reach. So names are resolved here, every address is checked, and what is called is a checked
address, not the name again; after a redirect, too.
"""

from __future__ import annotations

import asyncio
import codecs
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import httpx

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.hosts import Address, FetchHosts
from prelabel.label_studio.places import Place, is_at_home, locate
from prelabel.label_studio.refusals import is_passing
from prelabel.label_studio.transport import make_context, show_url
from prelabel.types import ProjectKey

MAX_BYTES = 1_000_000
"""So much of a text is read; models leave out what follows 100,000 characters."""

FETCH_SECONDS = 10.0
"""For all of a fetch: names, redirects, the text."""

_MOST_REDIRECTS = 3

Resolve = Callable[[str, int], Sequence[str]]


class TextFetcher:
    """Fetches texts. Threads may share it.

    Parameters
    ----------
    label_studio
        Its address.
    client
        The same, with a key; None without one.
    hosts
        Where else texts may be fetched from, without the key.
    resolve
        Returns the IP addresses of a name.
    seconds
        How long a fetch may take.
    ca_file
        Certificates in PEM to be trusted besides the usual ones.
    """

    def __init__(
        self,
        label_studio: str,
        client: LabelStudioClient | None,
        hosts: FetchHosts,
        *,
        resolve: Resolve | None = None,
        seconds: float = FETCH_SECONDS,
        ca_file: Path | None = None,
    ) -> None:
        self._label_studio = label_studio.rstrip("/")
        self._home = httpx.URL(self._label_studio)
        self._client = client
        self._hosts = hosts
        self._resolve = resolve or _resolve
        self._seconds = seconds
        self._ca_file = ca_file
        self._ours: dict[ProjectKey, bool] = {}

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return make_context(self._ca_file)

    def fetch(self, project: ProjectKey, address: str) -> str:
        """Return the text at the address that a task of a project has.

        Raises
        ------
        UpstreamError
            If it cannot be had, or must not be.
        """
        place = locate(address, self._label_studio, project)
        headers = self._open(project, place)
        try:
            return asyncio.run(asyncio.wait_for(self._follow(place.url, headers), self._seconds))
        except TimeoutError as error:
            raise _failure(place.url, f"no answer within {self._seconds:g} s") from error
        except (
            httpx.HTTPError, httpx.InvalidURL, OSError,
            ValueError, ImportError, ExceptionGroup,  # of a proxy that cannot be used
        ) as error:  # fmt: skip
            raise _failure(place.url, type(error).__name__) from error

    def _open(self, project: ProjectKey, place: Place) -> dict[str, str]:
        """Return what opens a place: the key, if it is for this project's Label Studio."""
        if not place.needs_key:
            return {}
        if self._client is None:
            raise UpstreamError(
                f"The text at {show_url(place.url)} is Label Studio's, and there is no key for it",
                expected="LABEL_STUDIO_API_KEY",
                fix="Set it, and start again.",
                retryable=False,
            )
        if project not in self._ours:
            self._ours[project] = self._client.project(project.id).key == project
        if not self._ours[project]:
            raise UpstreamError(
                f"The text at {show_url(place.url)} is for a project of another Label Studio",
                expected="LABEL_STUDIO_HOST naming the Label Studio the project is in",
                fix="Correct LABEL_STUDIO_HOST, or run a server for each Label Studio.",
                retryable=False,
            )
        return {"Authorization": self._client.authorization()}

    async def _follow(self, url: httpx.URL, headers: dict[str, str]) -> str:
        first = url
        for _ in range(1 + _MOST_REDIRECTS):
            found = await self._get(url, headers)
            if isinstance(found, str):
                return found
            url, headers = found, {}  # the key is for the first place only
        raise _failure(first, f"more than {_MOST_REDIRECTS} redirects")

    async def _get(self, url: httpx.URL, headers: dict[str, str]) -> str | httpx.URL:
        """Return the text at a URL, or where else it is."""
        if url.scheme not in ("http", "https") or not url.host:
            raise _failure(url, "it redirects to something that is not HTTP")
        if (url.port or 80) not in range(1, 65536):
            raise _failure(url, f"there is no port {url.port}")
        if is_at_home(url, self._home):
            async with httpx.AsyncClient(verify=self._tls, timeout=self._seconds) as http:
                return await _read(http, http.build_request("GET", url, headers=_wants(headers)))
        error: httpx.TransportError | None = None
        # No proxy: it would resolve the name again.
        async with httpx.AsyncClient(
            verify=self._tls, timeout=self._seconds, trust_env=False
        ) as http:
            for address in await self._check(url):
                request = http.build_request(
                    "GET",
                    url.copy_with(host=str(address)),
                    headers={"Host": url.netloc.decode("ascii"), **_wants({})},
                    extensions={"sni_hostname": url.host},  # the certificate is the name's
                )
                try:
                    return await _read(http, request, url)
                except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                    error = failed
        raise error or _failure(url, "the name has no address")

    async def _check(self, url: httpx.URL) -> list[Address]:
        """Return the addresses that may be called for a URL."""
        if not self._hosts.has_name(url.host):
            raise UpstreamError(
                f"Texts of {show_url(url)} are not fetched: {url.host} is not listed",
                expected="Label Studio, or a host in PRELABEL_FETCH_HOSTS",
                fix=f"Add {url.host} to PRELABEL_FETCH_HOSTS, if you trust it.",
                retryable=False,
            )
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.to_thread(self._resolve, url.host, port)
        addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
        refused = self._hosts.find_refused(addresses)
        if refused is not None:
            raise UpstreamError(
                f"Texts of {show_url(url)} are not fetched: {url.host} is the private address "
                f"{refused}",
                expected="a public address, or a private one in PRELABEL_FETCH_HOSTS",
                fix=f"Add {refused} to PRELABEL_FETCH_HOSTS, too, if that is so on purpose.",
                retryable=False,
            )
        return addresses


def _resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _wants(headers: dict[str, str]) -> dict[str, str]:
    # Packed, a small answer can be a large text.
    return {"Accept-Encoding": "identity", "User-Agent": "prelabel", **headers}


async def _read(
    http: httpx.AsyncClient, request: httpx.Request, named: httpx.URL | None = None
) -> str | httpx.URL:
    """Return the text that is answered, no more of it than is wanted, or where it redirects to."""
    url = named or request.url
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        if response.has_redirect_location:
            return url.join(response.headers["Location"])
        if response.status_code != httpx.codes.OK:
            status = response.status_code
            raise _failure(url, f"answered {status}", has_answer=not is_passing(status))
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _failure(url, "it comes packed, unasked")
        content = b""
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) >= MAX_BYTES:
                break
    finally:
        await response.aclose()
    return _decode(content[:MAX_BYTES], response.charset_encoding)


def _decode(content: bytes, charset: str | None) -> str:
    try:
        codec = codecs.lookup(charset or "utf-8").name
        return content.decode(codec, "replace").removeprefix("\ufeff")
    except (LookupError, ValueError):  # an unknown charset, or one that is none of text
        return content.decode("utf-8", "replace").removeprefix("\ufeff")


def _failure(url: httpx.URL, what: str, *, has_answer: bool = False) -> UpstreamError:
    return UpstreamError(
        f"The text at {show_url(url)} cannot be fetched: {what}",
        expected="an answer with the text",
        fix="Open the address in a browser; the task has no prediction until it can be fetched.",
        retryable=not has_answer,
    )
