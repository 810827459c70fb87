"""Prometheus' text format: a dozen lines of ours, for the numbers are counted in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric: its name, what it is, and its samples; a value of None is left out."""

    name: str
    kind: str  # gauge or counter
    text: str
    samples: Sequence[tuple[Labels, float | None]]


def render_metric_families(families: Iterable[MetricFamily]) -> str:
    """The families in Prometheus' text format."""
    lines: list[str] = []
    for family in families:
        samples = [(labels, value) for labels, value in family.samples if value is not None]
        if not samples:
            continue
        lines += [
            f"# HELP {family.name} {_escape_text(family.text, quotes=False)}",
            f"# TYPE {family.name} {family.kind}",
            *(f"{family.name}{_render_labels(labels)} {value:.10g}" for labels, value in samples),
        ]
    return "".join(f"{line}\n" for line in lines)


def _render_labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escape_text(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escape_text(text: str, *, quotes: bool = True) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped
