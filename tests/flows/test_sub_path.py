"""The panel below a path of its host, behind the sample of a reverse proxy in a real nginx.

Skipped with a reason where nginx is not installed; in CI it is required.
"""

import html
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from tests.flows.link_crawler import crawl_pages
from tests.flows.nginx import (
    NGINX_PROGRAM,
    NginxFront,
    nginx_check_config,
    nginx_prepare,
    nginx_run,
)
from tests.flows.panel_process import EMAIL, PASSWORD
from tests.flows.wait import wait_until
from tools.security.production_panel import ProductionPanel

pytestmark = pytest.mark.skipif(
    NGINX_PROGRAM is None and os.environ.get("CI") != "true", reason="nginx is not installed"
)
SUB_PATH = "/tools/freddy"
# Whatever a page names of this host, in tags and in the attributes that htmx and our scripts read.
_ADDRESS = re.compile(r'(?:href|src|action|content|hx-[a-z]+|data-[a-z-]+)="(/[^"]*)"')


@dataclass
class PanelBelowPath:
    """A running panel below a path, and the nginx before it."""

    panel: ProductionPanel
    front: NginxFront
    address: str  # as people know it: scheme, host, port and path

    def browser(self) -> requests.Session:
        """A browser that trusts nginx's certificate."""
        browser = requests.Session()
        browser.trust_env, browser.verify = False, self.front.authority
        return browser

    def sign_in(self) -> requests.Session:
        """The first administrator's session, begun at the panel's own address."""
        browser = self.browser()
        page = browser.get(f"{self.address}/", timeout=120)
        assert page.url == f"{self.address}/accounts/login/?next={SUB_PATH}/"
        answer = self.submit(browser, page.url, login=EMAIL, password=PASSWORD)
        assert answer.url == f"{self.address}/"
        return browser

    def submit(self, browser: requests.Session, page: str, **form: str) -> requests.Response:
        """The page that follows a form, sent as browsers do, with the Origin of that page."""
        parts = urlsplit(page)
        form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}", "Referer": page}
        return browser.post(page, data=form, headers=headers, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelBelowPath]:
    panel = ProductionPanel(tmp_path_factory.mktemp("panel"), api="http://127.0.0.1:9")
    front = nginx_prepare(tmp_path_factory.mktemp("nginx"), panel.port, sub_path=SUB_PATH)
    address = f"https://localhost:{front.https}{SUB_PATH}"
    panel.env |= {"PANEL_URL": address, "EMAIL_URL": f"filemail:///{panel.folder}/mails"}
    try:
        panel.migrate_and_create_admin()
        _import_keys(panel)
        panel.start_web()
        with nginx_run(front):
            yield PanelBelowPath(panel, front, address)
    finally:
        panel.stop_all()


def _import_keys(panel: ProductionPanel) -> None:
    file = panel.folder / "keys.csv"
    rows = [f"Acme,Key {n},{sandbox_key(Scenario.HEALTHY, f'key {n}')},," for n in (1, 2)]
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows, ""]))
    result = panel.manage("import_keys", str(file))
    assert result.returncode == 0, result.stderr


def test_every_address_of_every_page_is_below_the_path(site: PanelBelowPath) -> None:
    assert nginx_check_config(site.front) == "0"
    browser, pages, outside = site.sign_in(), 0, set()
    for address, answer in crawl_pages(browser, f"{site.address}/", limit=150):
        assert address.startswith(f"{site.address}/"), address
        assert answer.status_code == 200, (address, answer.status_code)
        if "html" in answer.headers["Content-Type"]:
            pages += 1
            named = {html.unescape(text) for text in _ADDRESS.findall(answer.text)}
            outside |= {(address, text) for text in named if not text.startswith(f"{SUB_PATH}/")}
    assert pages > 15
    assert outside == set()


def test_cookies_belong_to_the_whole_host_and_to_no_other(site: PanelBelowPath) -> None:
    browser = site.sign_in()
    cookies = {cookie.name: (cookie.path, cookie.secure) for cookie in browser.cookies}
    assert {"__Host-sessionid", "__Host-csrftoken", "__Host-known-device"} <= set(cookies)
    assert set(cookies.values()) == {("/", True)}


def test_redirects_errors_and_static_files_stay_below_the_path(site: PanelBelowPath) -> None:
    browser = site.browser()
    with browser:
        bare = browser.get(site.address, timeout=120, allow_redirects=False)
        assert bare.status_code in {301, 302}
        assert urlsplit(bare.headers["Location"]).path.startswith(SUB_PATH)
        missing = browser.get(f"{site.address}/nowhere/", timeout=120)
        assert (missing.status_code, f'href="{SUB_PATH}/"' in missing.text) == (404, True)
        page = browser.get(f"{site.address}/accounts/login/", timeout=120)
        refused = browser.post(f"{site.address}/accounts/login/", data={"a": "b"}, timeout=120)
        assert refused.status_code == 403
        too_big = browser.post(f"{site.address}/", data=b"x" * 2_500_000, timeout=120)
        assert (too_big.status_code, f'href="{SUB_PATH}/"' in too_big.text) == (413, True)
        program = browser.get(f"{site.address}/api/v1/statuses", timeout=120)
        assert (program.status_code, "detail" in program.json()) == (401, True)
        styles = [text for text in _ADDRESS.findall(page.text) if ".css" in text]
        assert styles
        for text in styles:
            file = browser.get(f"https://localhost:{site.front.https}{text}", timeout=120)
            assert file.headers["Content-Type"].startswith("text/css")
            assert (
                "immutable" in file.headers["Cache-Control"]
                or "max-age" in file.headers["Cache-Control"]
            )


def test_program_reads_the_api_and_its_description_below_the_path(site: PanelBelowPath) -> None:
    token = site.panel.manage("create_api_token", EMAIL, "--name", "Below").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with site.browser() as browser:
        statuses = browser.get(f"{site.address}/api/v1/statuses", headers=headers, timeout=120)
    assert len(statuses.json()["statuses"]) == 2
    described = site.sign_in().get(f"{site.address}/api/v1/openapi.json", timeout=120).json()
    assert {path.startswith(f"{SUB_PATH}/api/v1/") for path in described["paths"]} == {True}


def test_probes_find_the_panel_with_and_without_the_path(site: PanelBelowPath) -> None:
    for path in ("/healthz", "/readyz", f"{SUB_PATH}/healthz", f"{SUB_PATH}/readyz"):
        answer = requests.get(
            site.panel.address + path,
            headers={"Host": "localhost"},
            timeout=120,
            allow_redirects=False,
        )
        assert answer.status_code == 200, path
    with site.browser() as browser:
        assert browser.get(f"{site.address}/healthz", timeout=120).json() == {"status": "alive"}


def test_token_sent_by_http_is_refused_below_the_path(site: PanelBelowPath) -> None:
    for path in ("/api/v1/statuses", "/metrics"):
        answer = requests.get(
            f"http://localhost:{site.front.http}{SUB_PATH}{path}",
            timeout=120,
            allow_redirects=False,
        )
        assert answer.status_code == 403, path


def test_links_of_mails_lead_below_the_path(site: PanelBelowPath) -> None:
    browser = site.browser()
    reset_page = f"{site.address}/accounts/password/reset/"
    browser.get(reset_page, timeout=120)
    assert site.submit(browser, reset_page, email=EMAIL).status_code == 200
    invite_page = f"{site.address}/organisations/acme/members/invite/"
    answer = site.submit(site.sign_in(), invite_page, email="new@example.org", role="viewer")
    assert "new@example.org" in answer.text
    site.panel.start_worker()
    mails = site.panel.folder / "mails"

    def links() -> set[str]:
        texts = [file.read_text() for file in Path(mails).glob("*")] if mails.exists() else []
        return {link for text in texts for link in re.findall(r"https?://\S+", text)}

    assert wait_until(lambda: len(links()) >= 2), links()
    for link in links():
        assert link.startswith(f"{site.address}/"), link
        assert link.count(SUB_PATH) == 1
        with site.browser() as reader:
            page = reader.get(link, timeout=120)
        assert (page.status_code, page.url.startswith(f"{site.address}/")) == (200, True)
