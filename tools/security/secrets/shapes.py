"""What a secret looks like: detect-secrets' own shapes, and those of this project."""

import re
from collections.abc import Iterator

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

# Addresses of machines are none; a private key is told here with what belongs to it, for its first
# line alone stands in many a text about keys. What guesses by disorder or by the name of a variable
# is no RegexBasedDetector: it finds a thousand test names here and no secret.
LEFT_OUT = {"IPPublicDetector", "PrivateKeyDetector"}


class NamedSetting(RegexBasedDetector):
    """The value of a setting that is a secret, in a file of settings, a script or code."""

    secret_type = "the value of a secret setting"
    denylist = (
        re.compile(
            r"\b(?:SECRET_KEY(?:_FALLBACKS)?|ENCRYPTION_KEYS(?:_KMS)?|OIDC_CLIENT_SECRET"
            r"|ADMIN_PASSWORD)[\"']?\s*[=:,]\s*[\"']?([\w+/:,.=!@#$%^&*-]{12,}+)(?!\()"
        ),
    )

    def analyze_string(self, string: str) -> Iterator[str]:
        """Names and words of code hold no digit; a value made at random does."""
        yield from (found for found in super().analyze_string(string) if re.search(r"\d", found))


class MasterKey(RegexBasedDetector):
    """32 bytes as base64, as `ENCRYPTION_KEYS` takes them, wherever they stand."""

    secret_type = "32 bytes as base64, the shape of a master key"
    denylist = (re.compile(r"(?<![\w+/=-])[\w+/-]{43}=(?![\w=])"),)


class AitronosKey(RegexBasedDetector):
    """The shapes the vendor hands out."""

    secret_type = "an Aitronos API key"
    denylist = (re.compile(r"\b(?:oak_[a-z]+|ak)_[A-Za-z0-9_-]{20,}"),)


class PanelToken(RegexBasedDetector):
    """What `accounts/tokens.py` makes."""

    secret_type = "a panel token"
    denylist = (re.compile(r"\bfreddy_[A-Za-z0-9_-]{43}(?![\w-])"),)


class PrivateKeyBlock(RegexBasedDetector):
    """The first line of a private key and the beginning of what makes it one."""

    secret_type = "a private key"
    denylist = (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[\s\"'+]|\\[nr])*[\w+/=]{20}"
        ),
    )


_library = get_mapping_from_secret_type_to_class().values()
LINES: tuple[RegexBasedDetector, ...] = (
    *(
        kind()
        for kind in _library
        if issubclass(kind, RegexBasedDetector) and kind.__name__ not in LEFT_OUT
    ),
    NamedSetting(),
    MasterKey(),
    AitronosKey(),
    PanelToken(),
)
# These reach over the end of a line.
TEXTS: tuple[RegexBasedDetector, ...] = (PrivateKeyBlock(),)
