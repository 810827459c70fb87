"""Browsers in which somebody is signed in, in words."""

import re
from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.accounts.session_list import ActiveSession
from freddy_admin.wording.times import UserTime

# The first that fits: most browsers also call themselves by an older one's name.
BROWSER_PATTERNS = (
    ("Edge", re.compile(r"\bEdgA?(iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\bFirefox/|\bFxiOS/")),
    ("Chrome", re.compile(r"\b(Headless)?Chrom(e|ium)/|\bCriOS/")),
    ("Safari", re.compile(r"\bSafari/")),
)
OPERATING_SYSTEM_PATTERNS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
HANDHELD_SYSTEMS = {"iPhone", "iPad", "Android"}


def session_row(session: ActiveSession, user_time: UserTime) -> dict[str, Any]:
    """One session with the device that its browser names."""
    system = _first_matching_name(OPERATING_SYSTEM_PATTERNS, session.user_agent)
    return {
        "session": session,
        "device": device_name(session.user_agent),
        "icon": "device-mobile" if system in HANDHELD_SYSTEMS else "device-laptop",
        "since": user_time.render_clock(session.started_at),
        "last_seen": user_time.render_ago(session.last_seen_at),
    }


def device_name(user_agent: str) -> str:
    """`Firefox on Linux`, or as much of it as the user agent says."""
    browser = _first_matching_name(BROWSER_PATTERNS, user_agent)
    system = _first_matching_name(OPERATING_SYSTEM_PATTERNS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def _first_matching_name(patterns: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in patterns if pattern.search(text)), "")
