"""Browsers in which somebody is signed in, in words."""

import re
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.sessions import ActiveSession
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


@dataclass(frozen=True, slots=True)
class SessionDevice:
    """The device of one session."""

    id: int
    name: str
    icon: str
    address: str
    since: SafeString
    last_seen: SafeString
    is_current: bool


def session_devices(sessions: list[ActiveSession], user_time: UserTime) -> list[SessionDevice]:
    """A device per session, in the given order."""
    return [_session_device(session, user_time) for session in sessions]


def _session_device(session: ActiveSession, user_time: UserTime) -> SessionDevice:
    browser = _first_matching_name(BROWSER_PATTERNS, session.user_agent)
    system = _first_matching_name(OPERATING_SYSTEM_PATTERNS, session.user_agent)
    return SessionDevice(
        id=session.id,
        name=_device_name(browser, system),
        icon="device-mobile" if system in HANDHELD_SYSTEMS else "device-laptop",
        address=session.ip or _("this machine"),
        since=user_time.render_clock(session.started_at),
        last_seen=user_time.render_ago(session.last_seen_at),
        is_current=session.is_current,
    )


def _first_matching_name(patterns: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in patterns if pattern.search(text)), "")


def _device_name(browser: str, system: str) -> str:
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")
