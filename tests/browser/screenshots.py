"""`make screenshots`: the README's pictures, taken of the running demo."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.free_ports import find_free_port

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"wide": (1280, 860), "narrow": (390, 844)}
# The history on the organisation's page does not fit the first screen.
TALL_HEIGHTS = {"wide": 1340, "narrow": 844}
PAGES = {"overview": "/", "organisation": "/organisations/saltmarsh-textiles/"}
# A key counts as refused once two checks a minute apart were refused.
REFUSALS_CONFIRMED_MS = 150_000
QUIET_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main(target: Path) -> None:
    """Write a PNG per page, colours and width into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with _run_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--no-first-run", *QUIET_ARGUMENTS],
        )
        for colours in ("light", "dark"):
            for size in SIZES:
                _take_screenshots(browser, demo, target, colours=colours, size=size)
        browser.close()


@contextmanager
def _run_demo() -> Iterator[dict[str, str]]:
    port = find_free_port()
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    demo_output = {"address": f"http://localhost:{port}"}
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            name, _, value = line.strip().partition("  ")
            demo_output[name] = value.split()[0] if value.split() else ""
            if name == "Password":
                break
        else:
            sys.exit("The demo did not start.")
        yield demo_output
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=30)


def _take_screenshots(
    browser: Browser, demo: dict[str, str], target: Path, *, colours: str, size: str
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if colours == "dark" else "light",
    )
    page = context.new_page()
    _sign_in(page, demo)
    for name, path in PAGES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(demo["address"] + path)
        if name == "overview":
            rejected = page.get_by_text("Key rejected").first
            rejected.wait_for(timeout=REFUSALS_CONFIRMED_MS)
            page.reload()
        if name == "organisation":
            page.set_viewport_size({"width": width, "height": TALL_HEIGHTS[size]})
            if size == "narrow":
                past = page.locator(".key-history").first
                past.evaluate("at => scrollTo(0, at.getBoundingClientRect().top + scrollY - 72)")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target / f"{name}-{colours}-{size}.png", animations="disabled")
    context.close()


def _sign_in(page: Page, demo: dict[str, str]) -> None:
    page.goto(f"{demo['address']}/accounts/login/")
    page.locator("input[name=login]").fill(demo["Administrator"])
    page.locator("input[name=password]").fill(demo["Password"])
    page.locator("form:has(input[name=password]) [type=submit]").first.click()
    page.wait_for_url(f"{demo['address']}/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
