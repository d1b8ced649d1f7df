"""A simulated MPU-6050, MPU-6500 or MPU-9250, register by register; for "RM", "PS" see the driver, hal/imu/mpu6050.py.

What trips drivers is in it: an MPU-6050 asleep at power-on (registers read, nothing is sampled), its successors awake
at once, power-on ranges that clip an impact, writes lost during a reset, a FIFO that drops its oldest bytes and with
them the alignment of its frames, a FIFO count that is latched, a status that is cleared by being read, a clock that is
not the host's, and the answer to the self-test.
Left out: cycle mode, stand-by of single axes, the I2C master, the bypassed filters of the successors, and the low-pass
filters' smoothing (their delay and their noise bandwidth are there).
"""

import math
import struct
import sys
from dataclasses import dataclass, replace
from typing import Any

from hal.clock import Clock
from hal.sim.chips.imu import G0_MPS2, NOTHING, Channel, Motion, SimImu, root_bandwidth

SELF_TEST_GYRO, SELF_TEST = 0x00, 0x0D
SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG, ACCEL_CONFIG_2, FIFO_EN = 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x23
INT_STATUS, DATA, DATA_END, USER_CTRL, PWR_MGMT_1 = 0x3A, 0x3B, 0x60, 0x6A, 0x6B
FIFO_COUNT_H, FIFO_COUNT_L, FIFO_R_W, WHO_AM_I = 0x72, 0x73, 0x74, 0x75
READ_ONLY = {*range(INT_STATUS, DATA_END + 1), FIFO_COUNT_H, FIFO_COUNT_L, WHO_AM_I}

RESET_NS = 50_000_000  # RM 4.28 names no time for I2C; drivers are told to wait 100 ms
LSB_PER_G = (16384, 8192, 4096, 2048)  # RM 4.17
LSB_PER_DPS = (131, 65.5, 32.8, 16.4)  # RM 4.19

# FIFO_EN bits (RM 4.6) and what each puts into a frame: bytes from-to of the data registers
FIFO_PARTS = ((0x08, 0, 6), (0x80, 6, 8), (0x40, 8, 10), (0x20, 10, 12), (0x10, 12, 14))

Filters = tuple[tuple[float, float], ...]
"""By the three bits that choose one: bandwidth in Hz, delay in s."""

# CONFIG's DLPF_CFG, accelerometer (RM 4.3); the gyroscope's bandwidths and delays are nearly the same
FILTERS_6050: Filters = (
    (260, 0.0), (184, 0.0020), (94, 0.0030), (44, 0.0049), (21, 0.0085), (10, 0.0138), (5, 0.0190), (260, 0.0)
)  # fmt: skip
# ACCEL_CONFIG_2's A_DLPFCFG (RM 9250 4.8)
FILTERS_ACCEL: Filters = (
    (218.1, 0.00188), (218.1, 0.00188), (99, 0.00288), (44.8, 0.00488),
    (21.2, 0.00887), (10.2, 0.01683), (5.05, 0.03248), (420, 0.00138),
)  # fmt: skip
# CONFIG's DLPF_CFG (RM 9250 4.6)
FILTERS_GYRO: Filters = (
    (250, 0.00097), (184, 0.0029), (92, 0.0039), (41, 0.0059),
    (20, 0.0099), (10, 0.01785), (5, 0.03348), (3600, 0.00017),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One chip of the family. Self-test answers: accelerometer x, y, z in g, gyroscope x, y, z in °/s."""

    who_am_i: int
    power_on: int  # PWR_MGMT_1
    fifo_bytes: int
    fifo_can_stop: bool  # FIFO_MODE in CONFIG: a full FIFO takes nothing more
    accel_filters: Filters
    accel_filter: int  # the register that chooses it
    gyro_filters: Filters
    accel_noise_g_rthz: float
    gyro_noise_dps_rthz: float
    temperature_lsb_per_c: float
    temperature_at_0_c: float
    factory: dict[int, int]  # self-test registers
    answers: tuple[float, ...]  # to the self-test: what the factory noted, give or take some per cent


def _trim(code: int) -> float:
    """LSB at ±2 g and ±250 °/s that a factory code of the successors stands for (AN-MPU-9250A-03, section 3.2)."""
    return 2620 * 1.01 ** (code - 1)


MPU6050 = Kind(
    who_am_i=0x68,
    power_on=0x40,  # asleep (RM 4.28)
    fifo_bytes=1024,
    fifo_can_stop=False,
    accel_filters=FILTERS_6050,
    accel_filter=CONFIG,
    gyro_filters=FILTERS_6050,
    accel_noise_g_rthz=400e-6,  # PS 6.2
    gyro_noise_dps_rthz=0.005,  # PS 6.1
    temperature_lsb_per_c=340,  # RM 4.18
    temperature_at_0_c=36.53,
    # RM 4.1: accelerometer codes 18, 13, 22 (upper three bits here, lower two in 0x10), gyroscope codes 12, 9, 15
    factory={0x0D: 4 << 5 | 12, 0x0E: 3 << 5 | 9, 0x0F: 5 << 5 | 15, 0x10: 2 << 4 | 1 << 2 | 2},
    answers=(
        *(0.34 * (0.92 / 0.34) ** ((code - 1) / 30) * share for code, share in ((18, 1.05), (13, 0.93), (22, 1.0))),
        *(25 * 1.046 ** (code - 1) * share for code, share in ((12, 0.96), (9, -1.08), (15, 1.02))),
    ),
)
MPU6500 = Kind(
    who_am_i=0x70,
    power_on=0x01,  # awake (RM 9250, register 107)
    fifo_bytes=512,  # PS 9250 4.17
    fifo_can_stop=True,  # RM 9250 4.5
    accel_filters=FILTERS_ACCEL,
    accel_filter=ACCEL_CONFIG_2,
    gyro_filters=FILTERS_GYRO,
    accel_noise_g_rthz=300e-6,  # PS 9250 3.2
    gyro_noise_dps_rthz=0.01,  # PS 9250 3.1
    temperature_lsb_per_c=333.87,  # PS 9250 3.4.2
    temperature_at_0_c=21.0,
    factory={0x00: 0xB0, 0x01: 0xB8, 0x02: 0xA8, 0x0D: 0x69, 0x0E: 0x71, 0x0F: 0x61},
    answers=(
        *(_trim(code) * share / 16384 for code, share in ((0x69, 1.1), (0x71, 0.9), (0x61, 1.0))),
        *(_trim(code) * share / 131 for code, share in ((0xB0, 0.95), (0xB8, 1.05), (0xA8, 1.0))),
    ),
)
MPU9250 = replace(MPU6500, who_am_i=0x71)


class SimMpu6050(SimImu):
    """At the other end of a SimI2cBus; a successor where `kind` says so."""

    name = "mpu6050"

    def __init__(
        self, clock: Clock, motion: Motion, *, kind: Kind = MPU6050, who_am_i: int | None = None, **options: Any
    ) -> None:
        """`who_am_i`: of a copy that gives another one. `options`: those of SimImu."""
        self._kind = kind
        self._who_am_i = kind.who_am_i if who_am_i is None else who_am_i
        super().__init__(clock, motion, **options)

    def power_cycle(self) -> None:
        """Everything as at power-on: smallest ranges, FIFO empty. A brown-out does this."""
        self._registers = bytearray(128)
        self._registers[PWR_MGMT_1] = self._kind.power_on
        self._registers[WHO_AM_I] = self._who_am_i
        for register, code in self._kind.factory.items():
            self._registers[register] = code
        self._fifo = bytearray()
        self._last_fifo_byte = 0
        self._latched_count = 0
        self._restart_sampling()

    # Registers

    def _read(self, register: int, count: int) -> bytes:
        """The register number counts up except at FIFO_R_W."""
        if register == FIFO_R_W:
            return self._pop(count)
        return bytes(self._read_one((register + i) % 128) for i in range(count))

    def _write(self, register: int, data: bytes) -> None:
        for i, value in enumerate(data):
            self._write_one((register + i) % 128, value)

    def _lose_ranges(self) -> None:
        self._registers[GYRO_CONFIG] = self._registers[ACCEL_CONFIG] = 0

    def _read_one(self, register: int) -> int:
        if register == FIFO_COUNT_H:  # reading it latches both bytes (RM 4.30)
            self._latched_count = len(self._fifo)
            return self._latched_count >> 8
        if register == FIFO_COUNT_L:
            return self._latched_count & 0xFF
        if register == FIFO_R_W:
            return self._pop(1)[0]
        value = self._registers[register]
        if register == INT_STATUS:  # cleared by being read (RM 4.16)
            self._registers[INT_STATUS] = 0
        return value

    def _pop(self, count: int) -> bytes:
        """An empty FIFO gives its last byte again (RM 4.31)."""
        taken = bytes(self._fifo[:count])
        del self._fifo[:count]
        if taken:
            self._last_fifo_byte = taken[-1]
        return taken + bytes([self._last_fifo_byte]) * (count - len(taken))

    def _write_one(self, register: int, value: int) -> None:
        if register in READ_ONLY:
            return
        if register == PWR_MGMT_1 and value & 0x80:
            self.power_cycle()
            self._deaf_until_ns = self._clock.now_ns() + RESET_NS
            return
        if register == USER_CTRL:
            if value & 0x44 == 0x04:  # FIFO_RESET works while FIFO_EN is 0 (RM 4.27)
                self._fifo.clear()
            value &= ~0x07  # the reset bits clear themselves
        self._registers[register] = value
        if register in (SMPLRT_DIV, CONFIG, PWR_MGMT_1):
            self._restart_sampling()

    # Sampling

    def _period_ns(self) -> float | None:
        if self._registers[PWR_MGMT_1] & 0x40:
            return None  # asleep
        divider = 1 + self._registers[SMPLRT_DIV]
        return divider * (125e3 if self._registers[CONFIG] & 7 in (0, 7) else 1e6) / self._rate

    def _kept(self) -> int:
        size = sum(end - start for bit, start, end in FIFO_PARTS if self._registers[FIFO_EN] & bit)
        if not size or not self._registers[USER_CTRL] & 0x40:
            return 1  # for the data registers
        if self._stops_when_full():
            return sys.maxsize  # its oldest samples stay
        return 2 * self._kind.fifo_bytes // size

    def _measure(self, t_ns: float) -> bytes:
        """The 14 bytes of the data registers: accelerometer, temperature, gyroscope."""
        kind, registers = self._kind, self._registers
        accel_hz, accel_delay_s = kind.accel_filters[registers[kind.accel_filter] & 7]
        gyro_hz, gyro_delay_s = kind.gyro_filters[registers[CONFIG] & 7]
        per_g = LSB_PER_G[registers[ACCEL_CONFIG] >> 3 & 3]
        per_dps = LSB_PER_DPS[registers[GYRO_CONFIG] >> 3 & 3]
        accel = Channel(per_g / G0_MPS2, kind.accel_noise_g_rthz * per_g * root_bandwidth(accel_hz), accel_delay_s)
        gyro_noise = kind.gyro_noise_dps_rthz * per_dps * root_bandwidth(gyro_hz)
        gyro = Channel(math.degrees(per_dps), gyro_noise, gyro_delay_s)
        words = self._words(t_ns, accel, gyro, self._pushed(per_g, per_dps))
        temperature = round((self.temperature_c - kind.temperature_at_0_c) * kind.temperature_lsb_per_c)
        return struct.pack(">7h", *words[:3], temperature, *words[3:])

    def _pushed(self, per_g: float, per_dps: float) -> tuple[float, ...]:
        """What the self-test adds, in LSB; bit 7 is x, 6 y, 5 z (RM 4.4, 4.5)."""
        accel, gyro = self._registers[ACCEL_CONFIG], self._registers[GYRO_CONFIG]
        if not (accel | gyro) & 0xE0:
            return NOTHING
        return tuple(
            answer * scale if register & 0x80 >> axis % 3 else 0.0
            for axis, (answer, register, scale) in enumerate(
                zip(self._kind.answers, [accel] * 3 + [gyro] * 3, [per_g] * 3 + [per_dps] * 3, strict=True)
            )
        )

    def _store(self, data: bytes) -> None:
        self._registers[DATA : DATA + 14] = data
        self._registers[INT_STATUS] |= 0x01
        if self._registers[USER_CTRL] & 0x40:
            self._push(data)

    def _push(self, data: bytes) -> None:
        """Append a frame; a full FIFO loses its oldest bytes, not its oldest frame (RM 4.31), or takes nothing more."""
        frame = b"".join(data[start:end] for bit, start, end in FIFO_PARTS if self._registers[FIFO_EN] & bit)
        excess = len(self._fifo) + len(frame) - self._kind.fifo_bytes
        if excess > 0:
            self._registers[INT_STATUS] |= 0x10
            if self._stops_when_full():
                return
        self._fifo += frame
        if excess > 0:
            del self._fifo[:excess]

    def _stops_when_full(self) -> bool:
        return self._kind.fifo_can_stop and bool(self._registers[CONFIG] & 0x40)
