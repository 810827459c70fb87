"""Names of session devices, from the user agent."""

import pytest

from freddy_admin.web.pages.profile.presenter import device_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0": (
        "Edge on Windows"
    ),
    f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 OPR/120.0": (
        "Opera on Windows"
    ),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/140.0 Safari/537.36": (
        "Chrome on macOS"
    ),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18 Safari/605.1": (
        "Safari on macOS"
    ),
    f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} Chrome/140.0 Mobile Safari/537.36": (
        "Chrome on Android"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    "Mozilla/5.0 (X11; CrOS x86_64 1) Chrome/140.0 Safari/537.36": "Chrome on ChromeOS",
    "curl/8": "Unknown browser",
    "": "Unknown browser",
}


@pytest.mark.parametrize(("user_agent", "name"), AGENTS.items())
def test_device_is_named_by_its_user_agent(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
