"""Addresses below PANEL_URL are the same in a request, in a command and in a thread."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.conf import LazySettings
from django.urls import NoReverseMatch, reverse
from django.urls.base import get_script_prefix, set_script_prefix

from freddy_admin.accounts.oidc.authorization_code_flow import redirect_uri
from freddy_admin.core.panel_urls import PAGE_NAMES, panel_url, path_in_panel
from freddy_admin.ops.gunicorn_worker import STRANGER_LANE, sign_in_request_lane
from tests.ops.test_sign_in_lane import sign_in

PANEL = "https://panel.example.org:8443/tools/freddy"


@pytest.fixture
def below_path(settings: LazySettings) -> None:
    settings.PANEL_URL, settings.FORCE_SCRIPT_NAME = PANEL, "/tools/freddy"


@pytest.mark.usefixtures("below_path")
@pytest.mark.parametrize("script_prefix", ["/", "/tools/freddy/"])
def test_address_of_a_page_has_the_path_once(script_prefix: str) -> None:
    former_prefix = get_script_prefix()
    set_script_prefix(script_prefix)
    try:
        assert panel_url("invitation", "token") == f"{PANEL}/invitations/token/"
        assert redirect_uri() == f"{PANEL}/accounts/single-sign-on/return/"
    finally:
        set_script_prefix(former_prefix)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(panel_url, "overview").result() == f"{PANEL}/"


def test_address_without_a_path_is_as_before(settings: LazySettings) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    assert panel_url("overview") == "https://panel.example.org/"
    assert path_in_panel("/tools/freddy/") == "/tools/freddy/"


@pytest.mark.parametrize("page_name", PAGE_NAMES)
def test_address_in_a_message_is_that_of_the_page(page_name: str, settings: LazySettings) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    paths = dict[tuple[str, ...], str]()
    for args in [(), ("1",), ("2", "3"), ("ü%~:@-_",)]:
        with suppress(NoReverseMatch):
            paths[args] = reverse(page_name, args=args)
    assert paths
    for args, path in paths.items():
        assert panel_url(page_name, *args) == f"https://panel.example.org{path}"


@pytest.mark.usefixtures("below_path")
@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/tools/freddy/audit/", "/audit/"),
        ("/tools/freddy", "/"),
        ("/tools/freddy/", "/"),
        ("/audit/", "/audit/"),
        ("/tools/freddy-two/", "/tools/freddy-two/"),
        ("/tools/freddy/tools/freddy/", "/tools/freddy/"),
    ],
)
def test_path_of_the_panel_is_taken_off_once(path: str, inside: str) -> None:
    assert path_in_panel(path) == inside


@pytest.mark.usefixtures("below_path")
def test_sign_in_below_a_path_waits_in_a_lane() -> None:
    assert sign_in_request_lane(sign_in(target="/tools/freddy/accounts/login/")) == STRANGER_LANE
    assert sign_in_request_lane(sign_in(target="/accounts/login/")) == STRANGER_LANE
    assert sign_in_request_lane(sign_in(target="/tools/freddy/audit/")) == ""
