"""`python -m freddy_admin.ops.health_probe`: asks the web server on this machine for `/readyz`.

For a container's health check, and whatever else watches one process. Exit code 0 where pages can
be served. It loads neither Django's apps nor the database, and ends within five seconds.
"""

import http.client
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from freddy_admin.conf.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_TIMEOUT_SECONDS = 4.0


def probe_host(hosts: Sequence[str]) -> str:
    """A host name that a panel with these ALLOWED_HOSTS answers to."""
    if "localhost" in hosts or "*" in hosts or not hosts:
        return "localhost"
    return hosts[0].removeprefix(".")


class WebServerSilent(Exception):
    """The web server on this machine gives no answer in time; the text is the error's name."""


def readyz_get(*, port: int, host: str) -> tuple[int, bytes]:
    """The status and body of `/readyz` of the web server at this port; raises WebServerSilent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise WebServerSilent(type(error).__name__) from None
    finally:
        connection.close()


def main() -> int:
    """The exit code; a sentence to stderr where it is not 0."""
    env = Environment()
    env.read_env_file(env.str("ENV_FILE", default=""), default_file=BASE_DIR / ".env")
    hosts = [host.strip() for host in env.str("ALLOWED_HOSTS", default="").split(",")]
    port, host = int(os.environ.get("PORT", "8000")), probe_host([*filter(None, hosts)])
    try:
        status, _body = readyz_get(port=port, host=host)
    except WebServerSilent as error:
        print(f"The web server does not answer: {error}.", file=sys.stderr)
        return 1
    if status != http.client.OK:
        print(f"The web server answers {status}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
