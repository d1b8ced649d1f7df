"""The scores as pictures. Light background, units on every axis, colours that colour-blind people can tell apart."""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmware.evaluation.runner import Evaluation
from firmware.evaluation.scoring import found_s, lead_s, wilson
from firmware.evaluation.stream import Judged
from firmware.evaluation.trial_plot import draw_errors

# Source: Okabe and Ito (2008), "Color Universal Design".
BLUE, ORANGE, GREEN, SKY, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7"
COLOURS = (BLUE, RED, GREEN, PINK, ORANGE, SKY)
INK, FAINT = "#222222", "#DDDDDD"
DPI = 130


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
    drawn = [_draw_roc(falls, name, group, colour) for name, group, colour in _coloured(trials)]
    for name, group, colour in _coloured(trials):
        _draw_pre_impact(before, name, group, colour)
    corners = [corner for corner, _ in drawn if corner is not None]
    if corners:  # where it is decided: the rest of the curve is of no interest
        falls.set_xlim(0.0, max(1.0, 1.5 * max(x for x, _ in corners)))
        falls.set_ylim(bottom=max(0.0, 100.0 - max(2.0, 1.5 * (100.0 - min(y for _, y in corners)))))
    falls.set(xlabel="activities with a false alarm (%)", ylabel="falls found (%)")
    how = "by the score of the alert" if any(told for _, told in drawn) else "as decided"
    falls.set_title(f"Falls ({how}; 95 % intervals)", loc="left", fontsize=11)
    before.set(xlabel="armed without a fall, per hour of activities", ylabel="falls foreseen within 2 s (%)")
    before.set_title("Pre-impact (by the score that it armed with)", loc="left", fontsize=11)
    for ax in (falls, before):
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, -0.02 * high), high)
        low = ax.get_ylim()[0]
        ax.set_ylim(low, 100.0 + 0.02 * (100.0 - low))
        _legend(ax, "lower right")
    return figure


def _legend(ax: Axes, place: Literal["lower right", "upper left"]) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=True, facecolor="white", edgecolor="none", framealpha=0.9, fontsize=9, loc=place)
    else:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", va="center", fontsize=11, color="#666666")


def _draw_roc(ax: Axes, name: str, trials: Sequence[Judged], colour: str) -> tuple[tuple[float, float] | None, bool]:
    """The operating point with its intervals, and the curve where alerts tell a score.

    Trials about which the core said nothing have no score, so the curve ends where it begins to speak.

    Returns:
        The far corner of the intervals, in per cent, and whether alerts tell a score.
    """
    falls = [t for t in trials if t.label.is_fall]
    adl = [t for t in trials if not t.label.is_fall]
    if not adl or not falls:
        return None, False
    true = [max((s for t_s, s in t.scored if t_s >= t.label.falls_from_s), default=None) for t in falls]
    false = [max((s for _, s in t.scored), default=None) for t in adl]
    limits = sorted({s for s in (*true, *false) if s is not None}, reverse=True)
    above_false, above_true = _above(false), _above(true)
    if limits:
        x_of, y_of = ([100 * above(limit) for limit in limits] for above in (above_false, above_true))
        ax.step(x_of, y_of, where="post", color=colour, linewidth=1.6)
    hits, alarms = sum(found_s(t) is not None for t in falls), sum(bool(t.suspected_s) for t in adl)
    x, y = 100 * alarms / len(adl), 100 * hits / len(falls)
    across, along = _arms(alarms, len(adl)), _arms(hits, len(falls))
    ax.errorbar(
        [x],
        [y],
        xerr=across,
        yerr=along,
        fmt="o",
        color=colour,
        capsize=3,
        elinewidth=1.2,
        label=f"{name}: {y:.2f} % found, {x:.2f} % false",
    )
    return (x + across[1][0], y - along[0][0]), bool(limits)


def _draw_pre_impact(ax: Axes, name: str, trials: Sequence[Judged], colour: str) -> None:
    falls = [t for t in trials if t.label.is_fall and t.label.impact_s is not None]
    adl = [t for t in trials if not t.label.is_fall]
    hours = sum(t.duration_s for t in adl) / 3600.0
    scores = sorted({score for t in trials for _, score in t.armed}, reverse=True)
    if not falls or not hours or not scores:
        return
    best = [
        max((s for t_s, s in t.armed if 0.0 <= (t.label.impact_s or 0.0) - t_s <= 2.0), default=None) for t in falls
    ]
    false = [score for t in adl for _, score in t.armed]
    above_false, above_best = _above(false), _above(best)
    points = [(len(false) * above_false(limit) / hours, 100 * above_best(limit)) for limit in scores]
    ax.step([x for x, _ in points], [y for _, y in points], where="post", color=colour, linewidth=1.6)
    x, y = points[-1]
    ax.plot([x], [y], "o", color=colour, label=f"{name}: {y:.1f} % at {x:.1f} an hour")


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
    after.set_title("Alarm: a fall is suspected", loc="left", fontsize=11)
    _legend(before, "upper left")
    _legend(after, "lower right")
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
