"""The licence of an installed library, by its metadata."""

from importlib import metadata

# Names that some libraries use, and those of SPDX.
SPDX_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Their metadata names none, not all, or "BSD", which is three licences; their files were read. Two
# that only other platforms install are listed, so that the bill is the same on each.
LICENCES_READ_BY_HAND = {
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


def library_licence(name: str) -> str | None:
    """An SPDX name or expression, else the author's own; None for a library not installed."""
    if name in LICENCES_READ_BY_HAND:
        return LICENCES_READ_BY_HAND[name]
    try:
        package_metadata = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    licence = package_metadata.get("License-Expression") or _single_line_text(
        package_metadata.get("License")
    )
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in package_metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    licence = licence or next(iter(classifiers), None)
    return SPDX_NAMES.get(licence, licence) if licence else None


def _single_line_text(text: str | None) -> str | None:
    return text if text and text != "UNKNOWN" and len(text) < 40 and "\n" not in text else None
