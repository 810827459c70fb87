"""A panel of its own processes, an imitation of the API, and a real headless Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.browser.font_sets import write_fontconfig_file
from tests.browser.layout_checks import paths_for
from tests.drill_scale import RUN_FULL_DRILLS
from tests.flows.panel_process import EMAIL, PASSWORD, PanelProcess, running_panel

CHROMIUM_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SAMPLE_SCENARIOS = {
    "Alder": Scenario.HEALTHY,
    "Birch": Scenario.OVERDUE,
    "Cedar": Scenario.NEVER_SYNCED,
    "Damson": Scenario.ERROR_HTML,
    "Elm": Scenario.INCONSISTENT,
    # As markup it would run, or be reported by the content security policy.
    "Fir<img src=x onerror=alert(1)><script>alert(2)</script>": Scenario.HEALTHY,
}


# Names as long as they come, without a place to break them: over 60 letters.
LONG_NAME = f"Hazel{'donaudampfschifffahrtsgesellschaft' * 2}"
LONG_LABEL = "Vertriebsabteilungundkundenbetreuungsgemeinschaftnordrheinwestfalen"


ShareOf = Callable[[Sequence[str]], Sequence[str]]


# Long enough on any machine: what comes later never comes.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


# Colours do not move anything: each set of fonts is tested in one of the two schemes.
FONTS_BY_COLOUR_SCHEME = {"light": "noto", "dark": "dejavu"}


@pytest.fixture(scope="package")
def browsers_by_fonts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Browser]]:
    """A function that returns the Chromium for a set of fonts, started at its first use."""
    program = next(filter(None, (shutil.which(name) for name in CHROMIUM_PROGRAMS)), None)
    if program is None:
        reason = f"no Chromium is installed (looked for {', '.join(CHROMIUM_PROGRAMS)})"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; it is required in CI")
        pytest.skip(reason)
    browsers: dict[str, Browser] = {}
    with sync_playwright() as playwright:

        def browser_with(fonts: str) -> Browser:
            if fonts not in browsers:
                config = write_fontconfig_file(fonts, tmp_path_factory.mktemp(fonts))
                browsers[fonts] = playwright.chromium.launch(
                    executable_path=program,
                    args=CHROMIUM_ARGUMENTS,
                    env={**os.environ, "FONTCONFIG_FILE": str(config)},
                )
            return browsers[fonts]

        yield browser_with
        for browser in browsers.values():
            browser.close()


@pytest.fixture(scope="package")
def chromium(browsers_by_fonts: Callable[[str], Browser]) -> Browser:
    """The Chromium for tests that do not depend on fonts."""
    return browsers_by_fonts("dejavu")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both colour schemes for tests that divide their pages between them, and in `make drills`.

    Other tests take turns: each has one of the two.
    """
    if "colour_scheme" in metafunc.fixturenames:
        schemes = list(FONTS_BY_COLOUR_SCHEME)
        if not RUN_FULL_DRILLS and "share_of" not in metafunc.fixturenames:
            turn = crc32(metafunc.function.__name__.encode())
            schemes = [schemes[turn % len(schemes)]]
        metafunc.parametrize("colour_scheme", schemes, indirect=True, scope="module")


@pytest.fixture(scope="module")
def colour_scheme(request: pytest.FixtureRequest) -> str:
    """Light or dark, each with a set of fonts of its own."""
    return str(request.param)


@pytest.fixture
def share_of(colour_scheme: str) -> ShareOf:
    """A function that returns those of some pages that are examined in this colour scheme."""
    return partial(paths_for, colour_scheme)


@pytest.fixture(scope="module")
def colour_scheme_browser(
    browsers_by_fonts: Callable[[str], Browser], colour_scheme: str
) -> Browser:
    """The browser of this colour scheme."""
    return browsers_by_fonts(FONTS_BY_COLOUR_SCHEME[colour_scheme])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(scope="module")
def panel(
    chromium: Browser, sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PanelProcess]:
    with running_panel(tmp_path_factory.mktemp("panel"), api=sandbox.base_url) as panel:
        yield panel


@pytest.fixture(scope="module")
def samples(panel: PanelProcess) -> dict[str, Scenario]:
    rows = [
        f"{name},Main,{sandbox_key(kind, name)},,emea" for name, kind in SAMPLE_SCENARIOS.items()
    ]
    rows += [
        f"{LONG_NAME},{label},{sandbox_key(Scenario.HEALTHY, f'Hazel/{label}')},,{'t' * 40}"
        for label in (LONG_LABEL, "Second")
    ]
    file = panel.folder / "samples.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    result = panel.manage("import_keys", str(file))
    assert result.returncode == 0, result.stderr
    return SAMPLE_SCENARIOS


@pytest.fixture
def console_problems() -> list[str]:
    """Console errors of all pages of this test; must stay empty."""
    return []


@pytest.fixture
def page(chromium: Browser, panel: PanelProcess, console_problems: list[str]) -> Iterator[Page]:
    context = chromium.new_context(base_url=panel.address, viewport={"width": 1280, "height": 800})
    yield sign_in(context, console_problems)
    context.close()
    assert console_problems == []


def sign_in(context: BrowserContext, console_problems: list[str]) -> Page:
    """A page of the first administrator; console errors and CSP violations are collected."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("dialog", lambda dialog: console_problems.append(dialog.message))
    page.on("pageerror", lambda error: console_problems.append(str(error)))
    page.on(
        "console",
        lambda said: (
            console_problems.append(said.text) if said.type in {"error", "warning"} else None
        ),
    )
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    return page
