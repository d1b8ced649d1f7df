"""A simulated ICM-20948, register by register. "DS" is TDK InvenSense's data sheet DS-000189, revision 1.3.

What trips drivers is in it: four register banks under the same addresses, asleep at power-on, power-on ranges that
clip an impact, writes lost during a reset, a FIFO reset that holds until it is taken back, a FIFO that drops its oldest
bytes and with them the alignment of its frames (or, as a snapshot, its newest), a FIFO count that is latched, a status
that is cleared by being read, two sensors with filters of their own, and a clock that is not the host's.
Left out: the magnetometer, cycle mode, stand-by of single axes, offset registers, the digital motion processor,
accelerometer and gyroscope at different rates, and the low-pass filters' smoothing (delay and noise are there).
"""

import math
import struct
import sys
from collections.abc import Sequence
from typing import Any

from hal.clock import Clock
from hal.sim.chips.imu import G0_MPS2, Channel, Motion, SimImu

WHO_AM_I, USER_CTRL, LP_CONFIG, PWR_MGMT_1, REG_BANK_SEL = 0x00, 0x03, 0x05, 0x06, 0x7F
INT_STATUS, INT_STATUS_1, INT_STATUS_2, INT_STATUS_3 = 0x19, 0x1A, 0x1B, 0x1C
DATA, DATA_END, FIFO_EN_2, FIFO_RST, FIFO_MODE = 0x2D, 0x52, 0x67, 0x68, 0x69
FIFO_COUNTH, FIFO_COUNTL, FIFO_R_W = 0x70, 0x71, 0x72
READ_ONLY = {WHO_AM_I, *range(0x17, 0x1D), *range(DATA, DATA_END + 1), FIFO_COUNTH, FIFO_COUNTL}  # of bank 0
SELF_TEST_GYRO, SELF_TEST_ACCEL = 0x02, 0x0E  # bank 1
GYRO_SMPLRT_DIV, GYRO_CONFIG_1, GYRO_CONFIG_2, ACCEL_CONFIG, ACCEL_CONFIG_2 = 0x00, 0x01, 0x02, 0x14, 0x15  # bank 2

FIFO_BYTES = 512  # DS 4.16
RESET_NS = 50_000_000  # the data sheet names no time; drivers are told to wait 100 ms

# By DLPFCFG: bandwidth and noise bandwidth in Hz (DS 10, GYRO_CONFIG_1 and ACCEL_CONFIG)
GYRO_FILTERS = (
    (196.6, 229.8), (151.8, 187.6), (119.5, 154.3), (51.2, 73.3), (23.9, 35.9), (11.6, 17.8), (5.7, 8.9), (361.4, 376.5)
)  # fmt: skip
ACCEL_FILTERS = (
    (246.0, 265.0), (246.0, 265.0), (111.4, 136.0), (50.4, 68.8), (23.9, 34.4), (11.5, 17.0), (5.7, 8.3), (473.0, 499.0)
)  # fmt: skip
GYRO_UNFILTERED, ACCEL_UNFILTERED = (12106.0, 12316.0), (1209.0, 1248.0)
# Beside 1/(2 pi bandwidth): what the same filters add in an MPU-9250, whose register map lists delays, by 1000/1125
GYRO_DELAY_S, ACCEL_DELAY_S = 0.00178, 0.00116
LSB_PER_DPS = (131, 65.5, 32.8, 16.4)  # DS 3.1, table 1
LSB_PER_G = (16384, 8192, 4096, 2048)  # DS 3.2, table 2
GYRO_NOISE_DPS = 0.015  # per root Hz; DS 3.1, table 1
ACCEL_NOISE_G = 230e-6  # per root Hz; DS 3.2, table 2
FACTORY_CODES = (112, 96, 121, 88, 104, 93)  # accelerometer x, y, z, gyroscope x, y, z: some chip's
ACCEL_PUSHES, GYRO_PUSHES = (0x10, 0x08, 0x04), (0x20, 0x10, 0x08)  # ACCEL_CONFIG_2 and GYRO_CONFIG_2: x, y, z

# FIFO_EN_2 bits and what each puts into a frame: bytes from-to of the data registers
FIFO_PARTS = ((0x10, 0, 6), (0x02, 6, 8), (0x04, 8, 10), (0x08, 10, 12), (0x01, 12, 14))


class SimIcm20948(SimImu):
    """At the other end of a SimI2cBus."""

    name = "icm20948"

    def __init__(
        self,
        clock: Clock,
        motion: Motion,
        *,
        who_am_i: int = 0xEA,
        factory_codes: Sequence[int] = FACTORY_CODES,
        **options: Any,
    ) -> None:
        """
        Args:
            factory_codes: what the registers SELF_TEST_* hold; the chip goes on answering as FACTORY_CODES say.
            options: those of SimImu.
        """
        self._who_am_i, self._factory_codes = who_am_i, bytes(factory_codes)
        super().__init__(clock, motion, **options)

    def power_cycle(self) -> None:
        """Everything as at power-on: bank 0, asleep, smallest ranges, FIFO empty. A brown-out does this."""
        self._banks = [bytearray(128) for _ in range(4)]
        self._bank = 0
        self._banks[0][WHO_AM_I] = self._who_am_i
        self._banks[0][LP_CONFIG] = 0x40
        self._banks[0][PWR_MGMT_1] = 0x41
        self._banks[1][SELF_TEST_ACCEL : SELF_TEST_ACCEL + 3] = self._factory_codes[:3]
        self._banks[1][SELF_TEST_GYRO : SELF_TEST_GYRO + 3] = self._factory_codes[3:]
        self._lose_ranges()
        self._fifo = bytearray()
        self._last_fifo_byte = 0
        self._latched_count = 0
        self._restart_sampling()

    # Registers

    def _read(self, register: int, count: int) -> bytes:
        """The register number counts up except at FIFO_R_W."""
        if self._bank == 0 and register == FIFO_R_W:
            return self._pop(count)
        return bytes(self._read_one((register + i) % 128) for i in range(count))

    def _write(self, register: int, data: bytes) -> None:
        for i, value in enumerate(data):
            self._write_one((register + i) % 128, value)

    def _lose_ranges(self) -> None:
        self._banks[2][GYRO_CONFIG_1] = self._banks[2][ACCEL_CONFIG] = 0x01

    def _read_one(self, register: int) -> int:
        if register == REG_BANK_SEL:
            return self._bank << 4
        if self._bank:
            return self._banks[self._bank][register]
        if register == FIFO_COUNTH:  # reading it latches both bytes
            self._latched_count = len(self._fifo)
            return self._latched_count >> 8
        if register == FIFO_COUNTL:
            return self._latched_count & 0xFF
        if register == FIFO_R_W:
            return self._pop(1)[0]
        value = self._banks[0][register]
        if INT_STATUS <= register <= INT_STATUS_3:  # cleared by being read
            self._banks[0][register] = 0
        return value

    def _pop(self, count: int) -> bytes:
        """An empty FIFO gives its last byte again."""
        taken = bytes(self._fifo[:count])
        del self._fifo[:count]
        if taken:
            self._last_fifo_byte = taken[-1]
        return taken + bytes([self._last_fifo_byte]) * (count - len(taken))

    def _write_one(self, register: int, value: int) -> None:
        if register == REG_BANK_SEL:
            self._bank = value >> 4 & 3
        elif self._bank:
            self._banks[self._bank][register] = value
            if self._bank == 2 and register in (GYRO_SMPLRT_DIV, GYRO_CONFIG_1):
                self._restart_sampling()
        elif register not in READ_ONLY:
            self._write_bank_0(register, value)

    def _write_bank_0(self, register: int, value: int) -> None:
        if register == PWR_MGMT_1 and value & 0x80:
            self.power_cycle()
            self._deaf_until_ns = self._clock.now_ns() + RESET_NS
            return
        if register == USER_CTRL:
            value &= ~0x0E  # the reset bits clear themselves
        if register == FIFO_RST and value & 0x1F:  # these do not
            self._fifo.clear()
        self._banks[0][register] = value
        if register == PWR_MGMT_1:
            self._restart_sampling()

    # Sampling

    def _period_ns(self) -> float | None:
        if self._banks[0][PWR_MGMT_1] & 0x40:
            return None  # asleep
        if not self._banks[2][GYRO_CONFIG_1] & 1:
            return 1e9 / 9000 / self._rate
        return (1 + self._banks[2][GYRO_SMPLRT_DIV]) * 1e9 / 1125 / self._rate

    def _kept(self) -> int:
        if self._banks[0][FIFO_MODE] & 0x01:
            return sys.maxsize  # a snapshot keeps the oldest
        size = sum(end - start for bit, start, end in FIFO_PARTS if self._banks[0][FIFO_EN_2] & bit)
        return 2 * FIFO_BYTES // max(size, 2)

    def _measure(self, t_ns: float) -> bytes:
        """The 14 bytes of the data registers: accelerometer, gyroscope, temperature."""
        bank = self._banks[2]
        accel_config, gyro_config = bank[ACCEL_CONFIG], bank[GYRO_CONFIG_1]
        accel_hz, accel_noise_hz = ACCEL_FILTERS[accel_config >> 3 & 7] if accel_config & 1 else ACCEL_UNFILTERED
        gyro_hz, gyro_noise_hz = GYRO_FILTERS[gyro_config >> 3 & 7] if gyro_config & 1 else GYRO_UNFILTERED
        per_g, per_dps = LSB_PER_G[accel_config >> 1 & 3], LSB_PER_DPS[gyro_config >> 1 & 3]
        accel = Channel(
            per_g / G0_MPS2,
            ACCEL_NOISE_G * per_g * math.sqrt(accel_noise_hz),
            ACCEL_DELAY_S + 1 / (math.tau * accel_hz),
        )
        gyro = Channel(
            math.degrees(per_dps),
            GYRO_NOISE_DPS * per_dps * math.sqrt(gyro_noise_hz),
            GYRO_DELAY_S + 1 / (math.tau * gyro_hz),
        )
        words = self._words(t_ns, accel, gyro, self._pushes(per_g / LSB_PER_G[0], per_dps / LSB_PER_DPS[0]))
        return struct.pack(">7h", *words, round((self.temperature_c - 21) * 333.87))  # DS 8, TEMP_OUT_H

    def _pushes(self, accel_scale: float, gyro_scale: float) -> list[float]:
        """What the self-test adds, in LSB: exactly what it did in the factory."""
        bank = self._banks[2]
        pushed = [bank[ACCEL_CONFIG_2] & bit for bit in ACCEL_PUSHES] + [
            bank[GYRO_CONFIG_2] & bit for bit in GYRO_PUSHES
        ]
        scales = [accel_scale] * 3 + [gyro_scale] * 3
        return [
            2620 * 1.01 ** (code - 1) * scale if on else 0.0
            for on, code, scale in zip(pushed, FACTORY_CODES, scales, strict=True)
        ]

    def _store(self, data: bytes) -> None:
        bank = self._banks[0]
        bank[DATA : DATA + 14] = data
        bank[INT_STATUS_1] |= 0x01
        if bank[USER_CTRL] & 0x40 and not bank[FIFO_RST] & 0x1F:
            self._push(b"".join(data[start:end] for bit, start, end in FIFO_PARTS if bank[FIFO_EN_2] & bit))

    def _push(self, frame: bytes) -> None:
        """A full FIFO loses its oldest bytes, not its oldest frame; as a snapshot the newest (DS 8, FIFO_MODE)."""
        self._fifo += frame
        excess = len(self._fifo) - FIFO_BYTES
        if excess > 0:
            self._banks[0][INT_STATUS_2] |= 0x01
            if self._banks[0][FIFO_MODE] & 0x01:
                del self._fifo[FIFO_BYTES:]
            else:
                del self._fifo[:excess]
