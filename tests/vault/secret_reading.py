"""Opens a stored secret as `sync` does."""

from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.opening import secret_open


def stored_secret(row: ApiKey | KeyCandidate) -> str:
    key = row if isinstance(row, ApiKey) else row.key
    return secret_open(
        key_id=key.pk,
        organisation_id=key.organisation_id,
        version=row.version,
        ciphertext=row.ciphertext,
        environment=row.environment,
        master_key_id=row.master_key_id,
    )
