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

from freddy_admin.ops.supervisor import port_free
from tests.aitronos.certificates import Authority
from tests.flows.waiting import until

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
AROUND = """
{user} daemon off; worker_processes 1; pid {room}/nginx.pid; error_log {room}/start.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {room}/body; proxy_temp_path {room}/proxy;
    fastcgi_temp_path {room}/f; uwsgi_temp_path {room}/u; scgi_temp_path {room}/s;
    include {room}/sample.conf;
}}
"""


@dataclass(frozen=True)
class Front:
    """Where it listens, and the file of the authority that signed its certificate."""

    room: Path
    https: int
    http: int
    authority: str

    @property
    def log(self) -> str:
        """What it wrote down of requests."""
        return (self.room / "freddy-admin.log").read_text()


def prepared(room: Path, inside: int) -> Front:
    """The sample in this folder, for a gunicorn on that port."""
    authority = Authority(room)
    authority.context("localhost")
    (certificate,) = room.glob("server1-*.pem")
    front = Front(room, port_free(), port_free(), authority.ca_file)
    text = SAMPLE.read_text()
    for said, here in (
        (r"listen \[::\]:\d+[^;]*;", ""),
        (r"listen 443", f"listen 127.0.0.1:{front.https}"),
        (r"listen 80\b", f"listen 127.0.0.1:{front.http}"),
        (r"/etc/ssl/panel\.(pem|key)", str(certificate)),
        (r"/var/log/nginx", str(room)),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{inside}"),
        (r"panel\.example\.org", "localhost"),
        (r"Host \$host;", f"Host $host:{front.https};"),  # 443 needs no naming
    ):
        text, count = re.subn(said, here, text)
        assert count, f"the sample has no {said}"
    (room / "sample.conf").write_text(text)
    # Started by root it would serve as somebody who may not enter the folder of a test.
    user = "" if os.geteuid() else "user root;"
    (room / "nginx.conf").write_text(AROUND.format(room=room, user=user))
    return front


def examined(front: Front) -> str:
    """What `nginx -t` says; it must find nothing to complain about."""
    done = subprocess.run(
        [str(PROGRAM), "-t", "-q", "-c", str(front.room / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.returncode} {done.stdout}{done.stderr}".strip()


@contextmanager
def nginx(front: Front) -> Iterator[Front]:
    """It runs until the end of this."""
    process = subprocess.Popen(
        [str(PROGRAM), "-c", str(front.room / "nginx.conf")], stdin=subprocess.DEVNULL
    )
    try:
        assert until((front.room / "nginx.pid").exists), (front.room / "start.log").read_text()
        yield front
    finally:
        process.terminate()
        process.wait(timeout=20)
