"""`python -m tools.security.dependency_audit PROGRAM`: known vulnerabilities of pinned libraries.

PROGRAM is the `pip-audit` of a virtual environment of its own. The exit code is 0 where none is
known, 1 where one is, and 3 where no advisory service could be asked about every library: what was
not audited does not pass.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.security.sbom.lock_files import read_lock_file

ROOT = Path(__file__).resolve().parents[2]
# The first holds all libraries of the others; the second holds pip-audit itself.
AUDITED_FILES = ("requirements/dev.txt", "requirements/audit.txt")
SERVICES = ("pypi", "osv")
TIMEOUT_SECONDS = 300
EXIT_SERVICE_UNREACHABLE = 3
# Vulnerabilities that do not affect the panel: the id of the advisory, and the reason.
ACCEPTED_VULNERABILITIES: dict[str, str] = {}


class Vulnerability(NamedTuple):
    """A known vulnerability of a pinned library."""

    library: str
    advisory_id: str
    fixed_versions: str  # the versions without it, or nothing


class AuditFailed(Exception):
    """A service did not say of every library whether a vulnerability is known."""


def main(program: str) -> int:
    """Print a line for each vulnerability, or why there is no result; returns the exit code."""
    reasons = []
    for service in SERVICES:
        try:
            results = [_run_pip_audit(program, service, name) for name in AUDITED_FILES]
        except AuditFailed as error:
            reasons.append(f"  {service}: {error}")
            continue
        vulnerabilities = [item for _, file_items in results for item in file_items]
        return _print_report(sum(count for count, _ in results), vulnerabilities)
    print("No advisory service could be asked, so nothing is known of holes:", file=sys.stderr)
    print(*reasons, sep="\n", file=sys.stderr)
    print("Run `make audit` where the network reaches one of them.", file=sys.stderr)
    return EXIT_SERVICE_UNREACHABLE


def _run_pip_audit(program: str, service: str, name: str) -> tuple[int, list[Vulnerability]]:
    """How many libraries of this file were audited, and their vulnerabilities.

    Raises AuditFailed where the service did not answer about all of them.
    """
    output_options = ("--progress-spinner", "off", "--format", "json", "--timeout", "15")
    options = ("--disable-pip", "--require-hashes", "--vulnerability-service", service)
    try:
        result = subprocess.run(
            [program, *options, *output_options, "--requirement", str(ROOT / name)],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise AuditFailed(f"no answer within {TIMEOUT_SECONDS} seconds") from None
    try:
        libraries = json.loads(result.stdout)["dependencies"]
    except (ValueError, KeyError):
        last_line = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AuditFailed(f"it could not be reached ({last_line[:200]})") from None
    skipped = [library["name"] for library in libraries if "skip_reason" in library]
    if skipped or not libraries:
        raise AuditFailed(f"it knows nothing of {len(skipped)} of {len(libraries)} libraries")
    return len(libraries), [
        Vulnerability(
            f"{library['name']} {library['version']}",
            vulnerability["id"],
            ", ".join(vulnerability["fix_versions"]),
        )
        for library in libraries
        for vulnerability in library["vulns"]
    ]


def _print_report(library_count: int, vulnerabilities: list[Vulnerability]) -> int:
    shipped = read_lock_file(ROOT, "requirements.txt")
    unaccepted = [
        vulnerability
        for vulnerability in vulnerabilities
        if vulnerability.advisory_id not in ACCEPTED_VULNERABILITIES
    ]
    for vulnerability in vulnerabilities:
        usage = (
            "runs the panel" if vulnerability.library.split()[0] in shipped else "for tests, or AWS"
        )
        repair = (
            f"repaired in {vulnerability.fixed_versions}"
            if vulnerability.fixed_versions
            else "not repaired yet"
        )
        reason = (
            f"; accepted: {ACCEPTED_VULNERABILITIES[vulnerability.advisory_id]}"
            if vulnerability.advisory_id in ACCEPTED_VULNERABILITIES
            else ""
        )
        print(f"{vulnerability.library} ({usage}): {vulnerability.advisory_id}, {repair}{reason}")
    print(f"{library_count} libraries, {len(unaccepted)} known holes.")
    return 1 if unaccepted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
