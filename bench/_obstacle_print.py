"""The tables of `bench.obstacle` as text."""

from collections.abc import Iterator, Sequence

from bench._obstacle_replay import ReplayRow
from bench._obstacle_tables import Bar, Collision, CollisionRow, NuisanceRow, SceneRow
from bench._obstacle_walks import OURS, SYSTEMS

PLACES = {"open_false_echoes": "false", "open_second_device": "2nd device"}
SHORT = ("ours", "gz", "gz2/.5", "gz4/1", "z0.5", "z1", "z2")  # in the order of SYSTEMS


def _metres(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} m"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def collision_lines(rows: Sequence[CollisionRow]) -> Iterator[str]:
    """The first band in full, and the share of collisions avoided in all."""
    bands = [*dict.fromkeys(row.band for row in rows)]
    yield f"COLLISIONS ({bands[0]})"
    figures = f"{'avoided (95 %)':>25} {'warned at (p5)':>17} {'time left (p5)':>17}"
    yield f"{'':24}{'n':>6} {'hits':>6} {figures} {'early':>6}"
    for row in rows[: len(SYSTEMS)]:
        share = f"{row.avoided:7.2%} ({row.avoided_low:.2%}-{row.avoided_high:.2%})"
        at = f"{_metres(row.warning_m)} ({_metres(row.warning_m_p5)})"
        left = f"{_seconds(row.left_s)} ({_seconds(row.left_s_p5)})"
        yield f"{row.system:24}{row.n:6} {row.hits:6} {share:>25} {at:>17} {left:>17} {row.early:6}"
    yield ""
    yield f"{'COLLISIONS AVOIDED':32}{'n':>6} " + "".join(f"{name:>9}" for name in SHORT)
    for band in bands:
        those = [row for row in rows if row.band == band]
        yield f"{band:32}{those[0].n:6} " + "".join(f"{row.avoided:9.2%}" for row in those)


def nuisance_lines(rows: Sequence[NuisanceRow]) -> Iterator[str]:
    """Episodes of warnings in ten minutes of each place, and the share of the time in which anything sounds."""
    places = [*dict.fromkeys(row.place for row in rows)]
    yield f"{'WARNINGS IN 10 MINUTES':24}" + "".join(f"{PLACES.get(place, place):>12}" for place in places)
    for system in SYSTEMS:
        those = [row for row in rows if row.system == system]
        cells = (f"{row.warnings_per_10_min:.1f} ({row.sounds_share:.0%})" for row in those)
        yield f"{system:24}" + "".join(f"{cell:>12}" for cell in cells)
    ours = [row for row in rows if row.system == OURS]
    yield f"{'  cautions of ours':24}" + "".join(f"{row.cautions_per_10_min:12.1f}" for row in ours)
    learned = (f"{row.learned_warnings} + {row.learned_cautions}" for row in ours)
    yield f"{'  once learned, in all':24}" + "".join(f"{cell:>12}" for cell in learned)
    faults = sum(row.faults for row in ours)
    yield f"  each place {ours[0].minutes:.0f} minutes" + (f"; {faults} FAULTS told by ours" if faults else "")


def scene_lines(rows: Sequence[SceneRow]) -> Iterator[str]:
    """In how many of its runs each warner did what is expected; the words where ours did not."""
    names = "".join(f"{name:>8}" for name in SHORT)
    yield f"{'SCENES AS EXPECTED':38}{'expected':9}{'runs':>5} {names}"
    for row in rows:
        kept = [row.kept[system] for system in SYSTEMS]
        counts = "".join(f"{'-' if count is None else count:>8}" for count in kept)
        wrong = f"  FAILS: {row.says}" if kept[0] is not None and kept[0] < row.runs else ""
        hits = f"  ours hit {row.hits[OURS]}" if row.hits[OURS] else ""
        yield f"{row.title:38}{row.expected:9}{row.runs:5} {counts}{hits}{wrong}"


def collided_lines(found: Sequence[Collision], most: int = 20) -> Iterator[str]:
    if found:
        yield f"COLLISIONS OF OURS ({len(found)})"
    for one in found[:most]:
        yield (
            f"  {one.scene} {one.seed}: {one.person} at {one.speed_mps:.2f} m/s, warned at {_metres(one.warning_m)}, "
            f"needed {_metres(one.needed_m)} (reacts {one.reaction_s:.2f} s, stops {one.stopping_s:.2f} s): {one.why}"
        )


def replay_lines(rows: Sequence[ReplayRow]) -> Iterator[str]:
    yield f"{'RECORDED READINGS':54}{'form':>10} {'n':>5} {'false imminent':>15} {'judged':>7} {'lost':>5}"
    for row in rows:
        yield f"{row.series:54}{row.form:>10} {row.n:5} {row.false_imminent:15} {row.judged:7} {row.lost:5}"


def bar_lines(found: Sequence[Bar], *, quick: bool) -> Iterator[str]:
    yield "BARS, OF TOO FEW OF EACH TO DECIDE BY" if quick else "BARS"
    for bar in found:
        yield f"  {'ok   ' if bar.passes else 'FAILS'} {bar.what}: asked {bar.asked}; found {bar.found}"
