"""Browsers in which somebody is signed in, in words."""

import re
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.sessions import SignedIn
from freddy_admin.web.presenters.times import Reading

# The first that fits: most browsers also call themselves by an older one's name.
BROWSERS = (
    ("Edge", re.compile(r"\bEdgA?(iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\bFirefox/|\bFxiOS/")),
    ("Chrome", re.compile(r"\b(Headless)?Chrom(e|ium)/|\bCriOS/")),
    ("Safari", re.compile(r"\bSafari/")),
)
SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
HAND_HELD = {"iPhone", "iPad", "Android"}


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the list."""

    id: int
    name: str
    icon: str
    address: str
    since: SafeString
    seen: SafeString
    is_here: bool


def devices_of(sessions: list[SignedIn], on: Reading) -> list[Device]:
    """A line for each of them."""
    return [_device(session, on) for session in sessions]


def _device(session: SignedIn, on: Reading) -> Device:
    browser, system = _first(BROWSERS, session.browser), _first(SYSTEMS, session.browser)
    return Device(
        id=session.id,
        name=_named(browser, system),
        icon="device-mobile" if system in HAND_HELD else "device-laptop",
        address=session.address or _("this machine"),
        since=on.at(session.since),
        seen=on.ago(session.seen),
        is_here=session.is_here,
    )


def _first(known: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in known if pattern.search(text)), "")


def _named(browser: str, system: str) -> str:
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")
