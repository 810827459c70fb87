"""The sample of `deploy/nginx.conf`, run by a real nginx on loopback before a panel's gunicorn.

Nothing of the sample is changed but what belongs to a machine: ports, name, certificate, folders.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freddy_admin.ops.supervisor import find_free_port
from tests.aitronos.certificates import CertificateAuthority
from tests.flows.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy" / "nginx.conf"
NGINX_PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
MAIN_CONFIG = """
{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/start.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/sample.conf;
}}
"""


@dataclass(frozen=True)
class NginxFront:
    """A running nginx: its ports, and the file of the authority that signed its certificate."""

    folder: Path
    https: int
    http: int
    authority: str

    @property
    def log(self) -> str:
        """The access log of nginx."""
        return (self.folder / "freddy-admin.log").read_text()


def nginx_prepare(folder: Path, port: int, *, sub_path: str = "") -> NginxFront:
    """The sample configuration in this folder, for a gunicorn on that port."""
    authority = CertificateAuthority(folder)
    authority.server_context("localhost")
    (certificate,) = folder.glob("server1-*.pem")
    front = NginxFront(folder, find_free_port(), find_free_port(), authority.ca_file)
    text = SAMPLE.read_text()
    for sample_text, replacement in (
        (r"listen \[::\]:\d+[^;]*;", ""),
        (r"listen 443", f"listen 127.0.0.1:{front.https}"),
        (r"listen 80\b", f"listen 127.0.0.1:{front.http}"),
        (r"/etc/ssl/panel\.(pem|key)", str(certificate)),
        (r"/var/log/nginx", str(folder)),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{port}"),
        (r"panel\.example\.org", "localhost"),
    ):
        text, count = re.subn(sample_text, replacement, text)
        assert count, f"the sample has no {sample_text}"
    if sub_path:
        # The three addresses that the sample marks with (path).
        for address in ("location /", "location /api/", "location = /metrics"):
            text, count = re.subn(
                rf"{address} {{(?! return 301)",
                f"{address.replace('/', f'{sub_path}/', 1)} {{",
                text,
            )
            assert count == 1, address
    (folder / "sample.conf").write_text(text)
    # Started by root it would serve as somebody who may not enter the folder of a test.
    user = "" if os.geteuid() else "user root;"
    (folder / "nginx.conf").write_text(MAIN_CONFIG.format(folder=folder, user=user))
    return front


def nginx_check_config(front: NginxFront) -> str:
    """The exit code and output of `nginx -t`; `0` alone where it has no complaint."""
    result = subprocess.run(
        [str(NGINX_PROGRAM), "-t", "-q", "-c", str(front.folder / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{result.returncode} {result.stdout}{result.stderr}".strip()


@contextmanager
def nginx_run(front: NginxFront) -> Iterator[NginxFront]:
    """Run nginx within the block."""
    process = subprocess.Popen(
        [str(NGINX_PROGRAM), "-c", str(front.folder / "nginx.conf")], stdin=subprocess.DEVNULL
    )
    try:
        assert wait_until((front.folder / "nginx.pid").exists), (
            front.folder / "start.log"
        ).read_text()
        yield front
    finally:
        process.terminate()
        process.wait(timeout=20)
