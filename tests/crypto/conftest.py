"""An imitation of AWS KMS for the tests of wrapped master keys."""

from collections.abc import Iterator

import pytest

from freddy_admin.crypto.kms import Kms
from tests.kms import CREDENTIALS, REGION, kms_key, kms_server


@pytest.fixture(scope="session")
def kms_endpoint() -> Iterator[str]:
    with kms_server() as endpoint:
        yield endpoint


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and nothing of this machine's own."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def kms(kms_endpoint: str, aws: None) -> Kms:
    return Kms(region=REGION, endpoint=kms_endpoint)


@pytest.fixture
def kms_key_id(kms_endpoint: str, aws: None) -> str:
    return kms_key(kms_endpoint)
