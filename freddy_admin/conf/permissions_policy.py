"""Builds the setting of the header Permissions-Policy."""

_BROWSER_FEATURES = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "usb",
    "xr-spatial-tracking",
)


def build_permissions_policy() -> dict[str, list[str]]:
    """`PERMISSIONS_POLICY`: a page may use none of the browser's features that ask for consent."""
    return {feature: [] for feature in _BROWSER_FEATURES}
