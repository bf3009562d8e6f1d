"""The allow list."""

from __future__ import annotations

import pytest

from wyoming_k2so.server.allowlist import AllowList


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("192.168.1.7", True),
        ("192.168.2.7", False),
        ("::ffff:192.168.1.7", True),
        ("10.0.0.1", True),
        ("10.0.0.2", False),
        ("fd00::5", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
    ],
)
def test_addresses_and_networks(host: str, admitted: bool) -> None:
    assert AllowList(["192.168.1.0/24", " 10.0.0.1", "fd00::/8", "fe80::/10"]).admits(host) is admitted


def test_an_empty_list_admits_everyone() -> None:
    assert AllowList(()).admits("2001:db8::1")


@pytest.mark.parametrize("text", ["", "home", "10.0.0.0/33", "10.0.0"])
def test_an_invalid_entry_is_an_error_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"give addresses or networks such as 192\.168\.1\.0/24"):
        AllowList([text])
