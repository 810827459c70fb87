"""The detectors of secrets: those of detect-secrets, and those of this project."""

import re
from collections.abc import Iterator

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

# IP addresses are no secrets; `PrivateKeyBlockDetector` needs more of a private key than its first
# line, which many texts about keys hold. Detectors that guess by entropy or by the name of a
# variable are no RegexBasedDetector: they would find a thousand test names and no secret.
EXCLUDED_DETECTORS = {"IPPublicDetector", "PrivateKeyDetector"}


class NamedSettingDetector(RegexBasedDetector):
    """Finds the values of secret settings, in a file of settings, a script or code."""

    secret_type = "the value of a secret setting"
    denylist = (
        re.compile(
            r"\b(?:SECRET_KEY(?:_FALLBACKS)?|ENCRYPTION_KEYS(?:_KMS)?|OIDC_CLIENT_SECRET"
            r"|ADMIN_PASSWORD)[\"']?\s*[=:,]\s*[\"']?([\w+/:,.=!@#$%^&*-]{12,}+)(?!\()"
        ),
    )

    def analyze_string(self, string: str) -> Iterator[str]:
        """The values with a digit: names in code hold none, a random value does."""
        yield from (value for value in super().analyze_string(string) if re.search(r"\d", value))


class MasterKeyDetector(RegexBasedDetector):
    """Finds 32 bytes as base64, the form of `ENCRYPTION_KEYS`, anywhere in a line."""

    secret_type = "32 bytes as base64, the shape of a master key"
    denylist = (re.compile(r"(?<![\w+/=-])[\w+/-]{43}=(?![\w=])"),)


class AitronosKeyDetector(RegexBasedDetector):
    """Finds API keys in the forms that Aitronos issues."""

    secret_type = "an Aitronos API key"
    denylist = (re.compile(r"\b(?:oak_[a-z]+|ak)_[A-Za-z0-9_-]{20,}"),)


class PanelTokenDetector(RegexBasedDetector):
    """Finds API tokens of the panel, as `accounts/api_tokens` creates them."""

    secret_type = "a panel token"
    denylist = (re.compile(r"\bfreddy_[A-Za-z0-9_-]{43}(?![\w-])"),)


class PrivateKeyBlockDetector(RegexBasedDetector):
    """Finds the first line of a private key with the beginning of its content."""

    secret_type = "a private key"
    denylist = (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[\s\"'+]|\\[nr])*[\w+/=]{20}"
        ),
    )


_library = get_mapping_from_secret_type_to_class().values()
LINE_DETECTORS: tuple[RegexBasedDetector, ...] = (
    *(
        kind()
        for kind in _library
        if issubclass(kind, RegexBasedDetector) and kind.__name__ not in EXCLUDED_DETECTORS
    ),
    NamedSettingDetector(),
    MasterKeyDetector(),
    AitronosKeyDetector(),
    PanelTokenDetector(),
)
# These match across the end of a line.
TEXT_DETECTORS: tuple[RegexBasedDetector, ...] = (PrivateKeyBlockDetector(),)
