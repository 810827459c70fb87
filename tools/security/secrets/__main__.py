"""`python -m tools.security.secrets [--tree | --head] [REPOSITORY]`: the tree, and the history.

`--tree` leaves the history out, `--head` what the present branch does not hold. Ends with 1 where
a secret is found, 2 where there was nothing to search.
"""

import sys
from pathlib import Path

from tools.security.secrets import reading
from tools.security.secrets.searching import found_in

ROOT = Path(__file__).resolve().parents[3]
ADVICE = (
    "A true one: revoke it where it came from first, for whoever has a copy has it for good; then "
    "take it out.\nOne that was made up for a test: add it to tools/security/secrets/known.py, "
    "with the reason."
)


def main(arguments: list[str]) -> int:
    """Prints a line for each secret, never the secret."""
    places = [one for one in arguments if not one.startswith("--")]
    root = Path(places[0]) if places else ROOT
    try:
        found = _search(root, options=set(arguments))
    except reading.NoRepository as error:
        print(f"{root} cannot be searched, for git says: {error}", file=sys.stderr)
        return 2
    if found:
        print(*found, ADVICE, sep="\n", file=sys.stderr)
    return 1 if found else 0


def _search(root: Path, *, options: set[str]) -> list[str]:
    seen: set[str] = set()
    found = [
        f"{one.text.place}:{one.line}: {one.told()}" for one in found_in(reading.tree(root), seen)
    ]
    print(f"{len(found)} secrets in the tree.")
    if "--tree" in options:
        return found
    refs = "HEAD" if "--head" in options else "--all"
    if reading.shallow(root):
        print(
            "This clone is shallow: the commits that were left behind are not searched. "
            "`git fetch --unshallow` brings them."
        )
    older = [
        f"commit {reading.commit_with(root, one.text.object)}, {one.text.place}:{one.line}: "
        f"{one.told()}"
        for one in found_in(reading.history(root, refs), seen)
    ]
    print(f"{len(older)} more in the history, of {reading.commits(root, refs)} commits.")
    return found + older


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
