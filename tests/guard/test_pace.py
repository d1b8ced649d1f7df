"""The rangefinder pings sooner where every ping counts, and never so that its own far echoes are agreed on."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

import pytest

from firmware.guard.guard import open_readers
from firmware.guard.pace import Jitter, Pinging
from firmware.guard.readers import Reader
from hal.board import PingTimes, ping_times
from hal.config import BoardConfig, LowRangefinderConfig, RangefinderConfig
from hal.hcsr04 import HcSr04
from hal.samples import RangeSample, SensorFault
from hal.sim.board import SimBoard
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.pins import SimPinFactory
from hal.sim.world.scenarios import scenario

TIMES = PingTimes(period_s=0.05, near_s=0.035, again_s=0.03, low_after_s=0.05)
USUAL, SOON, AGAIN = 50_000_000, 35_000_000, 30_000_000
SOUND_MPS = 343.4
AGREED_M = 0.2  # two readings so near to each other are taken for one thing


def waits_after(*told: float | str | None) -> list[int]:
    """The wait after each reading, without jitter; a word is a fault, "" is nothing new."""
    pace = Pinging(TIMES, 1.5, Jitter(0.0, Random(0)))
    return [pace.wait_ns(inputs(i, item)) for i, item in enumerate(told)]


def inputs(i: int, told: float | str | None) -> list[RangeSample | SensorFault]:
    if told == "":
        return []
    t_ns = i * USUAL
    return [SensorFault(t_ns, "rangefinder", told, "")] if isinstance(told, str) else [RangeSample(t_ns, told)]


def test_what_is_near_is_pinged_sooner_and_what_is_far_is_not() -> None:
    assert waits_after(2.0, 1.9, 1.7, 1.51, 1.49, 1.3, 1.1) == [USUAL] * 4 + [SOON] * 3
    assert waits_after(None, None, None) == [USUAL] * 3


def test_surprise_is_followed_soon_by_another_look() -> None:
    assert waits_after(3.0, 2.0, 1.9) == [USUAL, AGAIN, USUAL], "a newcomer"
    assert waits_after(1.4, 0.8, 0.8) == [SOON, AGAIN, SOON], "a nearer one"
    assert waits_after(2.0, 3.0, 3.0) == [USUAL, AGAIN, USUAL], "it went away"
    assert waits_after(None, 3.0, 3.0) == [USUAL, AGAIN, USUAL], "out of nothing"
    assert waits_after(2.0, None, None) == [USUAL] * 3, "the sensor itself listens for 38 ms then"
    assert waits_after(2.0, 1.85, 1.7) == [USUAL] * 3, "nobody walks faster"


def test_nothing_new_changes_nothing() -> None:
    assert waits_after(1.0, "", "", 3.0, "", 3.0, "") == [SOON] * 3 + [AGAIN] * 2 + [USUAL] * 2


@pytest.mark.parametrize("kind", ["NoEcho", "EchoStuck"])
def test_sensor_that_does_not_answer_is_asked_again_at_once_but_not_for_ever(kind: str) -> None:
    assert waits_after(2.0, kind, kind, kind, kind) == [USUAL, AGAIN, AGAIN, USUAL, USUAL]
    assert waits_after(2.0, kind, 2.0, kind, 2.0) == [USUAL, AGAIN, USUAL, AGAIN, USUAL]


@pytest.mark.parametrize("kind", ["ImplausibleEcho", "PinsUnavailable"])
def test_sensor_that_answers_nonsense_is_asked_at_its_own_pace(kind: str) -> None:
    assert waits_after(1.0, kind, kind) == [SOON, USUAL, USUAL]


@pytest.mark.parametrize("seed", range(4))
def test_jitter_fills_its_range_and_two_waits_in_a_row_differ_by_a_quarter_of_it(seed: int) -> None:
    jitter, chance = Jitter(0.01, Random(seed)), Random(seed)
    steady_ns = [jitter.after_ns(USUAL) - USUAL for _ in range(2000)]
    assert 0 <= min(steady_ns) < 100_000
    assert 9_900_000 < max(steady_ns) <= 10_000_000
    tenths = [sum(i * 1_000_000 <= t_ns < (i + 1) * 1_000_000 for t_ns in steady_ns) for i in range(10)]
    assert min(tenths) > 120, "no time is rare"
    waits_ns = [jitter.after_ns(chance.choice([USUAL, SOON, AGAIN])) for _ in range(2000)]
    for times_ns in (steady_ns, waits_ns):
        assert min(abs(b - a) for a, b in pairwise(times_ns)) >= 2_500_000


def test_only_a_surprise_after_a_calm_second_is_looked_into_without_jitter() -> None:
    pace = Pinging(TIMES, 1.5, Jitter(0.01, Random(1)))
    later_ns = []
    for i in range(60):
        pace.wait_ns([RangeSample((3 * i + 1) * 10**9, 3.0)])
        later_ns.append(pace.wait_ns([RangeSample((3 * i + 3) * 10**9, 2.0)]) - AGAIN)
        later_ns.append(pace.wait_ns([RangeSample((3 * i + 3) * 10**9 + AGAIN, 3.0)]) - AGAIN)
    assert set(later_ns[::2]) == {0}
    assert min(later_ns[1::2]) >= 2_500_000
    assert max(later_ns[1::2]) > 9_000_000


class Room:
    """Hard walls far away, whose echoes come after the next ping; nothing within reach of the sensor's own answer."""

    def __init__(self, pins: SimPinFactory, wall_m: float) -> None:
        self._pins, self._late_s = pins, 2 * wall_m / SOUND_MPS

    def __iter__(self) -> Iterator[float]:
        """When the echoes of all pings until now arrive."""
        return iter([state.t_ns / 1e9 + self._late_s for state in self._pins.sim_pin(23).history if state.level])


def ghosts_m(wall_m: float, first_m: float | None, pace: Pinging) -> list[float | None]:
    """Ten seconds of readings with nothing near, after one of `first_m`."""
    clock = SimClock()
    pins = SimPinFactory(clock)
    room: Sequence[float] = Room(pins, wall_m)  # type: ignore[assignment]
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda t_s: first_m if t_s < 0.01 else None, strange_s=room)
    reader = Reader("rangefinder", lambda: HcSr04(pins, clock, trigger=23, echo=24), clock, period_s=0.05, pace=pace)
    found: list[float | None] = []
    while clock.now_ns() < 10_000_000_000:
        due_ns = clock.now_ns()
        found += [item.distance_m for item in reader.poll() if isinstance(item, RangeSample)]
        clock.advance_to(max(due_ns + reader.wait_ns(), clock.now_ns()))
    return found


@pytest.mark.parametrize("wall_m", [5.9, 6.1, 6.5, 7.0, 7.5, 8.0])
@pytest.mark.parametrize("seed", range(5))
def test_far_wall_heard_in_the_ping_after_next_is_never_agreed_on_by_two_readings_in_a_row(
    wall_m: float, seed: int
) -> None:
    found = ghosts_m(wall_m, 0.8, Pinging(TIMES, 1.5, Jitter(0.01, Random(seed))))[1:]
    echoes = [(a, b) for a, b in pairwise(found) if a is not None and b is not None]
    assert not [pair for pair in echoes if abs(pair[1] - pair[0]) <= AGREED_M]


def test_without_jitter_the_same_wall_would_be_a_thing_that_stays() -> None:
    found = ghosts_m(6.5, 0.8, Pinging(TIMES, 1.5, Jitter(0.0, Random(0))))
    assert sum(distance_m is not None for distance_m in found) > 200


def readers_of(config: BoardConfig) -> dict[str, Reader]:
    clock = SimClock()
    board = SimBoard(config, scenario("stand"), epoch_ns=0, new_clock=lambda: clock)  # a wall at 0.7 m
    return {reader.part: reader for reader in open_readers(board, clock, config, Random(1))}


def test_near_mode_is_off_where_a_second_rangefinder_shares_the_air() -> None:
    fitted = BoardConfig(low_rangefinder=LowRangefinderConfig(trigger=5, echo=6))
    period_ns = round(ping_times(fitted).period_s * 1e9)
    for config, least_ns in ((BoardConfig(), SOON), (fitted, period_ns)):
        reader = readers_of(config)["rangefinder"]
        assert [item.distance_m for item in reader.poll() if isinstance(item, RangeSample)] == [
            pytest.approx(0.7, abs=0.05)
        ]
        assert least_ns <= reader.wait_ns() <= least_ns + RangefinderConfig().jitter_s * 1e9
