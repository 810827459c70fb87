"""Master keys wrapped by AWS KMS, one small call each. The library is loaded when it is needed.

What KMS encrypts is bound to a purpose (its "encryption context"): what was wrapped for anything
else does not unwrap here, and every use of it can be told apart in AWS's own log.
"""

import base64
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from freddy_admin.crypto.errors import KmsError

ENCRYPTION_CONTEXT: Final = {"purpose": "freddy-admin/master-key/1"}
MASTER_KEY_LENGTH: Final = 32
_BOTO3_MISSING: Final = (
    "ENCRYPTION_KEYS_KMS needs boto3, which is not installed: run "
    "`pip install --require-hashes --no-deps -r requirements/aws.txt`."
)
_ERROR_HINTS: Final = {
    "AccessDeniedException": "this machine's AWS role may not use the key",
    "InvalidCiphertextException": "it is damaged, or was wrapped for another purpose",
    "NotFoundException": "KMS knows no such key in this AWS_REGION",
    "DisabledException": "the key is disabled in KMS",
    "KMSInvalidStateException": "the key is disabled in KMS, or about to be deleted",
    "NoCredentialsError": "this machine has no AWS credentials",
    "EndpointConnectionError": "KMS cannot be reached, see AWS_REGION and AWS_KMS_ENDPOINT",
    "ConnectTimeoutError": "KMS cannot be reached, see AWS_REGION and AWS_KMS_ENDPOINT",
    "ReadTimeoutError": "KMS did not answer in time",
}


@dataclass(frozen=True, slots=True)
class KmsClient:
    """A client of AWS KMS; `endpoint` is empty for the region's own."""

    region: str
    endpoint: str = ""

    def unwrap(self, wrapped: Sequence[str]) -> list[str]:
        """The private keys, as ENCRYPTION_KEYS would hold them. Raises KmsError."""
        client, keys = self._create_boto_client(), []
        for position, text in enumerate(wrapped, start=1):
            problem = (
                f"key {position} of {len(wrapped)} in ENCRYPTION_KEYS_KMS could not be unwrapped"
            )
            with _translate_kms_errors(problem):
                blob = base64.b64decode(text, validate=True)
                response = client.decrypt(CiphertextBlob=blob, EncryptionContext=ENCRYPTION_CONTEXT)
            raw = response["Plaintext"]
            if len(raw) != MASTER_KEY_LENGTH:
                raise KmsError(problem, "it is no master key of 32 bytes")
            keys.append(base64.urlsafe_b64encode(raw).decode())
        return keys

    def wrap(self, raw_keys: Sequence[bytes], *, key_id: str) -> list[str]:
        """The keys, encrypted by the KMS key of this id, alias or ARN. Raises KmsError."""
        client, wrapped = self._create_boto_client(), []
        for raw in raw_keys:
            with _translate_kms_errors("KMS did not wrap the master key"):
                response = client.encrypt(
                    KeyId=key_id, Plaintext=raw, EncryptionContext=ENCRYPTION_CONTEXT
                )
            wrapped.append(base64.b64encode(response["CiphertextBlob"]).decode())
        return wrapped

    def _create_boto_client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise KmsError(_BOTO3_MISSING) from None
        limits = Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        with _translate_kms_errors("KMS cannot be asked"):
            return boto3.session.Session().client(
                "kms",
                region_name=self.region,
                endpoint_url=self.endpoint or None,
                config=limits,
            )


@contextmanager
def _translate_kms_errors(problem: str) -> Iterator[None]:
    """Raise KmsError for any failure inside; meanwhile nothing sent or received is logged."""
    from botocore.exceptions import BotoCoreError, ClientError

    former_level, reason = logging.root.manager.disable, ""
    # At its lowest level the library logs whole answers, and these are master keys.
    logging.disable(max(former_level, logging.INFO))
    try:
        yield
    except ClientError as error:
        reason = str(error.response.get("Error", {}).get("Code", "")) or "no reason given"
    except BotoCoreError as error:
        reason = type(error).__name__
    except ValueError:
        reason = "it is not base64"
    finally:
        logging.disable(former_level)
    if reason:
        hint = _ERROR_HINTS.get(reason)
        raise KmsError(problem, f"{hint} ({reason})" if hint else reason) from None
