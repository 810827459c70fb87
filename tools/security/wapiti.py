"""`python -m tools.security.wapiti PROGRAM`: the scanner wapiti over the panel, on loopback.

PROGRAM is the `wapiti` of a virtual environment of its own. The panel runs as in production, behind
a proxy with TLS, with an imitation of the API; it is scanned signed out, as a manager and as a
platform admin. The exit code is 1 where anything is found.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.panel_process import PASSWORD
from tools.security.production_panel import cookie_header, production_panel, sign_in, submit_form

# All modules but those that call servers elsewhere.
MODULES = (
    "backup,brute_login_form,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,"
    "https_redirect,ldap,methods,permanentxss,redirect,shellshock,spring4shell,sql,timesql,"
    "upload,xss"
)
# Pages that would end the scan's own session, and static files.
EXCLUDED_PATHS = (
    "/accounts/logout/",
    "/profile/sessions/",
    "/accounts/password/change/",
    "/static/",
)
# Findings that are none, with the reason.
ACCEPTED_FINDINGS: dict[str, str] = {
    "LDAP Injection": "there is no LDAP; it goes by answers that differ, and a limit answers 429",
}
MANAGER = "manager@example.org"
SCAN_SECONDS = os.environ.get("WAPITI_SECONDS", "600")  # of crawling
ATTACK_SECONDS = os.environ.get("WAPITI_ATTACK_SECONDS", "120")  # of each module


def main(program: str) -> int:
    """Scan as each user and print the findings; returns the exit code."""
    finding_count = 0
    with (
        tempfile.TemporaryDirectory(prefix="freddy-wapiti-") as folder_name,
        SandboxServer() as sandbox,
        production_panel(Path(folder_name), api=sandbox.base_url) as (panel, port, authority),
    ):
        admin = sign_in(port, authority)
        submit_form(admin, port, "/add-organisation/", name="Alder")
        key = sandbox_key(Scenario.HEALTHY, "scan")
        submit_form(admin, port, "/organisations/alder/keys/add/", label="Main", api_key=key)
        member = ("add_member", MANAGER, "--organisation", "alder", "--role", "manager")
        result = panel.manage(*member, "--password-stdin", stdin=PASSWORD)
        assert result.returncode == 0, result.stderr
        panel.start_worker()
        manager = sign_in(port, authority, email=MANAGER)
        cookies = {
            "signed out": "",
            "manager": cookie_header(manager),
            "admin": cookie_header(admin),
        }
        for user_kind in sys.argv[2:] or cookies:
            finding_count += _run_wapiti(
                program, Path(folder_name), port, user_kind, cookies[user_kind]
            )
        finding_count += _count_crashes(panel.logs[0].read_text())
    return int(finding_count > 0)


def _run_wapiti(program: str, folder: Path, port: int, user_kind: str, cookie: str) -> int:
    report, origin = folder / f"{user_kind}.json", f"https://localhost:{port}"
    command = [program, "--url", f"{origin}/", "--module", MODULES, "--scope", "domain"]
    command += ["--flush-session", "--no-bugreport", "--depth", "6", "--max-links-per-page", "60"]
    command += [
        "--max-scan-time",
        SCAN_SECONDS,
        "--max-attack-time",
        ATTACK_SECONDS,
        "--timeout",
        "15",
    ]
    command += ["--verify-ssl", "0", "--format", "json", "--output", str(report)]
    command += ["--start", f"{origin}/accounts/login/", "--store-session", str(folder)]
    for path in EXCLUDED_PATHS:
        command += ["--exclude", f"{origin}{path}*"]
    if cookie:
        command += ["--header", f"Cookie: {cookie}"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if not report.exists():
        print(result.stdout[-2_000:], result.stderr[-2_000:], file=sys.stderr)
        return 1
    return _print_findings(user_kind, json.loads(report.read_text()))


def _print_findings(user_kind: str, report: dict[str, dict[str, object]]) -> int:
    scan_info, finding_count = report["infos"], 0
    print(f"{user_kind}: {scan_info.get('crawled_pages_nbr')} pages")
    for kind in ("vulnerabilities", "anomalies"):
        for name, cases in report[kind].items():
            for hit in cases if isinstance(cases, list) else []:
                finding_count += 1
                print(
                    f"  {kind} · {name} · {hit.get('method')} {hit.get('path')}: {hit.get('info')}"
                )
    return finding_count


def _count_crashes(log: str) -> int:
    lines = [line for line in log.splitlines() if "Internal Server Error" in line]
    print("\n".join(lines) if lines else "no answer of 500")
    return len(lines)


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]).absolute())))
