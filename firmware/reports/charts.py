"""The charts of a report, as SVG that stands in a page: its colours are the page's, and nothing in it is fetched."""

import math
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import pairwise

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmware.core.backward_test import BANDS
from firmware.core.plan import LEAST_SPEED_MPS, LONGEST_FIRST_WEEKS_MIN, Step, Verdict
from firmware.reports.norms import SWAY_PITCH_DEG, SWAY_ROLL_DEG, Norm
from firmware.walks import Record

# Source: Okabe and Ito (2008), "Color Universal Design". The page replaces each by its own light or dark one.
COLOURS = {
    "ink": "#111213",
    "faint": "#c1c2c3",
    "blue": "#0072b2",
    "red": "#d55e00",
    "green": "#009e73",
    "pink": "#cc79a7",
    "amber": "#e69f00",
}
INK, FAINT, BLUE, RED, GREEN, PINK, AMBER = COLOURS.values()
WIDTH_IN, HEIGHT_IN = 6.2, 2.6
MOST_TICKS = 7
MOST_GAP = 8  # places for one gap, however many weeks it is
WARNINGS = (  # each with a hatch, for colours that look alike on paper or to some eyes
    ("obstacle_warnings", "obstacle", BLUE, ""),
    ("sway_warnings", "sway", RED, "////"),
    ("lean_cues", "lean", AMBER, "...."),
    ("step_cues", "steps", PINK, "xxxx"),
    ("rest_cues", "rest", GREEN, "----"),
)
CURVES = ((BLUE, 5.0, "-", "o"), (AMBER, 3.0, "--", "s"), (INK, 1.4, ":", "^"))  # thinner upon thicker


def minutes(walks: Sequence[Record], steps: Sequence[Step]) -> str:
    """Walked against planned."""
    figure, ax = _new("minutes")
    planned, at = _values(walks, "planned_minutes"), places(walks)
    ax.bar(at, [_zero(value) for value in _values(walks, "minutes")], color=BLUE, label="walked")
    ax.step(*_broken(at, planned), where="mid", color=INK, linewidth=1.6, label="planned")
    for verdict, mark, name in ((Verdict.UNCLEAN, "x", "not clean"), (Verdict.FALL, "v", "a fall")):
        where = [index for index, step in enumerate(steps) if step.verdict is verdict]
        if where:
            heights = [_zero(planned[index]) + 0.6 for index in where]
            ax.plot([at[index] for index in where], heights, mark, color=RED, label=name)
    return _finished(figure, ax, walks, "minutes")


def speed(walks: Sequence[Record]) -> str:
    """With the error of the distance, and the limit."""
    figure, ax = _new("m/s")
    for index, walk in zip(places(walks), walks, strict=True):
        value, share = walk.number("speed_mps"), _distance_error(walk)
        if value is not None:
            error = None if share is None else [value * share]
            ax.errorbar([index], [value], yerr=error, fmt="o", color=BLUE, capsize=2, markersize=4)
    ax.axhline(LEAST_SPEED_MPS, color=RED, linestyle="--", linewidth=1.4, label=f"{LEAST_SPEED_MPS} m/s (Fritz 2013)")
    ax.set_ylim(bottom=0.0)
    return _finished(figure, ax, walks, "speed")


def backward_tests(tests: Sequence[Record]) -> str:
    """With the published limits."""
    figure, ax = _new("seconds for 3 m")
    ax.plot(range(len(tests)), _values(tests, "duration_s"), "o-", color=BLUE, label="her test")
    for band, colour, line in zip(BANDS, (GREEN, AMBER, RED), ("-.", "--", ":"), strict=True):
        label = f"{band.limit_s:g} s"
        ax.axhline(band.limit_s, color=colour, linestyle=line, linewidth=1.4, label=label)
    ax.set_ylim(bottom=0.0)
    return _finished(figure, ax, tests, "tests", weekly=False)


def sway_ratio(walks: Sequence[Record]) -> str:
    """Against what is usual for her."""
    figure, ax = _new("times her usual")
    ax.axhline(1.0, color=INK, linewidth=1.0, label="her usual sway")
    ax.plot(*_broken(places(walks), _values(walks, "sway_ratio")), "o-", color=BLUE, markersize=4, label="this walk")
    return _finished(figure, ax, walks, "ratio")


def sway_norm(walks: Sequence[Record]) -> str:
    """Peak to peak against Lee 2014."""
    figure, ax = _new("deg, peak to peak")
    for key, name, norm, colour, mark in (
        ("sway_roll_p2p_deg", "sideways", SWAY_ROLL_DEG, BLUE, "o-"),
        ("sway_pitch_p2p_deg", "forward and back", SWAY_PITCH_DEG, RED, "s--"),
    ):
        ax.plot(*_broken(places(walks), _values(walks, key)), mark, color=colour, markersize=4, label=name)
        ax.axhspan(*_band(norm), color=colour, alpha=0.13, linewidth=0, label=f"{norm.mean:g} ± {norm.sd:g}")
    ax.set_ylim(bottom=0.0)
    return _finished(figure, ax, walks, "norm")


def cadence(walks: Sequence[Record]) -> str:
    return _line(walks, "cadence_spm", "steps a minute", "cadence")


def variability(walks: Sequence[Record]) -> str:
    return _line(walks, "step_time_sd_ms", "ms, one SD", "variability")


def lean(walks: Sequence[Record]) -> str:
    return _line(walks, "lean_deg", "deg forward", "lean")


def response(walks: Sequence[Record]) -> str:
    return _line(walks, "response_s", "seconds", "response")


def warnings(walks: Sequence[Record]) -> str:
    """How many of each kind, one above the other."""
    figure, ax = _new("a walk")
    floor = [0.0] * len(walks)
    for key, name, colour, hatch in WARNINGS:
        counts = [_zero(value) for value in _values(walks, key)]
        bars = ax.bar(places(walks), counts, bottom=floor, color=colour, edgecolor=INK, linewidth=0.4, label=name)
        for bar in bars:
            bar.set_hatch(hatch)
        floor = [low + count for low, count in zip(floor, counts, strict=True)]
    return _finished(figure, ax, walks, "warnings")


def plan_curves(curves: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> Figure:
    """Planned minutes over days, one line each, for a picture of its own. A week without a walk is a gap."""
    figure, ax = _new("minutes a walk", width_in=8.0, height_in=4.0)
    figure.set_facecolor("white")
    for (name, days, planned), (colour, width, line, mark) in zip(curves, CURVES, strict=False):
        weeks = [1 + day / 7 for day in days]
        ax.step(*_in_weeks(weeks, planned), where="post", linestyle=line, color=colour, linewidth=width)
        ax.plot(weeks, planned, mark, markersize=width + 2.5, color=colour)
        ax.plot([], [], line + mark, markersize=width + 2.5, color=colour, linewidth=width, label=name)  # the legend's
    ax.axhline(
        LONGEST_FIRST_WEEKS_MIN, color=PINK, linewidth=1.4, linestyle="-.", label="at most, for two weeks or more"
    )
    ax.set(xlabel="week (a gap: no walk in that week)", ylim=(0, None))
    ax.legend(loc="upper left", frameon=False, fontsize=9)
    return figure


def _in_weeks(weeks: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The line ends with its week where the next one, or more, has no walk."""
    xs, ys = list(weeks[:1]), list(values[:1])
    for (before, value), (week, after) in pairwise(zip(weeks, values, strict=True)):
        if math.floor(week) - math.floor(before) > 1:
            xs += [math.floor(before) + 1.0, math.nan]
            ys += [value, math.nan]
        xs.append(week)
        ys.append(after)
    return xs, ys


def save(figure: Figure, path: str, kind: str) -> None:
    """`kind` is "svg" or "png". Raises OSError."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "rearguard"}):
        figure.savefig(path, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)


def _line(walks: Sequence[Record], key: str, unit: str, name: str) -> str:
    figure, ax = _new(unit)
    ax.plot(*_broken(places(walks), _values(walks, key)), "o-", color=BLUE, markersize=4)
    return _finished(figure, ax, walks, name)


def _new(unit: str, width_in: float = WIDTH_IN, height_in: float = HEIGHT_IN) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="none")
    ax = figure.add_subplot()
    ax.set_facecolor("none")
    ax.grid(True, axis="y", color=FAINT, linewidth=0.7)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(INK)
    ax.tick_params(colors=INK, labelsize=9)
    ax.set_ylabel(unit, color=INK, fontsize=9)
    ax.xaxis.label.set_color(INK)
    return figure, ax


def _finished(figure: Figure, ax: Axes, walks: Sequence[Record], name: str, *, weekly: bool = True) -> str:
    """In the order in which they were walked: where a clock was wrong, dates would draw what was not."""
    at = places(walks) if weekly else list(range(len(walks)))
    apart = max(1, math.ceil(len(walks) / MOST_TICKS))
    labelled = range(0, len(walks), apart)
    labels = [walks[index].date[2:] if walks[index].day is not None else "no date" for index in labelled]
    ax.set_xticks([at[index] for index in labelled], labels)
    ax.set_xlim(-0.6, (at[-1] if at else 0) + 0.6)
    for (before, place), (walk, after) in zip(pairwise(at), pairwise(walks), strict=True):
        if weekly and place - before > 1:
            _show_gap(ax, before, place, _missed_weeks(walk, after))
    if ax.get_legend_handles_labels()[0]:
        legend = ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, frameon=False, fontsize=8.5)
        for text in legend.get_texts():
            text.set_color(INK)
    drawn = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(drawn, format="svg", transparent=True)
    return inline(drawn.getvalue(), name)


def inline(svg: str, name: str) -> str:
    """The drawing for a page: no address in it, ids of its own, and the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(xmlns(:\w+)?|version)="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    svg = re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"', r"\1", svg)
    for word, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{word}, {colour})")
    return re.sub(r"<svg ", '<svg aria-hidden="true" ', svg, count=1).strip()


def places(walks: Sequence[Record]) -> list[int]:
    """Where each walk stands: side by side, with one place left free for every week without a walk."""
    at = list(range(len(walks)))[:1]
    for before, walk in pairwise(walks):
        at.append(at[-1] + 1 + min(_missed_weeks(before, walk), MOST_GAP))
    return at


def _missed_weeks(before: Record, walk: Record) -> int:
    """Weeks from Monday to Sunday between these two; 0 where nobody knows the day."""
    if before.day is None or walk.day is None:
        return 0
    return max(0, (walk.day - 1) // 7 - (before.day - 1) // 7 - 1)  # day 1 was a Monday


def _broken(at: Sequence[int], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The line, broken where weeks are missing."""
    xs, ys = [float(place) for place in at[:1]], list(values[:1])
    for (before, _), (place, value) in pairwise(zip(at, values, strict=True)):
        xs += [before + 0.5, place] if place - before > 1 else [place]
        ys += [math.nan, value] if place - before > 1 else [value]
    return xs, ys


def _show_gap(ax: Axes, before: int, place: int, weeks: int) -> None:
    ax.axvspan(before + 0.6, place - 0.6, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0)
    says = f"{weeks} week{'' if weeks == 1 else 's'} without a walk"
    middle = (before + place) / 2
    ax.text(
        middle,
        0.5,
        says,
        rotation=90,
        ha="center",
        va="center",
        color=INK,
        fontsize=7,
        transform=ax.get_xaxis_transform(),
    )


def _values(walks: Iterable[Record], key: str) -> list[float]:
    """NaN where it is not known: a gap in the line."""
    numbers = [walk.number(key) for walk in walks]
    return [math.nan if number is None else number for number in numbers]


def _zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _band(norm: Norm) -> tuple[float, float]:
    return norm.mean - norm.sd, norm.mean + norm.sd


def _distance_error(walk: Record) -> float | None:
    """As a share; the speed is the distance over a time that is known well. None where the error is not known."""
    distance_m, sd_m = walk.number("distance_m"), walk.number("distance_sd_m")
    return sd_m / distance_m if distance_m and sd_m is not None else None
