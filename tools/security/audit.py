"""`python -m tools.security.audit PROGRAM`: known holes in what is pinned, as pip-audit finds them.

PROGRAM is the `pip-audit` of a virtual environment of its own. Ends with 0 where none is known, 1
where one is, and 3 where no advisory service could be asked about every library: what was not
judged is not passed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.security.sbom.locks import lock

ROOT = Path(__file__).resolve().parents[2]
# The one for tests holds all of the others; the second is what does the looking.
FILES = ("requirements/dev.txt", "requirements/audit.txt")
SERVICES = ("pypi", "osv")
SECONDS = 300
NOT_ASKED = 3
# What was looked at and does not reach the panel: the number of the hole, and the reason.
ACCEPTED: dict[str, str] = {}


class Hole(NamedTuple):
    """A known hole in a library that is pinned."""

    library: str
    number: str
    repaired: str  # the versions without it, or nothing


class NotJudged(Exception):
    """A service did not say about every library whether a hole is known."""


def main(program: str) -> int:
    """A line per hole, or why there is no answer; the exit code."""
    reasons = []
    for service in SERVICES:
        try:
            answers = [_ask(program, service, name) for name in FILES]
        except NotJudged as error:
            reasons.append(f"  {service}: {error}")
            continue
        holes = [hole for _, found in answers for hole in found]
        return _report(sum(judged for judged, _ in answers), holes)
    print("No advisory service could be asked, so nothing is known of holes:", file=sys.stderr)
    print(*reasons, sep="\n", file=sys.stderr)
    print("Run `make audit` where the network reaches one of them.", file=sys.stderr)
    return NOT_ASKED


def _ask(program: str, service: str, name: str) -> tuple[int, list[Hole]]:
    still = ("--progress-spinner", "off", "--format", "json", "--timeout", "15")
    look = ("--disable-pip", "--require-hashes", "--vulnerability-service", service)
    try:
        done = subprocess.run(
            [program, *look, *still, "--requirement", str(ROOT / name)],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotJudged(f"no answer within {SECONDS} seconds") from None
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotJudged(f"it could not be reached ({last[:200]})") from None
    skipped = [one["name"] for one in told if "skip_reason" in one]
    if skipped or not told:
        raise NotJudged(f"it knows nothing of {len(skipped)} of {len(told)} libraries")
    return len(told), [
        Hole(f"{one['name']} {one['version']}", hole["id"], ", ".join(hole["fix_versions"]))
        for one in told
        for hole in one["vulns"]
    ]


def _report(libraries: int, holes: list[Hole]) -> int:
    shipped = lock(ROOT, "requirements.txt")
    open_ones = [hole for hole in holes if hole.number not in ACCEPTED]
    for hole in holes:
        where = "runs the panel" if hole.library.split()[0] in shipped else "for tests, or AWS"
        what = f"repaired in {hole.repaired}" if hole.repaired else "not repaired yet"
        reason = f"; accepted: {ACCEPTED[hole.number]}" if hole.number in ACCEPTED else ""
        print(f"{hole.library} ({where}): {hole.number}, {what}{reason}")
    print(f"{libraries} libraries, {len(open_ones)} known holes.")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
