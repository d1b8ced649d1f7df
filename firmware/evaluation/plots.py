"""The scores as pictures. Light background, units on every axis, colours that colour-blind people can tell apart."""

import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmware.evaluation.runner import Evaluation
from firmware.evaluation.scoring import false_alarms_s, found_s, lead_s, wilson
from firmware.evaluation.stream import Judged
from firmware.evaluation.trial_plot import draw_errors

# Source: Okabe and Ito (2008), "Color Universal Design".
BLUE, ORANGE, GREEN, SKY, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7"
COLOURS = (BLUE, RED, GREEN, PINK, ORANGE, SKY)
INK, FAINT = "#222222", "#DDDDDD"
DPI = 130
LATE_S = 5.0  # later alarms, by posture alone, would leave no room for the others


def draw(done: Evaluation, folder: Path) -> Iterator[Path]:
    """roc.png, lead_time.png, by_kind.png, and errors/ with the worst trials; yields each path once it is written."""
    trials = done.trials
    for name, figure in (("roc", _roc(trials)), ("lead_time", _lead_time(trials)), ("by_kind", _by_kind(trials))):
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=DPI)
        yield path
    yield from draw_errors(done, folder / "errors")


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = [figure.add_subplot(1, columns, i + 1) for i in range(columns)]
    for ax in axes:
        tidy(ax)
    return figure, axes


def tidy(ax: Axes) -> None:
    ax.grid(True, color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#888888")
    ax.tick_params(colors=INK, labelsize=9)


def by_set(trials: Sequence[Judged]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {}
    for trial in trials:
        found.setdefault(trial.label.set_name, []).append(trial)
    return dict(sorted(found.items()))


def _coloured(trials: Sequence[Judged]) -> Iterator[tuple[str, list[Judged], str]]:
    """Each set has the same colour in every picture."""
    for (name, group), colour in zip(by_set(trials).items(), itertools.cycle(COLOURS), strict=False):
        yield name, group, colour


def _roc(trials: Sequence[Judged]) -> Figure:
    figure, (falls, before) = new_figure(11.5, 5.2, 2)
    corners = [corner for name, group, colour in _coloured(trials) if (corner := _draw_roc(falls, name, group, colour))]
    for name, group, colour in _coloured(trials):
        _draw_pre_impact(before, name, group, colour)
    if corners:  # where it is decided: the rest of the curve is of no interest
        falls.plot([], [], "o", color=INK, fillstyle="none", label='hollow: "possible", the tone 0.3 s after the jolt')
        falls.set_xlim(0.0, max(1.0, 1.1 * max(x for x, _ in corners)))
        falls.set_ylim(bottom=max(0.0, 100.0 - max(2.0, 1.5 * (100.0 - min(y for _, y in corners)))))
    falls.set(xlabel="activities with a false alarm (%)", ylabel="falls found (%)")
    falls.set_title("Falls, by the score of the alarm (95 % intervals)", loc="left", fontsize=11)
    before.set(xlabel="armed without a fall, per hour of activities", ylabel="falls foreseen within 2 s (%)")
    before.set_title("Pre-impact, at its limit (95 % intervals)", loc="left", fontsize=11)
    before.set_ylim(0.0, 100.0)
    for ax in (falls, before):
        high = ax.get_xlim()[1]
        ax.set_xlim(-0.02 * high, high)
        low = ax.get_ylim()[0]
        ax.set_ylim(low, 100.0 + 0.02 * (100.0 - low))
        _legend(ax, "lower right")
    return figure


def _legend(ax: Axes, place: Literal["lower right", "upper left", "best"]) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=True, facecolor="white", edgecolor="none", framealpha=0.9, fontsize=9, loc=place)
    else:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", va="center", fontsize=11, color="#666666")


def _draw_roc(ax: Axes, name: str, trials: Sequence[Judged], colour: str) -> tuple[float, float] | None:
    """The operating point with its intervals, and what a higher limit of the score would have left of it.

    Alarms by posture have no score and come at any limit. Below the limit the core says nothing, so there is no curve.

    Returns:
        The far corner of what is drawn, in per cent.
    """
    falls = [t for t in trials if t.label.is_fall]
    adl = [t for t in trials if not t.label.is_fall]
    if not adl or not falls:
        return None
    true, false = [_best(t, found=True) for t in falls], [_best(t, found=False) for t in adl]
    limits = sorted({s for s in (*true, *false) if s is not None}, reverse=True)
    above_false, above_true = _above(false), _above(true)
    points = [(0.0, 0.0), *((100 * above_false(limit), 100 * above_true(limit)) for limit in limits)]
    ax.step([x for x, _ in points], [y for _, y in points], where="post", color=colour, linewidth=1.6)
    hits, alarms = sum(found_s(t) is not None for t in falls), sum(bool(t.suspected_s) for t in adl)
    x, y = 100 * alarms / len(adl), 100 * hits / len(falls)
    across, along = _arms(alarms, len(adl)), _arms(hits, len(falls))
    said = f"{name}: {y:.2f} % found, {x:.2f} % false"
    ax.errorbar([x], [y], xerr=across, yerr=along, fmt="o", color=colour, capsize=3, elinewidth=1.2, label=said)
    guessed = 100 * sum(bool(t.possible_s) for t in adl) / len(adl)
    told = 100 * sum(any(t_s >= t.label.falls_from_s for t_s in t.possible_s) for t in falls) / len(falls)
    ax.plot([guessed], [told], "o", color=colour, fillstyle="none")
    return max(x + across[1][0], guessed), min(y - along[0][0], told)


def _best(trial: Judged, *, found: bool) -> float | None:
    """The highest score of its alarms (`found`: of those about the fall); infinite by posture, None without any."""
    scores, wrong = dict(trial.scored), false_alarms_s(trial)
    counted = [t_s for t_s in trial.suspected_s if not found or t_s not in wrong]
    return max((scores.get(t_s, math.inf) for t_s in counted), default=None)


def _draw_pre_impact(ax: Axes, name: str, trials: Sequence[Judged], colour: str) -> None:
    """One point: the score that the core tells is the one at which it armed, and says nothing about other limits."""
    falls = [t for t in trials if t.label.is_fall and t.label.impact_s is not None]
    adl = [t for t in trials if not t.label.is_fall]
    hours = sum(t.duration_s for t in adl) / 3600.0
    if not falls or not hours:
        return
    foreseen = sum(lead_s(t) is not None for t in falls)
    x, y = sum(len(t.armed) for t in adl) / hours, 100 * foreseen / len(falls)
    said = f"{name}: {y:.1f} % at {x:.1f} an hour"
    ax.errorbar([x], [y], yerr=_arms(foreseen, len(falls)), fmt="o", color=colour, capsize=3, label=said)


def _above(values: Sequence[float | None]) -> Callable[[float], float]:
    """A function that tells the share of all of them that reaches a limit; None reaches none."""
    known = sorted(value for value in values if value is not None)
    return lambda limit: (len(known) - bisect_left(known, limit)) / len(values) if values else 0.0


def _arms(hits: int, of: int) -> list[list[float]]:
    """How far the 95 % interval reaches below and above, in per cent."""
    low, high = wilson(hits, of) or [0.0, 1.0]
    return [[100 * (hits / of - low)], [100 * (high - hits / of)]]


def _lead_time(trials: Sequence[Judged]) -> Figure:
    figure, (before, after) = new_figure(11.5, 4.6, 2)
    for name, group, colour in _coloured(trials):
        falls = [t for t in group if t.label.is_fall and t.label.impact_s is not None]
        _draw_share(before, name, [lead_s(t) for t in falls], colour, rising=False)
        _draw_share(after, name, [_latency_s(t) for t in falls], colour, rising=True)
    before.set(
        xlabel="time before the impact (s)", ylabel="falls foreseen so early (%)", xlim=(2.0, 0.0), ylim=(0, 102)
    )
    before.set_title("Pre-impact: armed before the impact", loc="left", fontsize=11)
    after.set(xlabel="time after the impact (s)", ylabel="falls told by then (%)", ylim=(0, 102))
    after.set_xlim(right=min(LATE_S, after.get_xlim()[1]))
    after.set_title(f"Alarm: a fall is suspected (at most {LATE_S:g} s are drawn)", loc="left", fontsize=11)
    _legend(before, "upper left")
    _legend(after, "best")
    return figure


def _latency_s(trial: Judged) -> float | None:
    told_s, impact_s = found_s(trial), trial.label.impact_s
    return None if told_s is None or impact_s is None else told_s - impact_s


def _draw_share(ax: Axes, name: str, values: Sequence[float | None], colour: str, *, rising: bool) -> None:
    """What share of all of them, the missed ones included, lies below (`rising`) or above each time."""
    known = sorted((value for value in values if value is not None), reverse=not rising)
    if not known:
        return
    shares = [100 * (i + 1) / len(values) for i in range(len(known))]
    ax.step(known, shares, where="post", color=colour, linewidth=1.8, label=f"{name} ({len(values)} falls)")


def _by_kind(trials: Sequence[Judged]) -> Figure:
    groups: dict[str, list[Judged]] = {}
    for trial in trials:
        side = f"fall {trial.label.direction}" if trial.label.is_fall else trial.label.kind
        groups.setdefault(side, []).append(trial)
    falls = sorted((name for name in groups if groups[name][0].label.is_fall), reverse=True)
    kinds = sorted((name for name in groups if not groups[name][0].label.is_fall), reverse=True)
    figure, (left, right) = new_figure(12.5, 1.6 + 0.33 * max(len(falls), len(kinds), 3), 2)
    _draw_shares(left, kinds, groups, _alarmed, RED)
    left.set(xlabel="trials with a false alarm (%), 95 % interval", xlim=(-1, None))
    left.set_title("Activities", loc="left", fontsize=11)
    _draw_shares(right, falls, groups, _missed, BLUE)
    right.set(xlabel="falls missed (%), 95 % interval", xlim=(-1, None))
    right.set_title("Falls by direction", loc="left", fontsize=11)
    return figure


def _alarmed(trial: Judged) -> bool:
    return bool(trial.suspected_s)


def _missed(trial: Judged) -> bool:
    return found_s(trial) is None


def _draw_shares(
    ax: Axes,
    names: Sequence[str],
    groups: Mapping[str, Sequence[Judged]],
    is_wrong: Callable[[Judged], bool],
    colour: str,
) -> None:
    labels = []
    for place, name in enumerate(names):
        group = groups[name]
        wrong, hours = sum(map(is_wrong, group)), sum(t.duration_s for t in group) / 3600.0
        share = 100 * wrong / len(group)
        ax.errorbar([share], [place], xerr=_arms(wrong, len(group)), fmt="o", color=colour, capsize=3)
        labels.append(f"{name.removeprefix('fall ').replace('_', ' ')}  ({wrong} of {len(group)}; {hours:.2f} h)")
    ax.set_yticks(range(len(names)), labels)
    ax.set_ylim(-0.7, max(len(names), 1) - 0.3)
