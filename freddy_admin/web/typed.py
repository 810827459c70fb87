"""What somebody typed into a form that could not be taken, so that it can be copied."""

from urllib.parse import urlsplit

from django.http import HttpRequest

from freddy_admin.core.forms import TEXT_AT_MOST

# Those that a form of ours sends back anyway when something in it is wrong; never a secret.
SHOWN = ("name", "label", "tags", "organization_id", "grace_minutes", "expires_on", "email")


def typed_words(request: HttpRequest) -> str:
    """A line each, if sent by this very panel: a foreign page must not put words into ours."""
    origin = urlsplit(request.headers.get("Origin", ""))
    if origin.netloc != request.get_host():
        return ""
    sent = [request.POST.get(name, "") for name in SHOWN]
    # What is longer no form of ours would have taken, so there is nothing to copy.
    return "\n".join(words for words in sent if words and len(words) <= TEXT_AT_MOST)
