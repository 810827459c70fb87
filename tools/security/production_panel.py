"""The panel as in production: behind a proxy with TLS, and with a page that crashes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.flows.panel_process import EMAIL, PASSWORD
from tests.flows.split_key_panel import SplitPanel
from tools.security.tls_proxy import tls_proxy


class ProductionPanel(SplitPanel):
    """A panel with the settings of production and a page that crashes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env |= {"PLAIN_HTTP": "false", "ALLOWED_HOSTS": "localhost", "TRUSTED_PROXIES": "1"}
        self.env["DJANGO_SETTINGS_MODULE"] = "tools.security.production_settings"

    def _is_web_answering(self) -> bool:
        try:
            headers = {"Host": "localhost"}
            return requests.get(f"{self.address}/healthz", headers=headers, timeout=120).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@contextmanager
def production_panel(
    folder: Path, *, api: str = "http://127.0.0.1:9"
) -> Iterator[tuple[ProductionPanel, int, str]]:
    """The running panel, the proxy's port, and the file of the certificate authority to trust."""
    panel = ProductionPanel(folder, api=api)
    try:
        panel.migrate_and_create_admin()
        panel.start_web()
        with tls_proxy(folder, panel.port) as (port, authority):
            yield panel, port, authority
    finally:
        panel.stop_all()


def sign_in(port: int, authority: str, *, email: str = EMAIL) -> requests.Session:
    """A session in which this person is signed in."""
    browser, page = requests.Session(), f"https://localhost:{port}/accounts/login/"
    browser.trust_env, browser.verify = False, authority
    browser.get(page, timeout=120)
    form = {"login": email, "password": PASSWORD}
    form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
    response = browser.post(page, data=form, headers={"Referer": page}, timeout=120)
    assert response.url == f"https://localhost:{port}/", (response.status_code, response.url)
    return browser


def submit_form(browser: requests.Session, port: int, path: str, **form: str) -> requests.Response:
    """Submit the form on that page; returns the response of the page that follows."""
    address = f"https://localhost:{port}{path}"
    form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
    response = browser.post(address, data=form, headers={"Referer": address}, timeout=120)
    assert response.status_code == 200, (path, response.status_code)
    return response


def cookie_header(browser: requests.Session) -> str:
    """The value of the `Cookie` header of this session."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
