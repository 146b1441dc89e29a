"""To which page a browser is sent after a login."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.auth.login import safe_next


def as_a_browser_reads_it(path: str) -> str:
    """Browsers drop tabs and line ends, trim the rest, and read a backslash as a slash."""
    path = "".join(c for c in path if c not in "\t\r\n").strip("".join(map(chr, range(33))))
    return urljoin("https://obzvon.example/login/callback", path.replace("\\", "/"))


@given(st.text(alphabet="/\\\t\n\r :@.?#ae%\x00", max_size=12) | st.text(max_size=20))
def test_page_after_a_login_is_always_our_own(wanted: str) -> None:
    target = urlsplit(as_a_browser_reads_it(safe_next(wanted)))
    assert (target.scheme, target.netloc) == ("https", "obzvon.example")


@pytest.mark.parametrize("wanted", ["/", "/board", "/board?date=2026-11-24&q=%D0%98", "/a//b#c"])
def test_own_page_is_kept_as_the_target_after_a_login(wanted: str) -> None:
    assert safe_next(wanted) == wanted
