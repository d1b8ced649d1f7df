"""A simulated MPU-6050, register by register. "RM" is InvenSense's register map RM-MPU-6000A, revision 4.2.

What trips drivers is in it: asleep at power-on (registers read, nothing is sampled), power-on ranges that clip an
impact, writes lost during a reset, a FIFO that drops its oldest bytes and with them the alignment of its frames, a
FIFO count that is latched, a status that is cleared by being read, and a clock that is not the host's.
Left out: self-test, cycle mode, stand-by of single axes, the I2C master, and the low-pass filter's smoothing (its
delay and its noise bandwidth are there).
"""

import math
import random
import struct
from collections.abc import Callable
from typing import Protocol

from hal.clock import Clock
from hal.imu.mounting import Mounting
from hal.samples import Vector
from hal.sim.i2c import Nack

Motion = Callable[[float], tuple[Vector, Vector]]
"""World time in s to specific force (m/s²) and angular rate (rad/s), body axes."""


class Failing(Protocol):
    """What goes wrong, and when: hal.sim.faults.Fault fits."""

    @property
    def word(self) -> str: ...

    def active(self, t_s: float) -> bool: ...


SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG, FIFO_EN = 0x19, 0x1A, 0x1B, 0x1C, 0x23
INT_STATUS, DATA, DATA_END, USER_CTRL, PWR_MGMT_1 = 0x3A, 0x3B, 0x60, 0x6A, 0x6B
FIFO_COUNT_H, FIFO_COUNT_L, FIFO_R_W, WHO_AM_I = 0x72, 0x73, 0x74, 0x75
READ_ONLY = {*range(INT_STATUS, DATA_END + 1), FIFO_COUNT_H, FIFO_COUNT_L, WHO_AM_I}

FIFO_BYTES = 1024
RESET_NS = 50_000_000  # RM 4.28 names no time for I2C; drivers are told to wait 100 ms
DELAYED_S = 0.2
SLOWER = 10

# CONFIG's DLPF_CFG (RM 4.3): accelerometer bandwidth in Hz, delay in s
FILTERS = [
    (260, 0.0), (184, 0.0020), (94, 0.0030), (44, 0.0049), (21, 0.0085), (10, 0.0138), (5, 0.0190), (260, 0.0)
]  # fmt: skip
LSB_PER_G = (16384, 8192, 4096, 2048)  # RM 4.17
LSB_PER_DPS = (131, 65.5, 32.8, 16.4)  # RM 4.19
ACCEL_NOISE_G = 400e-6  # per root Hz; product specification 6.2
GYRO_NOISE_DPS = 0.005  # per root Hz; product specification 6.1
NOISE_WIDTH = math.pi / 2  # a first-order filter lets this much more noise through than its bandwidth says
G0_MPS2 = 9.80665
TEMPERATURE_WORD = round((25 - 36.53) * 340)  # 25 °C; RM 4.18

# FIFO_EN bits (RM 4.6) and what each puts into a frame: bytes from-to of the data registers
FIFO_PARTS = ((0x08, 0, 6), (0x80, 6, 8), (0x40, 8, 10), (0x20, 10, 12), (0x10, 12, 14))


class SimMpu6050:
    """The chip at the other end of a SimI2cBus. It samples `motion` only when it is spoken to, as if it always had."""

    def __init__(
        self,
        clock: Clock,
        motion: Motion,
        *,
        epoch_ns: int = 0,
        fault: Failing | None = None,
        mounting: Mounting | None = None,
        clock_error: float = 0.008,
        who_am_i: int = 0x68,
        seed: int = 0,
    ) -> None:
        """
        Args:
            epoch_ns: the clock's time when the world's time is 0.
            clock_error: how much faster than the host's the chip's clock runs, as a fraction.
        """
        self._clock, self._motion, self._epoch_ns, self._fault = clock, motion, epoch_ns, fault
        self._mounting = mounting or Mounting()
        self._rate = 1 + clock_error
        self._who_am_i = who_am_i
        self._random = random.Random(f"mpu6050:{seed}")
        self._noise = [self._random.gauss(0, 1) for _ in range(6 * 997)]
        self._samples = 0
        self._stuck: bytes | None = None
        self._ready_ns = 0
        self.power_cycle()

    def power_cycle(self) -> None:
        """Everything as at power-on: asleep, smallest ranges, FIFO empty. A brown-out does this."""
        self._registers = bytearray(128)
        self._registers[PWR_MGMT_1] = 0x40
        self._registers[WHO_AM_I] = self._who_am_i
        self._fifo = bytearray()
        self._last_fifo_byte = 0
        self._latched_count = 0
        self._restart_sampling()

    def read(self, register: int, count: int) -> bytes:
        """Burst read; the register number counts up except at FIFO_R_W."""
        self._answer()
        if self._failing("garbage"):
            return self._random.randbytes(count)
        if register == FIFO_R_W:
            return self._pop(count)
        return bytes(self._read_one((register + i) % 128) for i in range(count))

    def write(self, register: int, data: bytes) -> None:
        self._answer()
        if self._failing("garbage") or self._clock.now_ns() < self._ready_ns:
            return  # what arrives is not what was sent, or nobody listens yet
        for i, value in enumerate(data):
            self._write_one((register + i) % 128, value)

    def _answer(self) -> None:
        """Be addressed: take the samples that are due, then fail as told."""
        self._catch_up(self._clock.now_ns())
        if self._failing("off") or self._failing("intermittent"):
            raise Nack
        if self._failing("delayed"):
            self._clock.sleep(DELAYED_S)
            self._catch_up(self._clock.now_ns())
        if self._failing("wrong"):
            self._lose_ranges()

    def _failing(self, word: str, t_ns: int | None = None) -> bool:
        if self._fault is None or self._fault.word != word:
            return False
        return self._fault.active(self._world_s(self._clock.now_ns() if t_ns is None else t_ns))

    def _world_s(self, t_ns: float) -> float:
        return (t_ns - self._epoch_ns) / 1e9

    def _lose_ranges(self) -> None:
        self._registers[GYRO_CONFIG] = self._registers[ACCEL_CONFIG] = 0

    # Registers

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
            self._ready_ns = self._clock.now_ns() + RESET_NS
            return
        if register == USER_CTRL:
            if value & 0x44 == 0x04:  # FIFO_RESET works while FIFO_EN is 0 (RM 4.27)
                self._fifo.clear()
            value &= ~0x07  # the reset bits clear themselves
        self._registers[register] = value
        if register in (SMPLRT_DIV, CONFIG, PWR_MGMT_1):
            self._restart_sampling()

    # Sampling

    def _restart_sampling(self) -> None:
        self._sampled_ns = float(self._clock.now_ns())

    def _period_ns(self) -> float:
        divider = 1 + self._registers[SMPLRT_DIV]
        return divider * (125e3 if self._registers[CONFIG] & 7 in (0, 7) else 1e6) / self._rate

    def _catch_up(self, now_ns: int) -> None:
        if self._registers[PWR_MGMT_1] & 0x40:
            return  # asleep
        period_ns = self._period_ns()
        self._skip(now_ns, period_ns)
        while True:
            slower = SLOWER if self._failing("slow", round(self._sampled_ns)) else 1
            next_ns = self._sampled_ns + period_ns * slower
            if next_ns > now_ns:
                return
            self._sampled_ns = next_ns
            self._sample(next_ns)

    def _skip(self, now_ns: int, period_ns: float) -> None:
        """Leave out samples that the FIFO would have lost again before anybody can read them."""
        due = int((now_ns - self._sampled_ns) / period_ns)
        size = sum(end - start for bit, start, end in FIFO_PARTS if self._registers[FIFO_EN] & bit)
        keep = 2 * FIFO_BYTES // max(size, 2)  # twice, so that it overflows as it would have done
        if due > keep and not (self._fault and self._fault.word == "slow"):
            self._sampled_ns += (due - keep) * period_ns
            self._samples += due - keep

    def _sample(self, t_ns: float) -> None:
        if self._failing("wrong", round(t_ns)):
            self._lose_ranges()
        self._samples += 1
        data = self._measure(t_ns)
        if self._failing("stuck", round(t_ns)):
            data = self._stuck = self._stuck or data
        self._registers[DATA : DATA + 14] = data
        self._registers[INT_STATUS] |= 0x01
        if self._registers[USER_CTRL] & 0x40:
            self._push(data)

    def _measure(self, t_ns: float) -> bytes:
        """The 14 bytes of the data registers: accelerometer, temperature, gyroscope."""
        bandwidth_hz, delay_s = FILTERS[self._registers[CONFIG] & 7]
        accel_mps2, gyro_radps = self._motion(max(0.0, self._world_s(t_ns) - delay_s))
        x, y, z = self._mounting.to_sensor(accel_mps2)
        p, q, r = self._mounting.to_sensor(gyro_radps)
        per_g = LSB_PER_G[self._registers[ACCEL_CONFIG] >> 3 & 3]
        per_dps = LSB_PER_DPS[self._registers[GYRO_CONFIG] >> 3 & 3]
        root_hz = math.sqrt(bandwidth_hz * NOISE_WIDTH)
        accel_noise, gyro_noise = ACCEL_NOISE_G * per_g * root_hz, GYRO_NOISE_DPS * per_dps * root_hz
        per_mps2, per_radps = per_g / G0_MPS2, math.degrees(per_dps)
        first = 6 * self._samples % len(self._noise)
        n = self._noise[first : first + 6]
        return struct.pack(
            ">7h",
            _word(x * per_mps2 + n[0] * accel_noise),
            _word(y * per_mps2 + n[1] * accel_noise),
            _word(z * per_mps2 + n[2] * accel_noise),
            TEMPERATURE_WORD,
            _word(p * per_radps + n[3] * gyro_noise),
            _word(q * per_radps + n[4] * gyro_noise),
            _word(r * per_radps + n[5] * gyro_noise),
        )

    def _push(self, data: bytes) -> None:
        """Append a frame; a full FIFO loses its oldest bytes, not its oldest frame (RM 4.31)."""
        for bit, start, end in FIFO_PARTS:
            if self._registers[FIFO_EN] & bit:
                self._fifo += data[start:end]
        excess = len(self._fifo) - FIFO_BYTES
        if excess > 0:
            del self._fifo[:excess]
            self._registers[INT_STATUS] |= 0x10


def _word(value: float) -> int:
    """Rounded to 16 bits; what exceeds the range is clipped, as in the chip."""
    return max(-32768, min(32767, round(value)))
