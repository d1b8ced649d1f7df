"""The guard with a second, low rangefinder: staggered pings in simulated time, samples that keep their origin."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from firmware import recording
from firmware.config import Config
from firmware.guard.guard import open_readers
from firmware.virtual import VirtualDevice
from hal.board import ping_times
from hal.config import BoardConfig, LowRangefinderConfig, RangefinderConfig
from hal.hcsr04 import MODELS
from hal.i2cxl import I2cxl
from hal.samples import RangeSample, SensorFault
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.faults import WORDS, Fault
from hal.sim.world.scenarios import scenario

LOW = LowRangefinderConfig(trigger=5, echo=6)
FITTED = BoardConfig(low_rangefinder=LOW)
JITTER_S = RangefinderConfig().jitter_s
AIR_S = {name: traits.air_s for name, traits in MODELS.items()} | {"i2cxl": I2cxl.AIR_S}


def pings_of(board: BoardConfig, folder: Path, *faults: Fault, seconds: float = 6.0) -> dict[str, list[float]]:
    device = VirtualDevice(Config(board=board), scenario("quiet"), folder, faults=faults)
    device.run_until(seconds)
    pings = device.board.rangefinders.pings_s
    device.end()
    return pings


def in_turn(pings_s: dict[str, list[float]]) -> list[tuple[float, str]]:
    return sorted((t_s, part) for part, times_s in pings_s.items() for t_s in times_s)


def assert_apart(pings_s: dict[str, list[float]], board: BoardConfig) -> None:
    """No ping of one while an echo of the other may still come."""
    air_s = {"rangefinder": AIR_S[board.rangefinder.model], "low_rangefinder": AIR_S[board.low_rangefinder.model]}
    for (a_s, a), (b_s, b) in pairwise(in_turn(pings_s)):
        assert a == b or b_s - a_s >= air_s[a] - 1e-6, f"{b} pinged {(b_s - a_s) * 1e3:.1f} ms after {a}, at {b_s} s"


def test_two_rangefinders_ping_in_turn_and_neither_waits_for_the_other(tmp_path: Path) -> None:
    pings_s = pings_of(FITTED, tmp_path)
    assert_apart(pings_s, FITTED)
    parts = [part for _, part in in_turn(pings_s)]
    assert parts[:6] == ["rangefinder", "low_rangefinder"] * 3
    assert all(a != b for a, b in pairwise(parts))
    periods_s = [b - a for times_s in pings_s.values() for a, b in pairwise(times_s)]
    assert min(periods_s) >= 0.06 - 1e-6
    assert max(periods_s) <= 0.06 + JITTER_S + 1e-3


@pytest.mark.parametrize("part", ["rangefinder", "low_rangefinder"])
@pytest.mark.parametrize("word", WORDS)
def test_one_that_fails_neither_disturbs_nor_slows_the_other(tmp_path: Path, word: str, part: str) -> None:
    other = {"rangefinder": "low_rangefinder", "low_rangefinder": "rangefinder"}[part]
    pings_s = pings_of(FITTED, tmp_path, Fault(word, part, start_s=1.0))
    assert_apart(pings_s, FITTED)
    sound_s = [t_s for t_s in pings_s[other] if t_s > 1.0]
    assert len(sound_s) / 5.0 >= 1 / (0.068 + JITTER_S)


@pytest.mark.parametrize("straight", ["hcsr04", "jsn_sr04t", "i2cxl"])
@pytest.mark.parametrize("low", ["hcsr04", "jsn_sr04t"])
@pytest.mark.parametrize("period_s", [0.04, 0.06, 0.1])
def test_models_with_longer_echoes_take_turns_as_well(tmp_path: Path, straight: str, low: str, period_s: float) -> None:
    board = replace(
        FITTED,
        rangefinder=RangefinderConfig(model=straight, period_s=period_s),  # type: ignore[arg-type]
        low_rangefinder=replace(LOW, model=low),  # type: ignore[arg-type]
    )
    pings_s = pings_of(board, tmp_path, seconds=4.0)
    assert_apart(pings_s, board)
    assert min(len(times_s) for times_s in pings_s.values()) >= 4.0 / 0.125


def recorded(folder: Path, *faults: Fault) -> Sequence[object]:
    path = folder / "walk.mcap"
    device = VirtualDevice(Config(board=FITTED), scenario("quiet"), folder, faults=faults, record=path)
    device.run_until(5.0)
    device.end()
    return list(recording.read(path).records)


def test_samples_of_both_are_recorded_and_read_back_with_their_sensor(tmp_path: Path) -> None:
    pytest.importorskip("mcap")
    samples = [item for item in recorded(tmp_path) if isinstance(item, RangeSample)]
    by_sensor = {sensor: [s for s in samples if s.sensor == sensor] for sensor in ("rangefinder", "low_rangefinder")}
    assert min(map(len, by_sensor.values())) >= 75
    assert len(samples) == sum(map(len, by_sensor.values()))
    assert all(sample.distance_m == pytest.approx(1.656, abs=0.01) for sample in by_sensor["low_rangefinder"])
    assert all(sample.distance_m is None for sample in by_sensor["rangefinder"])


def test_recording_from_before_there_could_be_two_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcap")
    path = tmp_path / "old.mcap"
    monkeypatch.setattr(recording, "_input_as_json", lambda item: {"t_ns": item.t_ns, "distance_m": item.distance_m})
    recorder = recording.Recorder(path, config_toml="")
    recorder.transfer([RangeSample(1, 1.5), RangeSample(2, None)], [])
    recorder.close()
    assert list(recording.read(path).records) == [
        RangeSample(1, 1.5, "rangefinder"),
        RangeSample(2, None, "rangefinder"),
    ]


def test_low_rangefinder_that_fails_is_a_fault_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("mcap")
    found = recorded(tmp_path, Fault("off", "low_rangefinder", start_s=2.0))
    faults = [item for item in found if isinstance(item, SensorFault)]
    assert {(fault.part, fault.kind) for fault in faults} == {("low_rangefinder", "NoEcho")}
    assert all(fault.detail.startswith("low_rangefinder: no echo") for fault in faults)


def test_guard_without_a_low_rangefinder_reads_none() -> None:
    clock = SimClock()
    board = SimBoard(BoardConfig(), scenario("quiet"), epoch_ns=0, new_clock=lambda: clock)
    alone = open_readers(board, clock, BoardConfig())
    assert [reader.part for reader in alone] == ["imu", "rangefinder", "button", "power"]
    fitted = open_readers(board, clock, FITTED)
    assert [reader.part for reader in fitted] == ["imu", "rangefinder", "button", "low_rangefinder", "power"]


def test_both_are_jittered_alike_and_another_chance_gives_other_times() -> None:
    clock = SimClock()
    board = SimBoard(FITTED, scenario("quiet"), epoch_ns=0, new_clock=lambda: clock)

    def waits_ns(seed: int, part: str) -> list[int]:
        readers = {reader.part: reader for reader in open_readers(board, clock, FITTED, Random(seed))}
        return [readers[part].wait_ns() for _ in range(100)]

    assert waits_ns(1, "rangefinder") == waits_ns(1, "low_rangefinder")
    assert waits_ns(1, "rangefinder") != waits_ns(2, "rangefinder")
    assert set(waits_ns(1, "imu")) == {20_000_000}
    times = ping_times(FITTED)
    assert (times.period_s, times.low_after_s) == (pytest.approx(0.06, abs=0.001), pytest.approx(0.03, abs=0.001))
    assert all(-1e-9 <= wait_ns / 1e9 - times.period_s <= JITTER_S for wait_ns in waits_ns(1, "rangefinder"))


def test_same_seed_gives_the_same_pings(tmp_path: Path) -> None:
    runs = [pings_of(FITTED, tmp_path / name, seconds=2.0) for name in ("a", "b") if not (tmp_path / name).mkdir()]
    assert runs[0] == runs[1]
