"""A simulated BNO055 without sensor fusion. "DS" is the data sheet BST-BNO055-DS000, revision 1.4.

What trips drivers is in it: no answer while it starts (0.65 s), CONFIGMODE with readings of 0 after every reset, two
pages of registers, settings that are taken in CONFIGMODE only, mode changes that take their time, readings that stay
until the next ones come, a 14-bit accelerometer in units of 0.01 m/s², a clock that is not the host's, a reset that is
not acknowledged, and chips that do not come back from one.
Left out: fusion modes, magnetometer, interrupts, low-power modes, axis remapping, clock stretching, the low-pass
filters' smoothing, and the gyroscope's own rate (it is renewed together with the accelerometer).
"""

import math
import struct
import sys
from typing import Any

from hal.clock import Clock
from hal.sim.chips.imu import G0_MPS2, Channel, Motion, SimImu, root_bandwidth
from hal.sim.i2c import Nack

CHIP_ID, ACC_ID, MAG_ID, GYR_ID, PAGE_ID, ACC_DATA, GYR_DATA = 0x00, 0x01, 0x02, 0x03, 0x07, 0x08, 0x14
TEMP, ST_RESULT, SYS_STATUS, SYS_ERR, UNIT_SEL, OPR_MODE, PWR_MODE = 0x34, 0x36, 0x39, 0x3A, 0x3B, 0x3D, 0x3E
SYS_TRIGGER, AXIS_MAP_CONFIG = 0x3F, 0x41
ACC_CONFIG, GYR_CONFIG_0 = 0x08, 0x0A  # page 1
WRITABLE = ({PAGE_ID, *range(UNIT_SEL, AXIS_MAP_CONFIG + 2)}, {PAGE_ID, *range(ACC_CONFIG, 0x20)})
ANY_TIME = {PAGE_ID, OPR_MODE, SYS_TRIGGER}  # written outside CONFIGMODE too (DS 3.3)

START_NS = 650_000_000  # DS table 0-2
TO_CONFIG_NS, FROM_CONFIG_NS = 19_000_000, 7_000_000  # DS table 3-6
SELF_TEST_NS = 400_000_000
CONFIG_MODE, ACCGYRO_MODE, AMG_MODE = 0x00, 0x05, 0x07
IDLE, SELF_TESTING, RUNNING = 0, 4, 6  # SYS_STATUS (DS 4.3.58)

ACC_BANDWIDTHS_HZ = (7.81, 15.63, 31.25, 62.5, 125.0, 250.0, 500.0, 1000.0)  # DS table 3-8
GYR_BANDWIDTHS_HZ = (523.0, 230.0, 116.0, 47.0, 23.0, 12.0, 64.0, 32.0)  # DS table 3-9
ACC_RANGES_G = (2, 4, 8, 16)
GYR_RANGES_DPS = (2000, 1000, 500, 250, 125, 125, 125, 125)
ACC_NOISE_G, GYR_NOISE_DPS = 150e-6, 0.014  # per root Hz; DS table 0-2
ACC_STEPS = 8192  # 14 bits and their sign


class SimBno055(SimImu):
    """At the other end of a SimI2cBus. Before `power_cycle()` is called it has been powered for long."""

    name = "bno055"

    def __init__(
        self, clock: Clock, motion: Motion, *, who_am_i: int = 0xA0, dies_of_reset: bool = False, **options: Any
    ) -> None:
        """
        Args:
            dies_of_reset: after a reset by SYS_TRIGGER it is silent until its power comes back.
            options: those of SimImu.
        """
        self._who_am_i, self._dies_of_reset = who_am_i, dies_of_reset
        super().__init__(clock, motion, **options)
        self._silent_until_ns = 0

    def power_cycle(self) -> None:
        """Everything as at power-on: silent for 0.65 s, then in CONFIGMODE. A brown-out does this."""
        page_0, page_1 = bytearray(128), bytearray(128)
        page_0[CHIP_ID : GYR_ID + 1] = bytes((self._who_am_i, 0xFB, 0x32, 0x0F))
        page_0[UNIT_SEL], page_0[OPR_MODE], page_0[AXIS_MAP_CONFIG] = 0x80, 0x10, 0x24
        page_0[ST_RESULT] = 0x0F  # the power-on test asks for chip numbers only (DS 3.9.1)
        page_1[PAGE_ID], page_1[ACC_CONFIG], page_1[GYR_CONFIG_0] = 1, 0x0D, 0x38
        self._pages = (page_0, page_1)
        self._page = 0
        self._mode_from_ns = self._self_test_until_ns = 0
        self._silent_until_ns = self._clock.now_ns() + START_NS
        self._restart_sampling()

    def _answer(self) -> None:
        super()._answer()
        now_ns = self._clock.now_ns()
        if now_ns < self._silent_until_ns:
            raise Nack
        if self._self_test_until_ns and now_ns >= self._self_test_until_ns:
            self._end_self_test()

    # Registers

    def _read(self, register: int, count: int) -> bytes:
        """The register number counts up within the page."""
        page = self._pages[self._page]
        page[TEMP] = round(self.temperature_c) & 0xFF if self._page == 0 else page[TEMP]
        return bytes(page[(register + i) % 128] for i in range(count))

    def _write(self, register: int, data: bytes) -> None:
        for i, value in enumerate(data):
            self._write_one((register + i) % 128, value)

    def _write_one(self, register: int, value: int) -> None:
        if register not in WRITABLE[self._page] or self._self_test_until_ns:
            return
        configuring = self._mode == CONFIG_MODE and self._clock.now_ns() >= self._mode_from_ns
        if register == PAGE_ID:
            self._page = value & 1
        elif register == SYS_TRIGGER and self._page == 0:
            self._trigger(value, configuring)
        elif register == OPR_MODE and self._page == 0:
            self._switch(value & 0x0F)
        elif configuring:
            self._pages[self._page][register] = value

    @property
    def _mode(self) -> int:
        return self._pages[0][OPR_MODE] & 0x0F

    def _trigger(self, value: int, configuring: bool) -> None:
        if value & 0x20:
            self.power_cycle()
            if self._dies_of_reset:
                self._silent_until_ns = sys.maxsize
            raise Nack
        if value & 0x01 and configuring:
            self._self_test_until_ns = self._clock.now_ns() + SELF_TEST_NS
            self._pages[0][SYS_STATUS], self._pages[0][ST_RESULT] = SELF_TESTING, 0

    def _end_self_test(self) -> None:
        self._self_test_until_ns = 0
        failed = (0x01 if self._broken_axes & {0, 1, 2} else 0) | (0x04 if self._broken_axes & {3, 4, 5} else 0)
        self._pages[0][SYS_STATUS], self._pages[0][ST_RESULT] = IDLE, 0x0F & ~failed

    def _switch(self, mode: int) -> None:
        takes_ns = TO_CONFIG_NS if mode == CONFIG_MODE else FROM_CONFIG_NS
        self._pages[0][OPR_MODE] = 0x10 | mode
        self._pages[0][SYS_STATUS] = IDLE if mode == CONFIG_MODE else RUNNING
        self._pages[0][ACC_DATA:TEMP] = bytes(TEMP - ACC_DATA)
        self._mode_from_ns = self._clock.now_ns() + takes_ns
        self._sampled_ns = float(self._mode_from_ns)

    def _lose_ranges(self) -> None:
        """As after a reset: CONFIGMODE, the ranges of power-on, readings of 0."""
        self._pages[1][ACC_CONFIG], self._pages[1][GYR_CONFIG_0] = 0x0D, 0x38
        if self._mode != CONFIG_MODE:
            self._switch(CONFIG_MODE)

    # Sampling

    def _period_ns(self) -> float | None:
        if self._mode not in (ACCGYRO_MODE, AMG_MODE):
            return None
        return 1e9 / (2 * ACC_BANDWIDTHS_HZ[self._pages[1][ACC_CONFIG] >> 2 & 7] * self._rate)

    def _kept(self) -> int:
        return 1

    def _measure(self, t_ns: float) -> bytes:
        """The 18 bytes of the data registers: accelerometer, magnetometer (0), gyroscope."""
        acc, gyr = self._pages[1][ACC_CONFIG], self._pages[1][GYR_CONFIG_0]
        acc_hz, gyr_hz = ACC_BANDWIDTHS_HZ[acc >> 2 & 7], GYR_BANDWIDTHS_HZ[gyr >> 3 & 7]
        step_mps2 = ACC_RANGES_G[acc & 3] * G0_MPS2 / ACC_STEPS
        accel = Channel(1 / step_mps2, ACC_NOISE_G * G0_MPS2 / step_mps2 * root_bandwidth(acc_hz), delay_s(acc_hz))
        gyro = Channel(math.degrees(16), GYR_NOISE_DPS * 16 * root_bandwidth(gyr_hz), delay_s(gyr_hz))
        words = self._words(t_ns, accel, gyro)
        full_scale = 16 * GYR_RANGES_DPS[gyr & 7]
        steps = (max(-ACC_STEPS, min(ACC_STEPS - 1, word)) for word in words[:3])
        rates = (max(-full_scale, min(full_scale, word)) for word in words[3:])
        return struct.pack("<3h6x3h", *(round(step * step_mps2 * 100) for step in steps), *rates)

    def _store(self, data: bytes) -> None:
        if self._mode != CONFIG_MODE:
            self._pages[0][ACC_DATA : ACC_DATA + len(data)] = data


def delay_s(bandwidth_hz: float) -> float:
    """Of a first-order low-pass filter; the data sheet names none."""
    return 1 / (2 * math.pi * bandwidth_hz)
