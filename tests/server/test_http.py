"""Which requests may come from a page of ours, and which bodies are read."""

from __future__ import annotations

import pytest

from jmcp_lab.server.http import (
    from_own_page,
    is_loopback,
    origin_is_host,
    page_origin,
    refused_body,
)

HOST = {"Host": "localhost:8888"}
OURS = HOST | {"Origin": "http://localhost:8888"}
FOREIGN = [
    "http://evil.example",
    "null",
    "",
    "http://localhost:8888.evil.example",
    "http://127.0.0.1:8888",
    "http://localhost:8888.",
    "http://LOCALHOST:8888",
    "HTTP://localhost:8888",
    "http://localhost:8888/",
    "http://evil.example@localhost:8888",
    "ftp://localhost:8888",
    "http://localhost",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_only_the_exact_requested_address_is_our_origin(origin: str) -> None:
    headers = HOST | {"Origin": origin}
    assert not origin_is_host(headers)
    assert not from_own_page(headers)
    assert page_origin(headers) is None


@pytest.mark.parametrize("headers", [HOST, OURS, HOST | {"Origin": "https://localhost:8888"}])
def test_programs_and_our_own_pages_are_not_foreign(headers: dict[str, str]) -> None:
    assert origin_is_host(headers)
    assert from_own_page(headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_the_browser_calls_cross_site_is_foreign_whatever_its_origin(site: str) -> None:
    assert not from_own_page(OURS | {"Sec-Fetch-Site": site})


def test_the_browsers_same_origin_header_admits_our_page_behind_a_proxy() -> None:
    behind_proxy = HOST | {"Origin": "https://lab.example", "Sec-Fetch-Site": "same-origin"}
    assert from_own_page(behind_proxy)
    assert page_origin(behind_proxy) == "https://lab.example"
    assert not origin_is_host(behind_proxy)


@pytest.mark.parametrize(
    ("content_type", "length", "always_json", "status"),
    [
        ("application/json", 10, True, None),
        ("Application/JSON; charset=utf-8", 10, True, None),
        ("application/json", 11, True, 413),
        ("text/plain", 11, True, 413),
        ("text/plain", 10, False, 415),
        ("application/jsonp", 10, False, 415),
        (None, 10, False, 415),
        (None, 0, False, None),
        (None, 0, True, 415),
        ("text/plain", 0, True, 415),
    ],
)
def test_a_body_is_json_and_not_too_long(
    content_type: str | None, length: int, always_json: bool, status: int | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    refused = refused_body(headers, length, 10, always_json=always_json)
    assert (refused.status if refused else None) == status


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_computer_is_known_by_name_and_by_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "localhost.evil.example", "192.0.2.7", "0.0.0.0"])
def test_other_computers_are_not_this_one(host: str | None) -> None:
    assert not is_loopback(host)
