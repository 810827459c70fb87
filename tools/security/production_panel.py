"""The panel as in production: behind a proxy with TLS, with a page that breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.flows.panel import EMAIL, PASSWORD
from tests.flows.split_panel import SplitPanel
from tools.security.tls_proxy import tls_proxy


class ProductionPanel(SplitPanel):
    """With https, and with a page that breaks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env |= {"PLAIN_HTTP": "false", "ALLOWED_HOSTS": "localhost", "TRUSTED_PROXIES": "1"}
        self.env["DJANGO_SETTINGS_MODULE"] = "tools.security.settings"

    def _answers(self) -> bool:
        try:
            headers = {"Host": "localhost"}
            return requests.get(f"{self.address}/healthz", headers=headers, timeout=120).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@contextmanager
def production_panel(
    room: Path, *, api: str = "http://127.0.0.1:9"
) -> Iterator[tuple[ProductionPanel, int, str]]:
    """The running panel, its port outside, and the file of the authority to trust."""
    panel = ProductionPanel(room, api=api)
    try:
        panel.set_up()
        panel.start_web()
        with tls_proxy(room, panel.port) as (port, authority):
            yield panel, port, authority
    finally:
        panel.end_all()


def signed_in(port: int, authority: str, *, email: str = EMAIL) -> requests.Session:
    """A browser's session of this person."""
    browser, page = requests.Session(), f"https://localhost:{port}/accounts/login/"
    browser.trust_env, browser.verify = False, authority
    browser.get(page, timeout=120)
    form = {"login": email, "password": PASSWORD}
    form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
    answer = browser.post(page, data=form, headers={"Referer": page}, timeout=120)
    assert answer.url == f"https://localhost:{port}/", (answer.status_code, answer.url)
    return browser


def send(browser: requests.Session, port: int, path: str, **form: str) -> requests.Response:
    """What a person sends from the form on that page; what they see next."""
    address = f"https://localhost:{port}{path}"
    form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
    answer = browser.post(address, data=form, headers={"Referer": address}, timeout=120)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer


def cookies_of(browser: requests.Session) -> str:
    """As a `Cookie` header says them."""
    return "; ".join(f"{one.name}={one.value}" for one in browser.cookies)
