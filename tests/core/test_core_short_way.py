"""The short ways through the core, which most samples take, decide exactly what the long ways do."""

import random

import pytest
from core_scenes import Wearer, walking_wearer

from firmware.core.detectors.imu_check import ImuCheck, ImuCheckConfig
from firmware.core.messages import Input, Output
from firmware.core.pipeline import SafetyPipeline
from hal.samples import ImuSample


def falls_and_gets_up() -> Wearer:
    wearer = walking_wearer().fall(8.0).get_up().walk(6.0).stand(12.0)
    wearer.press(True)
    wearer.stand(2.5).press(False)
    return wearer


def backs_into_a_wall_and_loses_pings() -> Wearer:
    wearer = walking_wearer()
    wearer.distance_m, wearer.speed_mps = 2.5, 0.6
    wearer.walk(3.0)
    wearer.speed_mps = 0.0
    wearer.lose_ping()
    wearer.stand(1.0).lose_ping()
    return wearer.stand(3.0)


def sways_with_a_failing_imu() -> Wearer:
    wearer = walking_wearer().live(2.0, pitch_deg=lambda t: -25.0 * min(1.0, t), stepping=True).walk(3.0)
    wearer.fail("imu")
    wearer.imu = False
    wearer.stand(1.5)
    wearer.imu = True
    wearer.walk(6.0).command("end")
    return wearer.walk(1.0)


def replayed(inputs: list[Input], *, short: bool) -> list[Output]:
    pipeline, outputs = SafetyPipeline(), []
    for message in inputs:
        if not short:
            pipeline._due_ns = 0
        outputs += pipeline.step(message)
    return outputs


@pytest.mark.parametrize("story", [falls_and_gets_up, backs_into_a_wall_and_loses_pings, sways_with_a_failing_imu])
def test_the_short_way_of_a_sample_tells_what_the_long_way_tells(story) -> None:  # type: ignore[no-untyped-def]
    wearer = story()
    assert replayed(wearer.inputs, short=True) == replayed(wearer.inputs, short=False) == wearer.outputs


@pytest.mark.parametrize("seed", range(20))
def test_the_imu_check_judges_a_calm_sample_as_it_judges_any(seed: int) -> None:
    chance = random.Random(seed)
    short, long = ImuCheck(ImuCheckConfig()), ImuCheck(ImuCheckConfig())
    long._calm_mps2 = 0.0
    accel, gyro, t_ns = (0.0, 0.0, 9.81), (0.0, 0.0, 0.0), 0
    for _ in range(3000):
        t_ns += 10_000_000
        if chance.random() < 0.8:  # otherwise the same values again
            size = chance.choice((0.1, 3.0, 3.0, 3.0, 90.0, 200.0)) if chance.random() < 0.1 else 1.0
            accel = (chance.gauss(0, size), chance.gauss(0, size), 9.81 * (chance.random() > 0.02) + chance.gauss(0, 1))
            gyro = (chance.gauss(0, size / 5), chance.gauss(0, size / 5), 0.0)
        if chance.random() < 0.02:
            accel, gyro = (0.0, 0.1, 0.0), (0.0, 0.0, 0.001)
        sample = ImuSample(t_ns, accel, gyro)
        assert short.judge(t_ns, sample) == long.judge(t_ns, sample)
        assert (short.usable, short.garbled, short._jumps) == (long.usable, long.garbled, long._jumps)
