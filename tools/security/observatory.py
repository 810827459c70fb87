"""`python -m tools.security.observatory FOLDER`: Mozilla's Observatory over the panel, on loopback.

FOLDER is where `npm install --ignore-scripts @mdn/mdn-http-observatory` was run. The panel runs as
in production, behind a proxy with TLS. Ends with 1 where a page has less than 140 points.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.security.production_panel import cookies_of, production_panel, send, signed_in

GOAL = 140
SIGNED_OUT, SIGNED_IN = (
    ["/accounts/login/"],
    ["/", "/organisations/alder/", "/nowhere/", "/breaks/"],
)


def main(folder: Path) -> int:
    """A line per page; the exit code."""
    with (
        tempfile.TemporaryDirectory(prefix="freddy-wall-") as name,
        production_panel(Path(name)) as (_, port, authority),
    ):
        browser = signed_in(port, authority)
        send(browser, port, "/add-organisation/", name="Alder")
        found = _scan(folder, port, authority, "", SIGNED_OUT)
        found += _scan(folder, port, authority, cookies_of(browser), SIGNED_IN)
    for one in found:
        alone = "" if one["alone"] == one["score"] else f" ({one['alone']} without a cookie)"
        print(f"{one['score']:>4} {one['grade']:<3} {one['status']} {one['page']}{alone}")
        for test, (result, points, passed) in one["tests"].items():
            print(f"       {points:+4d} {'' if passed else 'FAILED '}{test}: {result}")
    return int(len(found) < 5 or any(one["score"] < GOAL for one in found))


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
