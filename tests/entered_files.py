"""The files of the panel that a call enters: how wide the code is that a reader has to follow."""

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
