"""What a call of the panel runs: which of its files, and how many functions."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import freddy_admin

PANEL = Path(freddy_admin.__file__).parent


def entered_files(call: Callable[[], object]) -> list[str]:
    """The files below `freddy_admin/` of which any code runs during `call`, sorted."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        files.add(frame.f_code.co_filename)

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(former)
    paths = (Path(file) for file in files)
    return sorted(str(path.relative_to(PANEL)) for path in paths if path.is_relative_to(PANEL))


def count_calls(call: Callable[[], object]) -> int:
    """How many Python functions run during `call`: a cost that no busy machine changes."""
    number = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event == "call"

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(former)
    return number
