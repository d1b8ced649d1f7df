"""A sensor that does not sit square on the belt: every driver gives what the body felt all the same."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.config import ImuConfig, ImuModel
from hal.imu.mounting import Mounting, square_mountings
from hal.samples import Vector
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.motion_sensor import SimMotionSensor

MODELS = [model for model in get_args(ImuModel) if model != "auto"]


@settings(deadline=None, max_examples=60)
@given(
    model=st.sampled_from(MODELS),
    square=st.sampled_from(square_mountings()),
    tilt_deg=st.tuples(*[st.floats(-36, 36)] * 3),
    accel_mps2=st.tuples(*[st.floats(-60, 60)] * 3),
    gyro_radps=st.tuples(*[st.floats(-12, 12)] * 3),
)
def test_a_tilted_sensor_of_any_model_gives_what_the_body_felt(
    model: ImuModel,
    square: Mounting,
    tilt_deg: Vector,
    accel_mps2: Vector,
    gyro_radps: Vector,
) -> None:
    config = ImuConfig(
        model=model,
        forward=square.forward,
        left=square.left,
        up=square.up,
        tilt_deg=tilt_deg,
    )
    clock = SimClock()
    sensor = SimMotionSensor(
        config, lambda t_s: (accel_mps2, gyro_radps), clock=clock, epoch_ns=0, fault=Fault("ok", "imu")
    )
    imu = sensor.open()
    clock.sleep(0.02)
    samples = imu.read()
    assert samples
    for sample in samples:
        assert sample.accel_mps2 == pytest.approx(accel_mps2, abs=0.35)
        assert sample.gyro_radps == pytest.approx(gyro_radps, abs=0.02)


def test_the_configuration_refuses_a_tilt_that_would_swap_axes() -> None:
    with pytest.raises(ValueError, match=r"imu: tilt_deg is \[70.0, 0.0, 0.0\]"):
        ImuConfig(tilt_deg=(70.0, 0.0, 0.0))
