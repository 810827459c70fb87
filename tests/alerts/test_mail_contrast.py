"""Mails are readable in light and in dark mail programs (case 39): WCAG's contrast of each text."""

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).resolve().parents[2] / "templates/mail/_style.html").read_text()
LIGHT, DARK = STYLE.partition("<style>")[2].split("@media (prefers-color-scheme: dark)")
# The texts of a mail, and what each stands on.
PAIRS = (
    ("body", ".card"),
    ("body", ".page"),
    (".soft", ".card"),
    (".foot", ".page"),
    (".bad", ".bad"),
    (".warn", ".warn"),
    (".good", ".good"),
    ("a", ".card"),
    ("a", ".page"),
    ("a.button", "a.button"),
)


def declared(style: str, selector: str, name: str) -> str:
    """The colour that the last rule with this selector gives."""
    found = ""
    for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", style):
        if selector in [each.strip() for each in selectors.split(",")]:
            match = re.search(rf"(?:^|[;\s]){name}:\s*(#[0-9a-f]{{6}})", rules)
            found = match[1] if match else found
    assert found, (selector, name)
    return found


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(style: str, text: str, ground: str) -> None:
    light, dark = sorted(
        (
            luminance(declared(style, text, "color")),
            luminance(declared(style, ground, "background")),
        ),
        reverse=True,
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_every_colour_of_the_light_look_has_one_in_the_dark() -> None:
    coloured = {
        selector.strip()
        for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", LIGHT)
        for selector in selectors.split(",")
        if "#" in rules
    }
    dark = {each.strip() for part in re.findall(r"([^{}]+)\{", DARK) for each in part.split(",")}
    assert coloured - dark == set()
