from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import ConfigError
from prelabel.label_studio.hosts import FetchHosts

HOSTS = FetchHosts.parse("files.example.com, 10.1.0.0/16 ,192.168.3.4,, [fd00::5]")


@pytest.mark.parametrize(
    "host", ["files.example.com", "FILES.example.com", "files.example.com.", "10.1.2.3",
             "192.168.3.4", "fd00::5"],
)  # fmt: skip
def test_listed_hosts_are_known_however_they_are_written(host: str) -> None:
    assert HOSTS.has_name(host)


@pytest.mark.parametrize(
    "host", ["example.com", "evil-files.example.com", "files.example.com.evil.com", "10.2.0.1",
             "192.168.3.5", "8.8.8.8", "", "2130706433", "0x7f.1"],
)  # fmt: skip
def test_other_hosts_are_unknown(host: str) -> None:
    assert not HOSTS.has_name(host)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.2.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::6",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.2.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_a_private_address_is_called_only_if_it_is_listed(address: str) -> None:
    assert not HOSTS.lets_call(ipaddress.ip_address(address))
    assert FetchHosts.parse(address).lets_call(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "10.1.2.3", "::ffff:10.1.2.3"])
def test_public_and_listed_addresses_are_called(address: str) -> None:
    assert HOSTS.lets_call(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "text", ["http://files.example.com", "files.example.com:80", "a/b", "10.0.0.0/99", "10.1", "*"]
)
def test_what_is_neither_a_name_nor_a_network_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="PRELABEL_FETCH_HOSTS"):
        FetchHosts.parse(f"files.example.com,{text}")


@given(st.text())
def test_any_list_is_read_or_refused(text: str) -> None:
    with suppress(ConfigError):
        FetchHosts.parse(text)
