"""A panel of its own processes, an imitation of the API, and a real headless Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.browser.fonts import fonts_file
from tests.flows.panel import EMAIL, PASSWORD, Panel

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SAMPLES = {
    "Alder": Scenario.HEALTHY,
    "Birch": Scenario.OVERDUE,
    "Cedar": Scenario.NEVER_SYNCED,
    "Damson": Scenario.ERROR_HTML,
    "Elm": Scenario.INCONSISTENT,
    # Would run, or be refused by the policy and complained of, if it ever became markup.
    "Fir<img src=x onerror=alert(1)><script>alert(2)</script>": Scenario.HEALTHY,
}


# Names as long as they come, without a place to break them: over 60 letters.
LONG_NAME = f"Hazel{'donaudampfschifffahrtsgesellschaft' * 2}"
LONG_LABEL = "Vertriebsabteilungundkundenbetreuungsgemeinschaftnordrheinwestfalen"


# Tells what comes late from what never comes, on any machine.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


# Colours do not move anything: each set of fonts is looked at in one of the two.
LOOKS = {"light": "noto", "dark": "dejavu"}


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """A Chromium for each set of fonts, by its name; started when it is first asked for."""
    found = next(filter(None, (shutil.which(name) for name in NAMES)), None)
    if found is None:
        word = f"no Chromium is installed (looked for {', '.join(NAMES)})"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{word}; it is required in CI")
        pytest.skip(word)
    started: dict[str, Browser] = {}
    with sync_playwright() as playwright:

        def browser_with(fonts: str) -> Browser:
            if fonts not in started:
                config = fonts_file(fonts, tmp_path_factory.mktemp(fonts))
                started[fonts] = playwright.chromium.launch(
                    executable_path=found,
                    args=ARGUMENTS,
                    env={**os.environ, "FONTCONFIG_FILE": str(config)},
                )
            return started[fonts]

        yield browser_with
        for browser in started.values():
            browser.close()


@pytest.fixture(scope="module")
def chromium(browsers: Callable[[str], Browser]) -> Browser:
    """The one for whatever does not depend on fonts."""
    return browsers("dejavu")


@pytest.fixture(scope="module", params=list(LOOKS))
def look(request: pytest.FixtureRequest) -> str:
    """Light or dark, each with a set of fonts of its own."""
    return str(request.param)


@pytest.fixture(scope="module")
def looking(browsers: Callable[[str], Browser], look: str) -> Browser:
    """The browser of this look."""
    return browsers(LOOKS[look])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(scope="module")
def panel(
    chromium: Browser, sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Panel]:
    panel = Panel(tmp_path_factory.mktemp("panel"), api=sandbox.base_url)
    panel.start()
    yield panel
    assert panel.stop() == 0


@pytest.fixture(scope="module")
def samples(panel: Panel) -> dict[str, Scenario]:
    rows = [f"{name},Main,{key_for(kind, name)},,emea" for name, kind in SAMPLES.items()]
    rows += [
        f"{LONG_NAME},{label},{key_for(Scenario.HEALTHY, f'Hazel/{label}')},,{'t' * 40}"
        for label in (LONG_LABEL, "Second")
    ]
    file = panel.room / "samples.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    ended = panel.manage("import_keys", str(file))
    assert ended.returncode == 0, ended.stderr
    return SAMPLES


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about, of any page of this test; must stay empty."""
    return []


@pytest.fixture
def page(chromium: Browser, panel: Panel, complaints: list[str]) -> Iterator[Page]:
    context = chromium.new_context(base_url=panel.address, viewport={"width": 1280, "height": 800})
    yield signed_in(context, complaints)
    context.close()
    assert complaints == []


def signed_in(context: BrowserContext, complaints: list[str]) -> Page:
    """A page of the first administrator; console errors and CSP violations are collected."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    return page
