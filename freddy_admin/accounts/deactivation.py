"""What ends when a person goes: their sessions, and an organisation in their API tokens."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.session_store import SessionStore, session_key_hash


def sessions_delete(*, user: User, keep: str | None = None) -> int:
    """Delete all sessions of `user` but that of the key `keep`; returns how many there were.

    A session names its user inside encrypted data alone, so every session is decrypted: this is
    for the rare case, not for every request.
    """
    user_id = str(user.pk)
    sessions = Session.objects.exclude(session_key=session_key_hash(keep))
    rows = sessions.only("session_key", "session_data").iterator(chunk_size=500)
    decoded = ((row.session_key, SessionStore().decode(row.session_data)) for row in rows)
    key_hashes = [key_hash for key_hash, data in decoded if data.get(SESSION_KEY) == user_id]
    for start in range(0, len(key_hashes), 500):
        Session.objects.filter(session_key__in=key_hashes[start : start + 500]).delete()
    return len(key_hashes)


def api_tokens_remove_organisation(*, user: User, organisation_id: int) -> None:
    """Take this organisation away from the user's API tokens for good.

    Called when a member goes, and again when one comes: what a token granted through a former
    membership, or through being a platform admin, never comes back by itself. Does nothing for a
    platform admin, who has every organisation.
    """
    if user.is_platform_admin:
        return
    links = ApiToken.organisations.through.objects
    links.filter(apitoken__user=user, organisation_id=organisation_id).delete()
