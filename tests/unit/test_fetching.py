"""Texts are fetched from where they may be, and from nowhere else: real servers on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.fetching import MAX_BYTES, TextFetcher
from prelabel.label_studio.hosts import FetchHosts
from prelabel.types import ProjectKey
from tests.hosts import LOOPBACK, Host
from tests.label_studio import LEGACY

OURS = ProjectKey(7, 1795447612)
THEIRS = ProjectKey(7, 1600000000)
Serve = Callable[..., Host]
MakeFetcher = Callable[..., TextFetcher]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(files: dict[str, bytes] | None = None, **options: object) -> Host:
            host = Host(files or {}, **options)  # type: ignore[arg-type] # as given
            stack.callback(host.stop)
            return host

        yield start


@pytest.fixture
def studio(serve: Serve) -> Host:
    return serve({"/data/upload/7/a.txt": "an uploaded téxt".encode(), "/static/b": b"open"})


@pytest.fixture
def make_fetcher() -> Iterator[MakeFetcher]:
    with ExitStack() as stack:

        def make(
            studio: Host, hosts: str = "", key: str = LEGACY, **options: object
        ) -> TextFetcher:
            made = LabelStudioClient(studio.url, key, attempts=1) if key else None
            client = stack.enter_context(made) if made else None
            return TextFetcher(studio.url, client, FetchHosts.parse(hosts), **options)  # type: ignore[arg-type] # as given

        yield make


def assert_refused(fetcher: TextFetcher, address: str, what: str) -> None:
    with pytest.raises(UpstreamError, match=what):
        fetcher.fetch(OURS, address)


def test_an_uploaded_text_comes_from_label_studio_with_the_key(
    make_fetcher: MakeFetcher, studio: Host
) -> None:
    assert make_fetcher(studio).fetch(OURS, "/data/upload/7/a.txt") == "an uploaded téxt"
    assert studio.keys == [f"Token {LEGACY}"]


@pytest.mark.parametrize("proxy", ["http://me:secret@proxy:65536", "gopher://me:secret@proxy:70"])
def test_a_proxy_that_cannot_be_used_costs_a_text_only(
    make_fetcher: MakeFetcher, studio: Host, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "another.host")
    assert_refused(make_fetcher(studio, key=""), f"{studio.url}/static/b", "cannot be fetched")


def test_a_listed_host_is_called_itself_and_through_no_proxy(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would ask for the name again, and may be told another address than was checked."""
    proxy, listed = serve({"/a": b"from the proxy"}), serve({"/a": b"from the host"})
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    fetcher = make_fetcher(studio, LOOPBACK, key="")
    assert fetcher.fetch(OURS, f"{listed.url}/a") == "from the host"
    assert proxy.asked == []


def test_a_certificate_is_that_of_the_name_although_its_address_is_called(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, tmp_path: Path
) -> None:
    authority, listed = trustme.CA(), serve({"/a": b"by TLS"})
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("files.example.com").configure_cert(context)
    listed.server.socket = context.wrap_socket(listed.server.socket, server_side=True)
    fetcher = make_fetcher(
        studio, f"files.example.com,others.example.com,{LOOPBACK}",
        resolve=lambda *_: [LOOPBACK], ca_file=tmp_path / "authority.pem",
    )  # fmt: skip
    place = f"files.example.com:{listed.port}"
    assert fetcher.fetch(OURS, f"https://{place}/a") == "by TLS"
    assert listed.asked == [("/a", None, place)]
    assert_refused(fetcher, f"https://others.example.com:{listed.port}/a", "cannot be fetched")
    assert len(listed.asked) == 1


def test_what_is_open_in_label_studio_is_asked_for_without_the_key(
    make_fetcher: MakeFetcher, studio: Host
) -> None:
    assert make_fetcher(studio, key="").fetch(OURS, f"{studio.url}/static/b") == "open"
    assert make_fetcher(studio).fetch(OURS, "/static/b") == "open"
    assert studio.keys == [None, None]


def test_without_a_key_label_studios_own_texts_cannot_be_had(
    make_fetcher: MakeFetcher, studio: Host
) -> None:
    assert_refused(make_fetcher(studio, key=""), "/data/upload/7/a.txt", "there is no key for it")
    assert studio.asked == []


def test_a_project_of_another_label_studio_gets_nothing_with_the_key(
    make_fetcher: MakeFetcher, studio: Host
) -> None:
    with pytest.raises(UpstreamError, match="a project of another Label Studio"):
        make_fetcher(studio).fetch(THEIRS, "/data/upload/7/a.txt")
    assert studio.keys == []


def test_a_storage_is_resolved_by_label_studio_and_read_without_the_key(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    bucket = serve({"/bucket/a.txt": b"from a bucket"})
    studio.redirects["/projects/7/resolve/"] = f"{bucket.url}/bucket/a.txt?signature=x"
    fetcher = make_fetcher(studio, LOOPBACK)
    assert fetcher.fetch(OURS, "s3://bucket/a.txt") == "from a bucket"
    assert (studio.keys, bucket.keys) == ([f"Token {LEGACY}"], [None])
    assert_refused(make_fetcher(studio), "s3://bucket/a.txt", "127.0.0.1 is not listed")


def test_a_storage_that_label_studio_reads_itself_needs_no_listed_host(
    make_fetcher: MakeFetcher, studio: Host
) -> None:
    studio.files["/projects/7/resolve/"] = b"through Label Studio"
    assert make_fetcher(studio).fetch(OURS, "s3://bucket/a.txt") == "through Label Studio"


def test_a_listed_host_is_asked_without_the_key(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/data/upload/7/a.txt": b"from elsewhere"})
    fetcher = make_fetcher(studio, LOOPBACK)
    assert fetcher.fetch(OURS, f"{other.url}/data/upload/7/a.txt") == "from elsewhere"
    assert (other.keys, studio.asked) == ([None], [])


def test_a_host_that_is_not_listed_is_not_asked(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/a": b"secret"})
    for name in (LOOPBACK, "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
        assert_refused(make_fetcher(studio), f"http://{name}:{other.port}/a", "is not listed")
    assert other.asked == []


def test_a_listed_name_that_is_a_private_address_is_not_called(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/a": b"secret"})
    fetcher = make_fetcher(studio, "localhost")
    assert_refused(fetcher, f"http://localhost:{other.port}/a", "is the private address")
    assert other.asked == []
    both = make_fetcher(studio, "localhost,127.0.0.1,::1")
    assert both.fetch(OURS, f"http://localhost:{other.port}/a") == "secret"


def test_every_address_of_a_name_is_checked(make_fetcher: MakeFetcher, studio: Host) -> None:
    fetcher = make_fetcher(studio, "files.test", resolve=lambda *_: ["8.8.8.8", "10.0.0.1"])
    assert_refused(fetcher, "http://files.test/a", "is the private address 10.0.0.1")


def test_what_is_called_is_the_checked_address_not_the_name_again(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/a": b"by its address"})
    looked_up: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)  # nobody else knows this name
        return [LOOPBACK] if len(looked_up) == 1 else ["10.0.0.1"]

    fetcher = make_fetcher(studio, f"files.test,{LOOPBACK}", resolve=resolve)
    assert fetcher.fetch(OURS, f"http://files.test:{other.port}/a") == "by its address"
    assert looked_up == ["files.test"]
    assert other.asked == [("/a", None, f"files.test:{other.port}")]


def test_of_several_addresses_one_that_answers_is_enough(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/a": b"here"})
    fetcher = make_fetcher(
        studio, "files.test,127.0.0.0/8", resolve=lambda *_: ["127.0.0.2", LOOPBACK]
    )
    assert fetcher.fetch(OURS, f"http://files.test:{other.port}/a") == "here"


def test_a_redirect_is_checked_like_the_first_place(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    private = serve({"/a": b"secret"})
    elsewhere = f"http://localhost:{private.port}/a"
    listed = serve(redirects={"/to": elsewhere})
    studio.redirects["/data/upload/7/b.txt"] = elsewhere
    for address in (f"{listed.url}/to", "/data/upload/7/b.txt"):
        assert_refused(make_fetcher(studio, LOOPBACK), address, "localhost is not listed")
    assert private.asked == []


def test_a_redirect_does_not_carry_the_key(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    other = serve({"/data/upload/7/a.txt": b"bait"})
    studio.redirects["/data/upload/7/b.txt"] = f"{other.url}/data/upload/7/a.txt"
    fetcher = make_fetcher(studio, LOOPBACK)
    assert fetcher.fetch(OURS, "/data/upload/7/b.txt") == "bait"
    assert (studio.keys, other.keys) == ([f"Token {LEGACY}"], [None])


def test_a_redirect_to_label_studio_does_not_get_the_key(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    listed = serve(redirects={"/to": f"{studio.url}/data/upload/7/a.txt"})
    make_fetcher(studio, LOOPBACK).fetch(OURS, f"{listed.url}/to")
    assert studio.keys == [None]


@pytest.mark.parametrize("where", ["file:///etc/passwd", "gopher://x/", "//localhost/"])
def test_redirects_to_something_else_end(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, where: str
) -> None:
    listed = serve(redirects={"/to": where})
    assert_refused(make_fetcher(studio, LOOPBACK), f"{listed.url}/to", "not HTTP|is not listed")


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
def test_a_port_that_there_cannot_be_costs_its_task_only(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, port: int
) -> None:
    nowhere = f"http://{LOOPBACK}:{port}/a"
    listed = serve(redirects={"/to": nowhere})
    for address in (nowhere, f"{listed.url}/to"):
        assert_refused(make_fetcher(studio, LOOPBACK), address, "cannot be fetched")


def test_redirects_in_a_circle_end(make_fetcher: MakeFetcher, serve: Serve, studio: Host) -> None:
    listed = serve(redirects={"/to": "/to"})
    assert_refused(make_fetcher(studio, LOOPBACK), f"{listed.url}/to", "more than 3 redirects")
    assert len(listed.asked) == 4


def test_no_more_of_a_text_is_read_than_is_wanted(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    listed = serve({"/a": b"long " * MAX_BYTES}, most_bytes=MAX_BYTES + 1)
    assert len(make_fetcher(studio, LOOPBACK).fetch(OURS, f"{listed.url}/a")) == MAX_BYTES


def test_a_text_that_drips_in_is_given_up(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    listed = serve({"/a": b"drop" * 100}, drip_seconds=0.05)
    fetcher = make_fetcher(studio, LOOPBACK, seconds=0.3)
    assert_refused(fetcher, f"{listed.url}/a", "no answer within 0.3 s")


def test_a_packed_text_is_refused(make_fetcher: MakeFetcher, serve: Serve, studio: Host) -> None:
    listed = serve({"/a": b"..."}, headers={"Content-Encoding": "gzip"})
    assert_refused(make_fetcher(studio, LOOPBACK), f"{listed.url}/a", "packed")


@pytest.mark.parametrize("status", [204, 300, 302, 304, 401, 403, 404, 429, 500, 503])
def test_what_is_no_success_is_a_failure_that_says_so(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, status: int
) -> None:
    listed = serve()
    assert_refused(make_fetcher(studio, LOOPBACK), f"{listed.url}/{status}", f"answered {status}")


@pytest.mark.parametrize(("status", "may_be_away"), [(404, False), (403, False), (503, True)])
def test_a_host_that_answers_is_told_from_one_that_may_be_away(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, status: int, *, may_be_away: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        make_fetcher(studio, LOOPBACK).fetch(OURS, f"{serve().url}/{status}")
    assert caught.value.retryable is may_be_away


@pytest.mark.parametrize(
    ("charset", "content"),
    [("iso-8859-1", b"caf\xe9"), ("utf-8", "\ufeffcafé".encode()), ("", "café".encode()),
     ("no-such", "café".encode()), ("hex", "café".encode()), ("utf-16", "café".encode("utf-16"))],
)  # fmt: skip
def test_a_text_is_read_as_it_is_written(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host, charset: str, content: bytes
) -> None:
    headers = {"Content-Type": f"text/plain; charset={charset}"} if charset else {}
    listed = serve({"/a": content}, headers=headers)
    assert make_fetcher(studio, LOOPBACK).fetch(OURS, f"{listed.url}/a") == "café"


def test_bytes_that_are_no_text_are_harmless(
    make_fetcher: MakeFetcher, serve: Serve, studio: Host
) -> None:
    listed = serve({"/a": bytes(range(256))})
    assert len(make_fetcher(studio, LOOPBACK).fetch(OURS, f"{listed.url}/a")) == 256


def test_a_failure_does_not_tell_what_is_private(make_fetcher: MakeFetcher, studio: Host) -> None:
    address = "http://ann:pass@files.test/a?signature=abc"
    fetcher = make_fetcher(studio, "files.test", resolve=lambda *_: ["10.0.0.1"])
    with pytest.raises(UpstreamError) as refused:
        fetcher.fetch(OURS, address)
    for secret in ("ann", "pass@", "abc", LEGACY):
        assert secret not in str(refused.value)
