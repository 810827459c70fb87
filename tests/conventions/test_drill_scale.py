"""What CI tries of a drill shows each kind of it, and `make drills` all."""

import pytest

from tests import drill_scale
from tests.drill_scale import drill_pairs

SIZES = [(5, 5), (3, 20), (20, 3), (1, 7), (10, 10), (2, 60)]


@pytest.mark.parametrize(("left", "right"), SIZES)
def test_pairs_tried_in_ci_are_few_and_meet_each_of_the_shorter_list(
    left: int, right: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill_scale, "RUN_FULL_DRILLS", False)
    pairs = drill_pairs(range(left), range(right))
    assert len(pairs) == len(set(pairs)) == max(-(-left * right // 10), min(left, right))
    shorter = 0 if left <= right else 1
    assert {pair[shorter] for pair in pairs} == set(range(min(left, right)))


def test_drills_try_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_scale, "RUN_FULL_DRILLS", True)
    assert drill_pairs("ab", "cd") == [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]
