"""The text of a form that could not be saved, so that its user can copy it."""

from urllib.parse import urlsplit

from django.http import HttpRequest

from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH

# The fields that our forms show again when something in them is wrong; never a secret.
SHOWN_FIELDS = ("name", "label", "tags", "organization_id", "grace_minutes", "expires_on", "email")


def unsaved_input_text(request: HttpRequest) -> str:
    """One line for each field; empty unless a page of this panel sent the form.

    A foreign page must not put its text into ours.
    """
    origin = urlsplit(request.headers.get("Origin", ""))
    if origin.netloc != request.get_host():
        return ""
    texts = [request.POST.get(name, "") for name in SHOWN_FIELDS]
    # No form of ours takes a longer text, so there is nothing to copy.
    return "\n".join(text for text in texts if text and len(text) <= DEFAULT_TEXT_MAX_LENGTH)
