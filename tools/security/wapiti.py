"""`python -m tools.security.wapiti PROGRAM`: the scanner wapiti over the panel, on loopback.

PROGRAM is the `wapiti` of a virtual environment of its own. The panel runs as in production, behind
a proxy with TLS, with an imitation of the API; it is scanned signed out, as a manager and as a
platform admin. Ends with 1 where anything is found.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.panel import PASSWORD
from tools.security.production_panel import cookies_of, production_panel, send, signed_in

# All but those that ask servers elsewhere for an answer or for their lists.
MODULES = (
    "backup,brute_login_form,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,"
    "https_redirect,ldap,methods,permanentxss,redirect,shellshock,spring4shell,sql,timesql,"
    "upload,xss"
)
# What would end the scan's own session; what ends sessions is tested elsewhere.
LEFT_OUT = ("/accounts/logout/", "/profile/sessions/", "/accounts/password/change/", "/static/")
# What was looked at and is nothing, with the reason.
KNOWN: dict[str, str] = {
    "LDAP Injection": "there is no LDAP; it goes by answers that differ, and a limit answers 429",
}
MANAGER = "manager@example.org"
SECONDS = os.environ.get("WAPITI_SECONDS", "600")  # to find pages
ATTACK_SECONDS = os.environ.get("WAPITI_ATTACK_SECONDS", "120")  # each module


def main(program: str) -> int:
    """A line per way to look; the exit code."""
    found = 0
    with (
        tempfile.TemporaryDirectory(prefix="freddy-wapiti-") as name,
        SandboxServer() as sandbox,
        production_panel(Path(name), api=sandbox.base_url) as (panel, port, authority),
    ):
        admin = signed_in(port, authority)
        send(admin, port, "/add-organisation/", name="Alder")
        key = key_for(Scenario.HEALTHY, "scan")
        send(admin, port, "/organisations/alder/keys/add/", label="Main", api_key=key)
        member = ("add_member", MANAGER, "--organisation", "alder", "--role", "manager")
        made = panel.manage(*member, "--password-stdin", stdin=PASSWORD)
        assert made.returncode == 0, made.stderr
        panel.start_worker()
        manager = signed_in(port, authority, email=MANAGER)
        ways = {"signed out": "", "manager": cookies_of(manager), "admin": cookies_of(admin)}
        for way in sys.argv[2:] or ways:
            found += _scan(program, Path(name), port, way, ways[way])
        found += _crashes(panel.logs[0].read_text())
    return int(found > 0)


def _scan(program: str, room: Path, port: int, way: str, cookie: str) -> int:
    report, origin = room / f"{way}.json", f"https://localhost:{port}"
    command = [program, "--url", f"{origin}/", "--module", MODULES, "--scope", "domain"]
    command += ["--flush-session", "--no-bugreport", "--depth", "6", "--max-links-per-page", "60"]
    command += ["--max-scan-time", SECONDS, "--max-attack-time", ATTACK_SECONDS, "--timeout", "15"]
    command += ["--verify-ssl", "0", "--format", "json", "--output", str(report)]
    command += ["--start", f"{origin}/accounts/login/", "--store-session", str(room)]
    for path in LEFT_OUT:
        command += ["--exclude", f"{origin}{path}*"]
    if cookie:
        command += ["--header", f"Cookie: {cookie}"]
    env = {"PATH": os.environ["PATH"], "HOME": str(room), "LANG": "C.UTF-8"}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if not report.exists():
        print(ended.stdout[-2_000:], ended.stderr[-2_000:], file=sys.stderr)
        return 1
    return _told(way, json.loads(report.read_text()))


def _told(way: str, report: dict[str, dict[str, object]]) -> int:
    infos, number = report["infos"], 0
    print(f"{way}: {infos.get('crawled_pages_nbr')} pages")
    for kind in ("vulnerabilities", "anomalies"):
        for name, cases in report[kind].items():
            for one in cases if isinstance(cases, list) else []:
                number += 1
                print(
                    f"  {kind} · {name} · {one.get('method')} {one.get('path')}: {one.get('info')}"
                )
    return number


def _crashes(log: str) -> int:
    lines = [line for line in log.splitlines() if "Internal Server Error" in line]
    print("\n".join(lines) if lines else "no answer of 500")
    return len(lines)


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]).absolute())))
