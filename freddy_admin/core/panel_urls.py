"""Addresses of the panel's pages from outside a request: in messages, and in threads of a server.

Where `PANEL_URL` has a path, every address begins with it. Django's `reverse` adds it by itself
while a request is answered and in a command's main thread, and in no other.
"""

from urllib.parse import quote

from django.conf import settings

# The pages that messages lead to, as `freddy_admin/urls.py` has them: a test holds that both agree.
# Django's `reverse` would import every view, which costs a worker 28 MB and a second.
_ROUTES = {
    "overview": "",
    "organisation": "organisations/{}/",
    "incident_list": "alerts/",
    "incident": "organisations/{}/incidents/{}/",
    "alert_channels": "alerts/channels/",
    "alert_channel": "organisations/{}/alerts/channels/{}/",
    "fleet_channel": "alerts/fleet/channels/{}/",
    "profile_alerts": "profile/alerts/",
    "unsubscribe": "unsubscribe/{}/",
    "invitation": "invitations/{}/",
    "account_login": "accounts/login/",
    "account_reset_password_from_key": "accounts/password/reset/key/{}-{}/",
    "oidc_callback": "accounts/single-sign-on/return/",
}
PAGE_NAMES = tuple(_ROUTES)


def panel_url(page_name: str, *args: object) -> str:
    """The whole address of a page of `PAGE_NAMES`, below `PANEL_URL`, in whatever thread."""
    route = _ROUTES[page_name]
    return f"{settings.PANEL_URL}/{route.format(*(quote(str(arg), safe='~:@') for arg in args))}"


def path_in_panel(path: str) -> str:
    """The path of a request without that of `PANEL_URL`; begins with `/`."""
    prefix = settings.FORCE_SCRIPT_NAME
    if not prefix or not f"{path}/".startswith(f"{prefix}/"):
        return path
    return path.removeprefix(prefix) or "/"
