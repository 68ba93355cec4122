from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from label_studio_ml.exchange import Exchange


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    if scope["path"] == "/broken":
        raise ZeroDivisionError
    body = (await request.body()).decode()
    said = [scope["method"], scope["path"], scope["query_string"].decode(), body]
    headers = {"x-name": request.headers.get("x-name", "nobody"), "connection": "close"}
    await PlainTextResponse("|".join(said), 201, headers)(scope, receive, send)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    found = Exchange(echo)
    yield found
    found.close()


@pytest.mark.parametrize("path", ["/predict", "/a%20b", "/a?b#c", "/ä\n", "//["])
@pytest.mark.parametrize(("query", "told"), [("a=1&b=%20+c", "a=1&b=%20+c"), ("é", "%C3%A9")])
def test_a_request_arrives_as_it_was_sent(
    exchange: Exchange, path: str, query: str, told: str
) -> None:
    answer = exchange.request("POST", path, query, {"X-Name": "Zoë"}, "ä".encode())
    assert (answer.status, answer.body.decode()) == (201, f"POST|{path}|{told}|ä")
    assert ("x-name", "Zoë") in answer.headers
    assert not {"connection", "content-length"} & {name for name, _ in answer.headers}


def test_what_the_application_raises_is_raised(exchange: Exchange) -> None:
    with pytest.raises(ZeroDivisionError):
        exchange.request("GET", "/broken", "", {}, b"")
