"""The golden texts in the tree: read, written, and compared with what is rendered now.

A file has each response of an address once, under all roles that get it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from tests.golden.page_rendering import RenderedText

TEXTS = Path(__file__).parent / "texts"
HEADING = re.compile(r"^== (.*) as ([a-z, ]+)$", re.M)
# A file, a request and a role.
Place = tuple[str, str, str]


@dataclass(frozen=True)
class GoldenTexts:
    """The golden text of each place, and those places that are asked for."""

    texts: dict[Place, str]
    asked_places: frozenset[Place]
    files: frozenset[str]
    asks_everything: bool

    def asks(self, file: str, request: str, role: str) -> bool:
        """Whether this request is to be made; of a file that is not known yet all are."""
        is_known = file in self.files and not self.asks_everything
        return not is_known or (file, request, role) in self.asked_places

    def list_differences(self, rendered_texts: Iterable[RenderedText]) -> Iterator[str]:
        """What differs at the places that were asked for or rendered, once for all its roles."""
        new_texts = {
            (one.file, one.request, one.role): one.text.strip("\n") for one in rendered_texts
        }
        reported = set[tuple[str, ...]]()
        for place in sorted(self.asked_places | new_texts.keys()):
            golden, new = self.texts.get(place, ""), new_texts.get(place, "")
            difference = (*place[:2], golden, new)
            if golden != new and difference not in reported:
                reported.add(difference)
                name = "{}: {} as {}".format(*place)
                lines = unified_diff(
                    golden.splitlines(), new.splitlines(), name, name, lineterm="", n=0
                )
                yield from list(lines)[:20]


def golden_texts_read(*, asks_everything: bool) -> GoldenTexts:
    """The texts in the tree; each is asked for by the first role that gets it, or by all."""
    texts, asked_places, files = dict[Place, str](), set[Place](), set[str]()
    for path in TEXTS.glob("*.txt"):
        files.add(path.stem)
        pieces = iter(HEADING.split(path.read_text())[1:])
        for request, role_names, text in zip(pieces, pieces, pieces, strict=True):
            places = [(path.stem, request, role) for role in role_names.split(", ")]
            texts |= dict.fromkeys(places, text.strip("\n"))
            asked_places |= set(places if asks_everything else places[:1])
    return GoldenTexts(texts, frozenset(asked_places), frozenset(files), asks_everything)


def golden_texts_write(rendered_texts: Iterable[RenderedText]) -> None:
    """Write the files anew; those of which nothing is rendered any more are removed."""
    files: defaultdict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
    for one in rendered_texts:
        files[one.file].setdefault((one.request, one.text), []).append(one.role)
    TEXTS.mkdir(exist_ok=True)
    for path in TEXTS.glob("*.txt"):
        if path.stem not in files:
            path.unlink()
    for name, roles_by_text in files.items():
        blocks = (
            f"== {request} as {', '.join(roles)}\n{text}\n"
            for (request, text), roles in roles_by_text.items()
        )
        (TEXTS / f"{name}.txt").write_text("\n".join(blocks))
