"""An AWS KMS of the tests' own: moto's server, in a process of its own, on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.flows.waiting import until
from tests.ports import port_free

REGION = "eu-central-1"
# Made up: the imitation asks for none in particular. No proxy, no metadata service, no profile.
CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIA-IMITATION",
    "AWS_SECRET_ACCESS_KEY": "imitation",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
}


@contextmanager
def kms_server() -> Iterator[str]:
    """The address of a KMS that knows no key yet; it forgets everything with its end."""
    port = port_free()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if not until(lambda: server.poll() is not None or _answers(port)) or server.poll():
            raise RuntimeError("moto's server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(timeout=60)


def kms_key(endpoint: str) -> str:
    """The id of a new key in it."""
    import boto3

    client = boto3.client("kms", region_name=REGION, endpoint_url=endpoint)
    made: str = client.create_key()["KeyMetadata"]["KeyId"]
    return made


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
