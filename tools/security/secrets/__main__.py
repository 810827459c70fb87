"""`python -m tools.security.secrets [--tree | --recent] [REPOSITORY]`: searches tree and history.

`--tree` leaves the history out, `--recent` all of it but the last 20 commits of the current branch.
The exit code is 1 where a secret is found, 2 where there was nothing to search.
"""

import sys
from pathlib import Path

from tools.security.secrets import git_texts
from tools.security.secrets.secret_search import find_secrets

ROOT = Path(__file__).resolve().parents[3]
ADVICE = (
    "A true one: revoke it where it came from first, for whoever has a copy has it for good; then "
    "take it out.\nOne that was made up for a test: add it to "
    "tools/security/secrets/harmless_values.py, with the reason."
)


def main(arguments: list[str]) -> int:
    """Print a line for each secret, never the secret; returns the exit code."""
    paths = [argument for argument in arguments if not argument.startswith("--")]
    root = Path(paths[0]) if paths else ROOT
    try:
        lines = _search_repository(root, options=set(arguments))
    except git_texts.NotARepository as error:
        print(f"{root} cannot be searched, for git says: {error}", file=sys.stderr)
        return 2
    if lines:
        print(*lines, ADVICE, sep="\n", file=sys.stderr)
    return 1 if lines else 0


def _search_repository(root: Path, *, options: set[str]) -> list[str]:
    seen_lines: set[str] = set()
    tree_lines = [
        f"{secret.text.path}:{secret.line}: {secret.describe()}"
        for secret in find_secrets(git_texts.list_tree_texts(root), seen_lines)
    ]
    print(f"{len(tree_lines)} secrets in the tree.")
    if "--tree" in options:
        return tree_lines
    refs = git_texts.list_recent_refs(root) if "--recent" in options else ["--all"]
    if git_texts.is_shallow_clone(root):
        print(
            "This clone is shallow: the commits that were left behind are not searched. "
            "`git fetch --unshallow` brings them."
        )
    old_lines = [
        f"commit {git_texts.find_commit_with_object(root, secret.text.object)}, "
        f"{secret.text.path}:{secret.line}: {secret.describe()}"
        for secret in find_secrets(git_texts.list_history_texts(root, refs), seen_lines)
    ]
    print(
        f"{len(old_lines)} more in the history, of {git_texts.count_commits(root, refs)} commits."
    )
    return tree_lines + old_lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
