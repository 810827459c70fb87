"""`python -m tools.security.observatory FOLDER`: Mozilla's Observatory over the panel, on loopback.

FOLDER is where `npm install --ignore-scripts @mdn/mdn-http-observatory` was run. The panel runs as
in production, behind a proxy with TLS. The exit code is 1 where a page has less than 140 points.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.security.production_panel import cookie_header, production_panel, sign_in, submit_form

MIN_SCORE = 140
SIGNED_OUT_PATHS = ["/accounts/login/"]
SIGNED_IN_PATHS = ["/", "/organisations/alder/", "/nowhere/", "/breaks/"]


def main(folder: Path) -> int:
    """Print a line for each page; returns the exit code."""
    with (
        tempfile.TemporaryDirectory(prefix="freddy-wall-") as folder_name,
        production_panel(Path(folder_name)) as (_, port, authority),
    ):
        browser = sign_in(port, authority)
        submit_form(browser, port, "/add-organisation/", name="Alder")
        pages = _run_observatory(folder, port, authority, "", SIGNED_OUT_PATHS)
        pages += _run_observatory(folder, port, authority, cookie_header(browser), SIGNED_IN_PATHS)
    for page in pages:
        note = "" if page["alone"] == page["score"] else f" ({page['alone']} without a cookie)"
        print(f"{page['score']:>4} {page['grade']:<3} {page['status']} {page['page']}{note}")
        for test, (result, points, passed) in page["tests"].items():
            print(f"       {points:+4d} {'' if passed else 'FAILED '}{test}: {result}")
    return int(len(pages) < 5 or any(page["score"] < MIN_SCORE for page in pages))


def _run_observatory(
    folder: Path, port: int, authority: str, cookie: str, pages: list[str]
) -> list[dict[str, object]]:
    script = Path(__file__).with_suffix(".mjs").resolve()
    env = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": authority, "HOME": str(folder)}
    result = subprocess.run(
        ["node", str(script), str(port), cookie, *pages],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    print(result.stderr, file=sys.stderr)
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
