"""What a launch says before anything is started."""

import socket
from pathlib import Path

import pytest
from django.core.management import CommandError

from freddy_admin.ops.launch import Launch, launch


def test_a_taken_port_is_one_sentence_and_starts_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        plan = Launch(port=port, env={}, steps=[("step", ["touch", str(mark)])])
        with pytest.raises(CommandError, match=f"Port {port} cannot be used.*PORT=8001"):
            launch(plan)
    assert not mark.exists()


def test_a_step_that_fails_stops_everything_and_is_named() -> None:
    plan = Launch(port=0, env={}, steps=[("preparing the data", ["false"])])
    with pytest.raises(CommandError, match="preparing the data ended with code 1"):
        launch(plan)
