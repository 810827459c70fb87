"""What ends when a person goes: every session, and what panel tokens had left of a place."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.session_store import SessionStore, session_key_hash


def sessions_end(*, user: User, keep: str | None = None) -> int:
    """Sign this person out everywhere but in the session of the key `keep`; how many ended.

    A session names its person inside its sealed text alone, so each of them is looked at: this
    is for the rare case, not for every request.
    """
    own = str(user.pk)
    others = Session.objects.exclude(session_key=session_key_hash(keep))
    rows = others.only("session_key", "session_data").iterator(chunk_size=500)
    opened = ((row.session_key, SessionStore().decode(row.session_data)) for row in rows)
    found = [stored for stored, content in opened if content.get(SESSION_KEY) == own]
    for start in range(0, len(found), 500):
        Session.objects.filter(session_key__in=found[start : start + 500]).delete()
    return len(found)


def tokens_forget(*, user: User, organisation_id: int) -> None:
    """Panel tokens that were made for this organisation are for good no longer for it.

    Asked for when a member goes, and once more when one comes: what a token was good for in a
    former time, as a member or as a platform admin, never comes back by itself. A platform admin
    has it all the while.
    """
    if user.is_platform_admin:
        return
    links = ApiToken.organisations.through.objects
    links.filter(apitoken__user=user, organisation_id=organisation_id).delete()
