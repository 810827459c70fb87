"""An AWS KMS of the tests' own: moto's server, in a process of its own, on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.flows.wait import wait_until
from tests.free_ports import find_free_port

REGION = "eu-central-1"
# Made up: moto accepts any credentials. No proxy, no metadata service, no profile.
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
    """The address of a KMS without keys; it keeps nothing when it ends."""
    port = find_free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if (
            not wait_until(lambda: server.poll() is not None or _is_listening(port))
            or server.poll()
        ):
            raise RuntimeError("moto's server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(timeout=60)


def kms_key_create(endpoint: str) -> str:
    """The id of a new key in the KMS at `endpoint`."""
    import boto3

    client = boto3.client("kms", region_name=REGION, endpoint_url=endpoint)
    key_id: str = client.create_key()["KeyMetadata"]["KeyId"]
    return key_id


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
