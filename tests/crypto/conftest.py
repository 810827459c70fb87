"""An imitation of AWS KMS for the tests of wrapped master keys."""

from collections.abc import Iterator

import pytest

from freddy_admin.crypto.kms import KmsClient
from tests.kms_server import CREDENTIALS, REGION, kms_key_create, kms_server


@pytest.fixture(scope="session")
def kms_endpoint() -> Iterator[str]:
    with kms_server() as endpoint:
        yield endpoint


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the imitation in the environment, none of this machine's own."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def kms(kms_endpoint: str, aws_credentials: None) -> KmsClient:
    return KmsClient(region=REGION, endpoint=kms_endpoint)


@pytest.fixture
def kms_key_id(kms_endpoint: str, aws_credentials: None) -> str:
    return kms_key_create(kms_endpoint)
