"""From walks that were worked out to the rows of the tables, and the bars they are held to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench._obstacle_figures import interval, quantile
from bench._obstacle_walks import OURS, SYSTEMS, Approach, Kept, Quiet
from bench.blind import BlindRow
from bench.obstacle_latency import LatencyRow
from firmware.core.detectors.obstacle import ObstacleConfig
from hal.sim.world.obstacle_scene import ObstacleScene
from hal.sim.world.obstacle_world import HEEL_M

MOST_NUISANCES = 1.0  # in ten minutes
LEAST_AVOIDED = 0.995
FEWER = 10.0
HARDER = ("open_false_echoes", "open_second_device")
ASKED, ALL = "first five", "all"
NAMED = "fixed zone 1 m"
MEDIAN_CYCLES, MOST_CYCLES, MORE_MS, FASTER = 1.65, 2.0, 5.0, 5.0
BLIND_CYCLES, COVERED_MS = 3.0, 1500.0


@dataclass(frozen=True, slots=True)
class Band:
    """One kind of person at one span of speeds, and the kind of scenes that she walks in."""

    person: str
    low_mps: float
    high_mps: float
    group: str = "hard"
    taught: bool = False  # ours knows from ten walks before how such a person stops

    def __str__(self) -> str:
        return f"{self.person}{', known' if self.taught else ''}, {self.low_mps:g}-{self.high_mps:g} m/s, {self.group}"


@dataclass(frozen=True, slots=True)
class CollisionRow:
    """One warner in one band. `left_s`: from the warning to the contact of her heel, had she gone on."""

    band: str
    system: str
    n: int
    hits: int
    avoided: float
    avoided_low: float
    avoided_high: float
    warning_m: float | None
    warning_m_p5: float | None
    left_s: float | None
    left_s_p5: float | None
    early: int  # it sounded more than 5 s before as well, and she walked on


@dataclass(frozen=True, slots=True)
class NuisanceRow:
    """One warner in one quiet place: episodes in ten minutes, and the share of time in which it sounds."""

    place: str
    system: str
    minutes: float
    warnings: int
    warnings_per_10_min: float
    cautions_per_10_min: float
    sounds_share: float
    learned_minutes: float
    learned_warnings: int
    learned_cautions: int
    faults: int


@dataclass(frozen=True, slots=True)
class SceneRow:
    """One scene: in how many of its runs each warner did as is expected, and in how many she hit something."""

    scene: str
    title: str
    expected: str
    says: str
    runs: int
    kept: dict[str, int | None]
    hits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Collision:
    """One that happened with ours, what it would have taken, and why: warned later than planned, or she took longer."""

    scene: str
    seed: int
    speed_mps: float
    person: str
    warning_m: float | None
    needed_m: float  # her way until she stands, and her heel
    reaction_s: float
    stopping_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Bar:
    """What was asked for, and what came of it."""

    what: str
    asked: str
    found: str
    passes: bool


def collision_rows(band: Band, found: Sequence[Approach]) -> list[CollisionRow]:
    table = []
    for system in SYSTEMS:
        those = [one for one in found if one.system == system]
        hits = sum(one.hit for one in those)
        low, high = interval(len(those) - hits, len(those))
        warned = [one for one in those if one.warning_m is not None]
        metres, left = [one.warning_m or 0.0 for one in warned], [one.left_s or 0.0 for one in warned]
        table.append(
            CollisionRow(
                *(str(band), system, len(those), hits, 1 - hits / max(len(those), 1), low, high),
                *(quantile(metres, 0.5), quantile(metres, 0.05), quantile(left, 0.5), quantile(left, 0.05)),
                sum(one.early for one in those),
            )
        )
    return table


def collisions(found: Sequence[Approach]) -> list[Collision]:
    return [
        Collision(
            *(one.scene, one.seed, one.speed_mps, one.person, one.warning_m),
            one.speed_mps * (one.reaction_s + one.stopping_s / 2) + HEEL_M,
            *(one.reaction_s, one.stopping_s, _why(one)),
        )
        for one in found
        if one.hit and one.system == OURS
    ]


def _why(one: Approach) -> str:
    plan = ObstacleConfig()
    if one.warning_m is None:
        return "never warned"
    late = one.warning_m < one.speed_mps * plan.reaction_s + HEEL_M
    return "warned late" if late else "slower to stop than planned for"


def nuisance_rows(found: Sequence[Quiet]) -> list[NuisanceRow]:
    places: dict[str, tuple[str, ...]] = {place: (place,) for place in dict.fromkeys(one.scene for one in found)}
    places |= {ASKED: tuple(place for place in places if place not in HARDER), ALL: tuple(places)}
    return [_nuisance(name, of, system, found) for name, of in places.items() for system in SYSTEMS]


def _nuisance(place: str, of: Sequence[str], system: str, found: Sequence[Quiet]) -> NuisanceRow:
    those = [one for one in found if one.system == system and one.scene in of]
    minutes = sum(one.minutes for one in those)
    warnings, cautions = sum(one.warnings for one in those), sum(one.cautions for one in those)
    return NuisanceRow(
        *(place, system, minutes, warnings, 10 * warnings / minutes, 10 * cautions / minutes),
        sum(one.sounds_s for one in those) / 60 / minutes,
        sum(one.learned_minutes for one in those),
        sum(one.learned_warnings for one in those),
        sum(one.learned_cautions for one in those),
        sum(one.faults for one in those),
    )


def scene_row(scene: ObstacleScene, found: Sequence[Kept]) -> SceneRow:
    those = {system: [one for one in found if one.system == system] for system in SYSTEMS}
    promised = found[0].kept is not None
    return SceneRow(
        *(scene.name, scene.title, scene.expected.what, scene.expected.says, len(those[OURS])),
        {system: sum(bool(one.kept) for one in runs) if promised else None for system, runs in those.items()},
        {system: sum(one.hit for one in runs) for system, runs in those.items()},
    )


def bars(band: Band, collided: Sequence[CollisionRow], nuisances: Sequence[NuisanceRow]) -> list[Bar]:
    """Those that the walks decide."""
    in_band = {row.system: row for row in collided if row.band == str(band)}
    nags = {row.system: row.warnings_per_10_min for row in nuisances if row.place == ASKED}
    ours = in_band.pop(OURS)
    treadmill = sum(row.learned_warnings for row in nuisances if row.system == OURS and row.place == "treadmill")
    quieter = [row for row in in_band.values() if nags[row.system] <= max(nags[OURS], MOST_NUISANCES)]
    safest = min(in_band.values(), key=lambda row: row.hits)
    share = f"{ours.avoided:.2%} ({ours.hits} hits in {ours.n})"
    return [
        Bar(f"collisions avoided, {band}", f">= {LEAST_AVOIDED:.1%}", share, ours.avoided >= LEAST_AVOIDED),
        Bar("nuisance warnings in 10 min", "<= 1", f"{nags[OURS]:.2f}", nags[OURS] <= MOST_NUISANCES),
        Bar("warnings on a treadmill once learned", "0", str(treadmill), treadmill == 0),
        _beside(ours, in_band[NAMED], nags),
        *(_beside(ours, row, nags) for row in sorted(quieter, key=lambda row: row.hits)[:1]),
        Bar(
            f"nuisance in 10 min, beside the peer with the fewest collisions: {safest.system}, {safest.hits}",
            f"< {nags[safest.system]:.1f}",
            f"{nags[OURS]:.2f}, and {ours.hits} hits",
            nags[OURS] < nags[safest.system],
        ),
    ]


def _beside(ours: CollisionRow, peer: CollisionRow, nags: Mapping[str, float]) -> Bar:
    """Ten times fewer collisions at no more nuisance; a peer that nags less than what is allowed is let off that."""
    allowed = max(nags[peer.system], MOST_NUISANCES)
    return Bar(
        f"hits beside {peer.system}",
        f"<= {peer.hits} / {FEWER:g}, nuisance <= {allowed:.1f}",
        f"{ours.hits}, nuisance {nags[OURS]:.2f}",
        ours.hits * FEWER <= peer.hits and nags[OURS] <= allowed,
    )


def latency_bars(rows: Sequence[LatencyRow]) -> list[Bar]:
    """At 60 ms from ping to ping without jitter, and where something was near, beside gpiozero."""
    by_name = {row.name: row for row in rows}
    exact, peer = by_name["60 ms, no jitter"], by_name["gpiozero, defaults"]
    nears = [row for row in rows if row.name.startswith("near")]
    most_ms = MOST_CYCLES * exact.period_ms + MORE_MS
    times = min(peer.median_ms / row.median_ms for row in nears)
    return [
        Bar(
            "obstacle edge -> buzzer, 60 ms pings",
            f"<= {MEDIAN_CYCLES} cycles, {most_ms:.0f} ms at most",
            f"{exact.median_cycles:.2f} cycles, {exact.max_ms:.1f} ms at most (gpiozero {peer.median_ms:.0f} ms)",
            exact.median_cycles <= MEDIAN_CYCLES and exact.max_ms <= most_ms,
        ),
        Bar(
            "the same where something was near, beside gpiozero",
            f"{FASTER:g} times faster",
            f"{times:.1f} times",
            times >= FASTER,
        ),
    ]


def blind_bars(rows: Sequence[BlindRow]) -> list[Bar]:
    """Of what is told as the sensor's death; a covered one is told late, since a hand may brush it."""
    covered = [row for row in rows if row.fault.startswith("covered")]
    others = [row for row in rows if row not in covered]
    noticed, of = sum(row.noticed for row in rows), sum(row.n for row in rows)
    cycles, late_ms = max(row.max_cycles for row in others), max(row.max_ms for row in covered)
    return [
        Bar("faults of the sensor noticed", "all", f"{noticed} of {of}", noticed == of),
        Bar("fault pattern", f"<= {BLIND_CYCLES:g} cycles", f"{cycles:.2f} cycles", cycles <= BLIND_CYCLES),
        Bar("the same when covered", f"<= {COVERED_MS:.0f} ms", f"{late_ms:.0f} ms", late_ms <= COVERED_MS),
    ]
