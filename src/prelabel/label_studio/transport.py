"""Requests to one host, each within a deadline, over TLS that is always checked.

The host is the configured one, and no other: redirects are not followed, ``.netrc`` is not read,
cookies are not kept. The environment's proxies and certificates (``HTTPS_PROXY``, ``NO_PROXY``,
``SSL_CERT_FILE``) are used: they are the operator's.
"""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Self
from urllib.request import getproxies

import httpx
from anyio import fail_after
from anyio.from_thread import BlockingPortal, start_blocking_portal

from prelabel.errors import ConfigError

_OTHER_NAMES = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


class Transport:
    """Sends requests. Threads may share it while it is entered.

    An HTTP client's own time limits are for each wait for bytes: who sends a byte a second is
    waited for all day. So requests run on an event loop, where whatever takes too long is
    cancelled, and callers wait for it.

    Parameters
    ----------
    url
        What every path is appended to.
    timeout_seconds
        For connecting, and for each wait for bytes.
    ca_file
        Certificates in PEM to be trusted besides the usual ones.

    Raises
    ------
    ConfigError
        If there are no certificates in the file, or the environment's proxy cannot be used.
    """

    def __init__(self, url: str, *, timeout_seconds: float, ca_file: Path | None) -> None:
        tls = make_context(ca_file)
        try:
            _check_proxies()
            self._http = httpx.AsyncClient(
                base_url=url,
                timeout=timeout_seconds,
                verify=tls,
                headers={"User-Agent": "prelabel", "Accept": "application/json"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # keep none
                follow_redirects=False,
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise ConfigError(
                f"The environment's proxy cannot be used ({type(error).__name__})",
                expected="http:// or https://, a host and a port in HTTP_PROXY, HTTPS_PROXY or "
                "ALL_PROXY",
                fix="Correct it, or name Label Studio's host in NO_PROXY.",
            ) from error
        self._stack = ExitStack()
        self._portal: BlockingPortal

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._http))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.__exit__(*exc)

    def send(self, method: str, path: str, *, seconds: float, **options: Any) -> httpx.Response:
        """Return the answer, read whole, whatever it says.

        Raises
        ------
        httpx.TransportError
            If there is no answer; `httpx.TimeoutException` if it is not whole in so many seconds.
        """
        return self._portal.call(partial(self._send, method, path, seconds, **options))

    async def _send(self, method: str, path: str, seconds: float, **options: Any) -> httpx.Response:
        try:
            with fail_after(seconds):
                return await self._http.request(method, path, **options)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer was not whole in time") from error


def _check_proxies() -> None:
    """Raise an error for what httpx takes from the environment and fails with at each call."""
    given = getproxies()
    if "*" in given.get("no", ""):
        return
    for address in filter(None, (given.get(scheme) for scheme in ("http", "https", "all"))):
        proxy = httpx.URL(address if "://" in address else f"http://{address}")
        if not proxy.host or not 0 < (80 if proxy.port is None else proxy.port) < 65536:
            raise ValueError("no host, or a port that there cannot be")


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what TLS is checked with: the usual certificates, and those in the file.

    Raises
    ------
    ConfigError
        If there are no certificates in the file, or in one that the environment names.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        raise ConfigError(
            f"The environment's certificates cannot be used ({error.strerror or error})",
            expected="files that are there in SSL_CERT_FILE and SSLKEYLOGFILE, where they are set",
            fix="Correct them, or remove them.",
        ) from error
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"PRELABEL_CA_FILE names {ca_file}, which cannot be used "
                f"({error.strerror or error})",
                expected="a file with one or more certificates in PEM",
                fix="Correct it, or remove the setting.",
            ) from error
    return context


def find_untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return why a certificate was refused, if that is what an error comes from."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def explain_untrusted(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Return what was expected instead of a refused certificate, and what to do."""
    if error.verify_code in _OTHER_NAMES:
        return (
            "a certificate for the name in LABEL_STUDIO_HOST",
            "Set LABEL_STUDIO_HOST to a name that is in the certificate.",
        )
    return (
        "a certificate of a known authority, or of one in PRELABEL_CA_FILE",
        "Set PRELABEL_CA_FILE to a file with the authority's certificate in PEM, or with Label "
        "Studio's own if it signed itself.",
    )


def show_url(url: httpx.URL) -> str:
    """Return a URL, cut short, without what may be private: user, password, query."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{f':{url.port}' if url.port else ''}{url.path[:200]}"
