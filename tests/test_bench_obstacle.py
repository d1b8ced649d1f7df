"""The bench of the obstacle warning: that its peers are who they say, and that what it counts is what happened."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench._obstacle_figures import episodes, interval, lasting_s, quantile, spans
from bench._obstacle_loop import CAUTION, LEVELS, SILENT, WARNING, Course, Ours
from bench._obstacle_peers import RISE_S, FixedZone, GpiozeroSensor, width_s
from bench._obstacle_print import bar_lines
from bench._obstacle_replay import SPEEDS_MPS, InOrder, held_from_m, is_false, replay_bars, replays, series_rows
from bench._obstacle_replay import rows as replay_rows
from bench._obstacle_tables import ASKED, NAMED, Bar, CollisionRow, NuisanceRow, bars, blind_bars, latency_bars
from bench._obstacle_walks import OURS, SYSTEMS, Approach, Task, approaches, as_expected, counted, work
from bench._peer_sensor import peer_sensor
from bench.blind import BlindRow
from bench.obstacle import BAR, Crew, Report, Size, walk_in_quiet, walk_into_things
from bench.obstacle_latency import LatencyRow
from bench.ranging import READINGS, Stand
from firmware.config import Config
from firmware.core.detectors.obstacle import ObstacleConfig
from firmware.core.messages import SetPattern
from firmware.virtual import VirtualDevice
from hal.config import BoardConfig, RangefinderConfig
from hal.sim.chips.hcsr04 import SimHcSr04
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory
from hal.sim.world.obstacle_scenes import obstacle_scene
from hal.sim.world.obstacle_world import HEEL_M


def approaching_with_gaps(t_s: float) -> float | None:
    """An approach with single far, near and missing echoes, told apart by the hundredth of a second."""
    odd = round(t_s * 100) % 11
    if odd == 3:
        return None
    return 0.2 if odd == 7 else 3.5 if odd == 9 else max(2.5 - 0.4 * t_s, 0.15)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_distance": 2, "threshold_distance": 0.5},
        {"max_distance": 4, "threshold_distance": 1.0},
        {"max_distance": 2, "threshold_distance": 0.6, "queue_len": 5},
        {"max_distance": 4, "queue_len": 4, "partial": True},
    ],
    ids=str,
)
def test_model_of_gpiozero_tells_at_every_ping_what_gpiozero_itself_tells(settings: dict[str, Any]) -> None:
    pins, pings_s = SimPinFactory(SimClock()), []

    def distance_m(t_s: float) -> float | None:
        pings_s.append(t_s)
        return approaching_with_gaps(t_s)

    SimHcSr04(pins, trigger=23, echo=24, distance_m=distance_m)
    model = GpiozeroSensor(**settings)
    ping_s = model.first_s
    with peer_sensor(pins, **settings) as theirs:
        for _ in range(90):
            theirs.turn()
            assert pings_s[-1] == pytest.approx(ping_s, abs=1e-6)
            high_s = width_s(approaching_with_gaps(pings_s[-1]))
            sounds = model.take(high_s)
            now_s = pins.clock.now_ns() / 1e9
            assert now_s == pytest.approx(pings_s[-1] + RISE_S + high_s, abs=1e-4 * high_s + 1e-6)
            assert theirs.distance_m == pytest.approx(model.distance_m, abs=1e-3)
            assert theirs.in_range == sounds
            ping_s = model.next_s(pings_s[-1], now_s)


def test_model_of_gpiozero_goes_on_with_the_old_median_after_the_wire_is_cut() -> None:
    pins = SimPinFactory(SimClock())
    fault = Fault("off", "rangefinder", start_s=2.0)
    SimHcSr04(pins, trigger=23, echo=24, distance_m=lambda t_s: 1.2, fault=fault)
    model = GpiozeroSensor(max_distance=2)
    with peer_sensor(pins, max_distance=2) as theirs:
        for _ in range(60):
            theirs.turn()
            model.take(None if pins.clock.now_ns() / 1e9 > 2.0 else width_s(1.2))
        assert model.distance_m == pytest.approx(1.2, abs=0.001)
        assert theirs.distance_m == pytest.approx(model.distance_m, abs=1e-3)


def sounding(peer: FixedZone | GpiozeroSensor, echo_m: Callable[[int], float | None], pings: int) -> list[bool]:
    return [peer.take(width_s(echo_m(index))) for index in range(pings)]


def test_fixed_zone_sounds_at_each_single_reading_within_it_and_at_no_other() -> None:
    readings = [1.4, 0.9, 1.1, None, 0.3]
    assert sounding(FixedZone(1.0), lambda index: readings[index], 5) == [False, True, False, False, True]


def test_gpiozero_sounds_five_readings_after_something_steps_within_its_threshold() -> None:
    sounds = sounding(GpiozeroSensor(4, 1.0), lambda index: 0.8 if index >= 20 else 3.0, 30)
    assert sounds.index(True) == 24


def unheard(t_s: float) -> None:
    """She heeds no warning."""


def never(t_s: float) -> bool:
    return False


def first_s(sounds: list[tuple[float, int]], least: int) -> float:
    return next(t_s for t_s, level in sounds if level >= least)


@pytest.mark.parametrize("name", ["wall", "counter"])
def test_loop_of_the_bench_warns_within_a_ping_of_the_whole_device(name: str, tmp_path: Path) -> None:
    """Without jitter, for when in a step she is at a ping decides what is measured."""
    rangefinder = RangefinderConfig(jitter_s=0.0)
    found = Ours(rangefinder=rangefinder).play(obstacle_scene(name).build(3), 11.0, unheard, never)
    config = Config(board=BoardConfig(rangefinder=rangefinder))
    device = VirtualDevice(config, obstacle_scene(name).build(3), tmp_path)
    device.run_until(11.0)
    patterns = [output for output in device.log.outputs if isinstance(output, SetPattern)]
    device.end()
    pulses_s = [state.t_ns / 1e9 for state in device.board.buzzer_pin.history if state.level]
    for least in (CAUTION, WARNING):
        decided_s = next(output.t_ns / 1e9 for output in patterns if LEVELS.get(output.pattern, SILENT) >= least)
        heard_s = next(t_s for t_s in pulses_s if t_s >= decided_s)
        assert first_s(found.sounds, least) == pytest.approx(heard_s, abs=rangefinder.period_s)


def test_same_task_comes_out_the_same_whatever_was_before_it_and_whoever_does_it() -> None:
    tasks = list(approaches(["wall", "pole"], "old", 0.6, 0.9, 2))
    alone = [work(task) for task in tasks]
    assert [work(task) for task in reversed(tasks)] == alone[::-1]
    crew = Crew(2)
    assert crew.work(tasks) == [one for those in alone for one in those]
    crew.close()
    assert tasks == list(approaches(["wall", "pole"], "old", 0.6, 0.9, 2))


def test_approach_ends_with_who_is_warned_in_time_standing_and_with_who_is_not_at_the_wall() -> None:
    found = {one.system: one for one in work(Task("approach", "wall", 3, 0.8)) if isinstance(one, Approach)}
    assert set(found) == set(SYSTEMS)
    ours, late = found[OURS], found["gpiozero, its defaults"]
    assert not ours.hit
    assert ours.warning_m is not None
    assert ours.warning_m > 0.8 * (ours.reaction_s + ours.stopping_s / 2) + HEEL_M
    assert late.hit
    assert late.warning_m is None, "0.3 m is where her heel is at the wall already"
    assert ours.reaction_s == late.reaction_s, "the same person walks into all"


def test_warning_long_before_is_not_heeded_and_noted() -> None:
    found = {one.system: one for one in work(Task("approach", "wall", 3, 0.3)) if isinstance(one, Approach)}
    zone = found["fixed zone 2 m"]
    assert zone.early
    assert zone.left_s == pytest.approx(5.0, abs=0.2)
    assert not found[OURS].early


def test_episodes_are_kept_apart_by_two_seconds_of_silence() -> None:
    sounds = [(1.0, 2), (2.0, 0), (3.5, 1), (4.0, 3), (5.0, 1), (6.0, 0), (9.0, 1), (9.5, 0)]
    warnings = spans(sounds, WARNING, 10.0)
    assert warnings == [(1.0, 2.0), (4.0, 5.0)]
    assert episodes(warnings) == [(1.0, 2.0), (4.0, 5.0)]
    assert episodes(spans(sounds, CAUTION, 10.0)) == [(1.0, 6.0), (9.0, 9.5)]
    assert lasting_s(spans(sounds, CAUTION, 10.0), 5.0) == pytest.approx(1.5)
    assert counted(Course(sounds=sounds), 0.0, 10.0) == (2, 1)
    assert counted(Course(sounds=sounds), 7.0, 10.0) == (0, 1)
    assert spans([(1.0, 2)], WARNING, 8.0) == [(1.0, 8.0)], "what still sounds at the end sounded until then"


def test_interval_of_a_share_is_that_of_wilson() -> None:
    low, high = interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))
    assert interval(0, 5)[0] == 0.0
    assert interval(10, 10)[1] == 1.0
    assert (quantile([3.0, 1.0, 2.0], 0.5), quantile([3.0, 1.0, 2.0], 0.05), quantile([], 0.5)) == (2.0, 1.0, None)


def test_warning_is_as_expected_only_when_it_still_sounds_as_late_as_it_may_begin() -> None:
    scene = obstacle_scene("wall")
    world, hits_s = scene.build(1), 12.0
    assert as_expected(scene, world, Course(sounds=[(10.9, 2)]), hits_s)
    assert not as_expected(scene, world, Course(sounds=[(11.1, 2)]), hits_s)
    assert not as_expected(scene, world, Course(sounds=[(8.0, 2), (8.1, 0)]), hits_s), "a false beep long before"
    assert not as_expected(scene, world, Course(sounds=[(10.0, 1)]), hits_s), "a caution stops nobody"


def test_quiet_scene_is_as_expected_without_any_sound_once_it_was_learned() -> None:
    scene = obstacle_scene("treadmill")
    world = scene.build(1)
    assert as_expected(scene, world, Course(sounds=[(4.0, 2), (5.0, 0)]), None)
    assert not as_expected(scene, world, Course(sounds=[(20.0, 1), (20.2, 0)]), None)
    assert as_expected(obstacle_scene("table"), world, Course(), None) is None


def test_report_of_a_few_walks_holds_every_warner_and_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.obstacle.OTHERS", ())
    monkeypatch.setattr("bench.obstacle.QUIET", ("open", "treadmill"))
    report, crew = Report(), Crew(1)
    size = Size(bar=2, other=1, quiet=1)
    lines = [*walk_into_things(crew, size, report), *walk_in_quiet(crew, size, report)]
    found = json.loads(json.dumps(asdict(report)))
    assert [row["system"] for row in found["collided"][: len(SYSTEMS)]] == list(SYSTEMS)
    assert found["collided"][0]["n"] == 2
    everywhere = {row["system"]: row for row in found["nuisances"] if row["place"] == "all"}
    assert everywhere["fixed zone 2 m"]["warnings"] > everywhere[OURS]["warnings"]
    assert all(len(line) <= 150 for line in lines)
    held = {bar.what: bar for bar in bars(BAR, report.collided, report.nuisances)}
    assert held["hits beside gpiozero, its defaults"].passes


def judged(hits: dict[str, int], nags: dict[str, float], learned_warnings: int = 0) -> dict[str, bool]:
    """The bars over 10,000 approaches with so many hits (5000 where not given), and warnings in 10 minutes (0)."""
    hits_of = {system: hits.get(system, 5000) for system in SYSTEMS}
    walked = [
        CollisionRow(str(BAR), system, 10_000, n, 1 - n / 10_000, 0.0, 1.0, None, None, None, None, 0)
        for system, n in hits_of.items()
    ]
    quiet = [
        NuisanceRow(place, system, 100.0, 0, nags.get(system, 0.0), 0.0, 0.0, 90.0, learned_warnings, 0, 0)
        for place in ("treadmill", ASKED)
        for system in SYSTEMS
    ]
    return {bar.what: bar.passes for bar in bars(BAR, walked, quiet)}


NAGGING = {"fixed zone 2 m": 30.0, NAMED: 10.0}


def test_bars_pass_for_few_hits_and_little_nuisance_beside_peers_that_hit_or_nag() -> None:
    found = judged({OURS: 50, NAMED: 500, "fixed zone 2 m": 0}, {OURS: 1.0, **NAGGING})
    assert len(found) == 6
    assert all(found.values())


@pytest.mark.parametrize(
    ("hits", "learned_warnings", "failing"),
    [
        (51, 0, ["collisions avoided, old, 0.3-0.9 m/s, hard", f"hits beside {NAMED}"]),
        (0, 1, ["warnings on a treadmill once learned"]),
    ],
)
def test_each_bar_fails_when_its_own_figure_is_missed(hits: int, learned_warnings: int, failing: list[str]) -> None:
    found = judged({OURS: hits, NAMED: 500, "fixed zone 2 m": 0}, NAGGING, learned_warnings)
    assert [what for what, passes in found.items() if not passes] == failing


def test_nuisance_beyond_one_in_ten_minutes_fails_whatever_the_peers_do() -> None:
    found = judged({OURS: 0}, {OURS: 1.01, **NAGGING})
    assert not found["nuisance warnings in 10 min"]


def test_latency_is_judged_by_its_median_its_worst_and_its_slowest_near_row() -> None:
    rows = [
        LatencyRow("60 ms, no jitter", 60.0, 200, 90.0, 125.0, 1.65, 2.08),
        LatencyRow("near", 40.0, 200, 60.0, 80.0, 1.5, 2.0),
        LatencyRow("gpiozero, defaults", 65.0, 200, 300.0, 340.0, 4.6, 5.2),
    ]
    assert [bar.passes for bar in latency_bars(rows)] == [True, True]
    assert [bar.passes for bar in latency_bars([replace(rows[0], median_cycles=1.66), *rows[1:]])] == [False, True]
    assert [bar.passes for bar in latency_bars([replace(rows[0], max_ms=125.1), *rows[1:]])] == [False, True]
    assert [bar.passes for bar in latency_bars([replace(rows[1], median_ms=60.1), *rows])] == [True, False]


def test_one_fault_that_is_not_noticed_or_is_told_late_fails_its_bar() -> None:
    cut, covered = BlindRow("cut", 8, 8, 2.0, 3.0, 120.0), BlindRow("covered", 8, 8, 3.0, 30.0, 1500.0)
    assert [bar.passes for bar in blind_bars([cut, covered])] == [True, True, True]
    assert [bar.passes for bar in blind_bars([replace(cut, noticed=7), covered])] == [False, True, True]
    assert [bar.passes for bar in blind_bars([replace(cut, max_cycles=3.01), covered])] == [True, False, True]
    assert [bar.passes for bar in blind_bars([cut, replace(covered, max_ms=1500.1)])] == [True, True, False]


# Recorded readings


def test_readings_come_from_the_nearest_stand_in_their_order_with_their_errors() -> None:
    near, far = Stand("made up", 1.0, (1.0, 0.6, 1.1)), Stand("made up", 2.0, (2.0, None))
    reads = InOrder([far, near])
    assert reads.farthest_m == 2.0
    found = [reads(true_m) for true_m in (3.0, 2.5, 2.0, 1.2, 1.2, 1.0, 1.0)]
    assert found == [3.0, None, 2.0, pytest.approx(1.2), pytest.approx(0.8), pytest.approx(1.1), 1.0]


def test_warning_is_held_from_where_the_last_one_began() -> None:
    def true_m(t_s: float) -> float:
        return 4.0 - t_s

    assert held_from_m([(1.0, 1), (2.0, 2), (2.5, 3)], true_m) == 2.0
    assert held_from_m([(1.0, 2), (2.0, 1), (2.5, 2)], true_m) == 1.5
    assert held_from_m([(1.0, 2), (2.0, 0)], true_m) is None


def test_imminent_is_false_only_where_neither_distance_nor_time_is_short() -> None:
    config = ObstacleConfig()
    assert is_false(1.5, 0.6, config)
    assert not is_false(config.near_m, 0.3, config)
    assert not is_false(0.9 * (config.imminent_s + 0.2), 0.9, config)


def test_good_readings_of_an_approach_lose_nothing_and_a_run_of_short_ones_counts_as_false(tmp_path: Path) -> None:
    path = tmp_path / READINGS
    path.parent.mkdir()
    series = {"good": lambda cm: cm, "always short": lambda cm: cm * 0.35}
    lines = [
        f"Pi,{name},{cm},20,{n},{read(cm)}"
        for name, read in series.items()
        for cm in range(20, 260, 20)
        for n in range(5)
    ]
    path.write_text("\n".join(["host,series,actual_cm,temp_c,n,reading_cm", *lines]))
    found = list(replays(path, 1))
    good = [one for one in found if one.series == "Pi/good"]
    assert not any(one.false_imminent or one.lost for one in good)
    assert any(one.lost is False for one in good if one.form == "approach")
    assert any(one.false_imminent for one in found if one.series == "Pi/always short")
    table = replay_rows(found)
    assert {row.series for row in table} == {"all but the hasty", "Pi/always short"}
    assert [bar.passes for bar in replay_bars(table)] == [False, True]
    by_series = {(row.series, row.form): row for row in series_rows(found)}
    assert by_series["Pi/good", "approach"].n == len(SPEEDS_MPS)


def test_without_recordings_nothing_is_replayed(tmp_path: Path) -> None:
    assert list(replays(tmp_path / READINGS, 1)) == []
    assert replay_bars([]) == []


def test_a_quick_run_says_that_its_bars_decide_nothing() -> None:
    found = [Bar("hits", "0", "0", True), Bar("ms", "<= 1", "2", False)]
    assert list(bar_lines(found, quick=False)) == [
        "BARS",
        "  ok    hits: asked 0; found 0",
        "  FAILS ms: asked <= 1; found 2",
    ]
    assert "TOO FEW" in next(iter(bar_lines(found, quick=True)))
