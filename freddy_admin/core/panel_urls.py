"""Addresses of the panel's pages from outside a request: in mails, and in threads of a server.

Where `PANEL_URL` has a path, every address begins with it. Django's `reverse` adds it by itself
while a request is answered and in a command's main thread, and in no other.
"""

from django.conf import settings
from django.urls import get_script_prefix, reverse


def panel_url(view_name: str, *args: object) -> str:
    """The whole address of a page, below `PANEL_URL`, in whatever thread."""
    return f"{settings.PANEL_URL}/{reverse(view_name, args=args).removeprefix(get_script_prefix())}"


def path_in_panel(path: str) -> str:
    """The path of a request without that of `PANEL_URL`; begins with `/`."""
    prefix = settings.FORCE_SCRIPT_NAME
    if not prefix or not f"{path}/".startswith(f"{prefix}/"):
        return path
    return path.removeprefix(prefix) or "/"
