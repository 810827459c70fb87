"""Prometheus' text format: a dozen lines of ours, for the numbers are counted in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name, what it is, and its samples; a value of None is left out."""

    name: str
    kind: str  # gauge or counter
    text: str
    samples: Sequence[tuple[Labels, float | None]]


def exposed(families: Iterable[Family]) -> str:
    """All of them as a scrape reads them."""
    lines: list[str] = []
    for family in families:
        known = [(labels, value) for labels, value in family.samples if value is not None]
        if not known:
            continue
        lines += [
            f"# HELP {family.name} {_escaped(family.text, quotes=False)}",
            f"# TYPE {family.name} {family.kind}",
            *(f"{family.name}{_labels(labels)} {value:.10g}" for labels, value in known),
        ]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(text: str, *, quotes: bool = True) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain
