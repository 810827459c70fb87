"""The licence of a library that is installed, as its own metadata has it."""

from importlib import metadata

# What some write instead of the names that SPDX gave.
SPELLED = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Their metadata names none, not all, or "BSD", which is three licences; their files were read. The
# two for other machines than this stand here, so that the bill is the same on each.
READ_IN_THEIR_FILES = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "colorama": "BSD-3-Clause",
    "django-csp": "BSD-3-Clause",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "pytest-django": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "qrcode": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
}


def licence_of(name: str) -> str | None:
    """An SPDX name or expression, else what its author wrote; nothing if it is not installed."""
    if name in READ_IN_THEIR_FILES:
        return READ_IN_THEIR_FILES[name]
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    written = about.get("License-Expression") or _one_line(about.get("License"))
    classified = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    said = written or next(iter(classified), None)
    return SPELLED.get(said, said) if said else None


def _one_line(text: str | None) -> str | None:
    return text if text and text != "UNKNOWN" and len(text) < 40 and "\n" not in text else None
