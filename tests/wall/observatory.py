"""`python -m tests.wall.observatory FOLDER`: Mozilla's Observatory over the panel, on loopback.

FOLDER is where `npm install --ignore-scripts @mdn/mdn-http-observatory` was run. The panel runs as
in production, behind a proxy with TLS. Ends with 1 where a page has less than 140 points.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

from tests.flows.panel import EMAIL, PASSWORD
from tests.flows.split_panel import SplitPanel
from tests.wall.tls_proxy import tls_proxy

GOAL = 140
SIGNED_OUT, SIGNED_IN = (
    ["/accounts/login/"],
    ["/", "/organisations/alder/", "/nowhere/", "/breaks/"],
)


class ProductionPanel(SplitPanel):
    """With https, and with a page that breaks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env |= {"PLAIN_HTTP": "false", "ALLOWED_HOSTS": "localhost", "TRUSTED_PROXIES": "1"}
        self.env["DJANGO_SETTINGS_MODULE"] = "tests.wall.settings"

    def _answers(self) -> bool:
        try:
            headers = {"Host": "localhost"}
            return requests.get(f"{self.address}/healthz", headers=headers, timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


def main(folder: Path) -> int:
    """A line per page; the exit code."""
    with tempfile.TemporaryDirectory(prefix="freddy-wall-") as name:
        panel = ProductionPanel(Path(name), api="http://127.0.0.1:9")
        try:
            panel.set_up()
            panel.start_web()
            with tls_proxy(Path(name), panel.port) as (port, authority):
                cookie = _signed_in(port, authority)
                found = _scan(folder, port, authority, "", SIGNED_OUT)
                found += _scan(folder, port, authority, cookie, SIGNED_IN)
        finally:
            panel.end_all()
    for one in found:
        alone = "" if one["alone"] == one["score"] else f" ({one['alone']} without a cookie)"
        print(f"{one['score']:>4} {one['grade']:<3} {one['status']} {one['page']}{alone}")
        for test, (result, points, passed) in one["tests"].items():
            print(f"       {points:+4d} {'' if passed else 'FAILED '}{test}: {result}")
    return int(len(found) < 5 or any(one["score"] < GOAL for one in found))


def _signed_in(port: int, authority: str) -> str:
    browser, page = requests.Session(), f"https://localhost:{port}/accounts/login/"
    browser.trust_env, browser.verify = False, authority
    browser.get(page, timeout=10)
    form = {"login": EMAIL, "password": PASSWORD}
    form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
    answer = browser.post(page, data=form, headers={"Referer": page}, timeout=10)
    assert answer.url == f"https://localhost:{port}/", (answer.status_code, answer.url)
    add = f"https://localhost:{port}/add-organisation/"
    token = {"csrfmiddlewaretoken": str(browser.cookies["__Host-csrftoken"])}
    made = browser.post(add, data=token | {"name": "Alder"}, headers={"Referer": add}, timeout=10)
    assert made.status_code == 200, made.status_code
    return "; ".join(f"{one.name}={one.value}" for one in browser.cookies)


def _scan(
    folder: Path, port: int, authority: str, cookie: str, pages: list[str]
) -> list[dict[str, object]]:
    script = Path(__file__).with_suffix(".mjs").resolve()
    env = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": authority, "HOME": str(folder)}
    ended = subprocess.run(
        ["node", str(script), str(port), cookie, *pages],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    print(ended.stderr, file=sys.stderr)
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
