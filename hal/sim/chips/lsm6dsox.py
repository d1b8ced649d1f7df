"""A simulated LSM6DSOX, register by register. "DS" is ST's data sheet DS12814, "AN" ST's application note AN5272.

What trips drivers is in it: both sensors off at power-on, range codes out of order, scales that are not the range over
32768, a FIFO of tagged words in which an accelerometer's and a gyroscope's can be parted, words that leave the FIFO
only when their last byte is read, an overrun that is forgotten when it is read, bursts that count up only with IF_INC,
and a clock that is off by what INTERNAL_FREQ_FINE says.
Left out: low-power modes, compression, watermark and the triggered FIFO modes, other FIFO sources than the two sensors,
the embedded functions, block data update, and the low-pass filters' smoothing (delay and noise are there).
"""

import math
import struct
import sys
from typing import Any

from hal.clock import Clock
from hal.sim.chips.imu import G0_MPS2, Channel, Motion, SimImu, root_bandwidth

FIFO_CTRL3, FIFO_CTRL4, WHO_AM_I, CTRL1_XL, CTRL2_G, CTRL3_C = 0x09, 0x0A, 0x0F, 0x10, 0x11, 0x12
CTRL5_C, CTRL8_XL, CTRL9_XL, STATUS_REG, OUT_TEMP_L, OUTX_L_G, OUTX_L_A = 0x14, 0x17, 0x18, 0x1E, 0x20, 0x22, 0x28
FIFO_STATUS1, FIFO_STATUS2, INTERNAL_FREQ_FINE, FIFO_TAG, FIFO_END = 0x3A, 0x3B, 0x63, 0x78, 0x7E
READ_ONLY = {WHO_AM_I, *range(0x1A, 0x56), INTERNAL_FREQ_FINE, *range(FIFO_TAG, FIFO_END + 1)}
ACCEL_READY, GYRO_READY = 0x01, 0x02  # STATUS_REG

FIFO_WORDS = 512  # DS 6, FIFO
BASE_HZ = 6667  # DS 9, INTERNAL_FREQ_FINE: at rate code 10; half of it at each code below
RESET_NS = 50_000  # AN 5.7
GYRO_TAG, ACCEL_TAG = 1, 2
# By FS_XL: mg per LSB and noise in µg per root Hz (DS 4.1, table 2); the second with XL_FS_MODE
ACCEL_SCALES = (
    ((0.061, 70.0), (0.488, 110.0), (0.122, 75.0), (0.244, 80.0)),
    ((0.061, 70.0), (0.061, 70.0), (0.122, 75.0), (0.244, 80.0)),
)
GYRO_SCALES = (8.75, 17.5, 35.0, 70.0)  # mdps per LSB by FS_G; DS 4.1, table 2
GYRO_SCALE_125 = 4.375
GYRO_NOISE_MDPS = 3.8  # per root Hz; DS 4.1, table 2
ACCEL_BANDWIDTH = 0.5  # of its rate; LPF1
GYRO_BANDWIDTH = 0.32  # of its rate: 33 Hz at 104, 66.8 Hz at 208; LPF2 (AN 3)
ACCEL_PUSH_MG = (400.0, 450.0, 500.0)  # some chip's; DS 4.1, table 2: 50 to 1700
GYRO_PUSH_DPS = ((45.0, -40.0, 50.0), (300.0, -280.0, 320.0))  # at 250 °/s (20 to 80), above (150 to 700)
ACCEL_SIGNS, GYRO_SIGNS = (0, 1, -1, 0), (0, 1, 0, -1)  # by ST_XL and ST_G in CTRL5_C


class SimLsm6dsox(SimImu):
    """At the other end of a SimI2cBus."""

    name = "lsm6dsox"

    def __init__(
        self,
        clock: Clock,
        motion: Motion,
        *,
        who_am_i: int = 0x6C,
        clock_error: float = 0.008,
        trim_error: float = 0.0,
        push: float = 1.0,
        **options: Any,
    ) -> None:
        """
        Args:
            clock_error: as in SimImu; INTERNAL_FREQ_FINE tells it.
            trim_error: how much more than that INTERNAL_FREQ_FINE tells, as a fraction.
            push: the strength of the self-test.
            options: those of SimImu.
        """
        self._who_am_i = who_am_i
        self._fine = max(-128, min(127, round((clock_error + trim_error) / 0.0015)))
        self._push_strength = push
        super().__init__(clock, motion, clock_error=clock_error, **options)

    def power_cycle(self) -> None:
        """Everything as at power-on: both sensors off, FIFO empty. A brown-out does this."""
        self._registers = bytearray(128)
        self._registers[WHO_AM_I] = self._who_am_i
        self._registers[CTRL3_C] = 0x04  # IF_INC
        self._registers[CTRL9_XL] = 0xE0
        self._registers[INTERNAL_FREQ_FINE] = self._fine & 0xFF
        self._fifo: list[bytes] = []
        self._overran = False
        self._slot = 0
        self._restart_sampling()

    def drop_word(self) -> None:
        """Take the oldest word out of the FIFO, as somebody else who reads the chip would."""
        self._catch_up(self._clock.now_ns())
        del self._fifo[0]

    # Registers

    def _read(self, register: int, count: int) -> bytes:
        """The register number counts up with IF_INC, and from a FIFO word's end to the next one's tag."""
        answer = bytearray()
        for _ in range(count):
            answer.append(self._read_one(register))
            if self._registers[CTRL3_C] & 0x04:
                register = FIFO_TAG if register == FIFO_END else (register + 1) % 128
        return bytes(answer)

    def _write(self, register: int, data: bytes) -> None:
        for value in data:
            self._write_one(register, value)
            if self._registers[CTRL3_C] & 0x04:
                register = (register + 1) % 128

    def _lose_ranges(self) -> None:
        self._registers[CTRL1_XL] &= 0xF0
        self._registers[CTRL2_G] &= 0xF0

    def _read_one(self, register: int) -> int:
        if FIFO_TAG <= register <= FIFO_END:
            return self._read_word(register - FIFO_TAG)
        if register == FIFO_STATUS1:
            return len(self._fifo) & 0xFF
        if register == FIFO_STATUS2:
            full, overran, self._overran = len(self._fifo) >= FIFO_WORDS, self._overran, False
            return len(self._fifo) >> 8 | 0x60 * full | 0x08 * overran
        if register == CTRL3_C and self._clock.now_ns() < self._deaf_until_ns:
            return self._registers[CTRL3_C] | 0x01  # SW_RESET is still at it
        if OUTX_L_G <= register < OUTX_L_G + 6:
            self._registers[STATUS_REG] &= ~GYRO_READY
        if OUTX_L_A <= register < OUTX_L_A + 6:
            self._registers[STATUS_REG] &= ~ACCEL_READY
        return self._registers[register]

    def _read_word(self, byte: int) -> int:
        """An empty FIFO gives zeros, tag included; a word leaves it with its last byte."""
        if not self._fifo:
            return 0
        value = self._fifo[0][byte]
        if byte == FIFO_END - FIFO_TAG:
            del self._fifo[0]
        return value

    def _write_one(self, register: int, value: int) -> None:
        if register in READ_ONLY:
            return
        if register == CTRL3_C and value & 0x01:
            self.power_cycle()
            self._deaf_until_ns = self._clock.now_ns() + RESET_NS
            return
        self._registers[register] = value
        if register == FIFO_CTRL4 and value & 0x07 == 0:  # bypass empties it
            self._fifo.clear()
        if register in (CTRL1_XL, CTRL2_G):
            self._restart_sampling()

    # Sampling

    def _fastest(self) -> int:
        """The faster sensor's rate code: 1 for 12.5 Hz to 10 for 6.67 kHz; 0 while both are off."""
        return max(self._registers[CTRL1_XL] >> 4, self._registers[CTRL2_G] >> 4)

    def _period_ns(self) -> float | None:
        code = self._fastest()
        return 1e9 * 2 ** (10 - code) / BASE_HZ / self._rate if code else None

    def _due(self, code: int) -> bool:
        """Whether what goes by this rate code takes part in the present sample."""
        return code > 0 and self._samples % 2 ** max(0, self._fastest() - code) == 0

    def _kept(self) -> int:
        return sys.maxsize if self._registers[FIFO_CTRL4] & 0x07 == 1 else 2 * FIFO_WORDS  # FIFO mode keeps the oldest

    def _measure(self, t_ns: float) -> bytes:
        """The 14 bytes of the data registers: temperature, gyroscope, accelerometer."""
        registers = self._registers
        mg, noise_ug = ACCEL_SCALES[registers[CTRL8_XL] >> 1 & 1][registers[CTRL1_XL] >> 2 & 3]
        fs_g = registers[CTRL2_G] >> 2 & 3
        mdps = GYRO_SCALE_125 if registers[CTRL2_G] & 0x02 else GYRO_SCALES[fs_g]
        rate_hz = BASE_HZ / 2 ** (10 - self._fastest())
        accel_hz, gyro_hz = ACCEL_BANDWIDTH * rate_hz, GYRO_BANDWIDTH * rate_hz
        accel = Channel(
            1000 / (mg * G0_MPS2), noise_ug / 1000 / mg * root_bandwidth(accel_hz), 1 / (math.tau * accel_hz)
        )
        gyro = Channel(
            math.degrees(1000 / mdps), GYRO_NOISE_MDPS / mdps * root_bandwidth(gyro_hz), 1 / (math.tau * gyro_hz)
        )
        accel_sign = ACCEL_SIGNS[registers[CTRL5_C] & 3] * self._push_strength
        gyro_sign = GYRO_SIGNS[registers[CTRL5_C] >> 2 & 3] * self._push_strength
        pushes = [accel_sign * push / mg for push in ACCEL_PUSH_MG]
        pushes += [gyro_sign * push * 1000 / mdps for push in GYRO_PUSH_DPS[fs_g > 0]]
        words = self._words(t_ns, accel, gyro, pushes)
        return struct.pack("<7h", round((self.temperature_c - 25) * 256), *words[3:], *words[:3])  # DS 4.3, table 4

    def _store(self, data: bytes) -> None:
        registers = self._registers
        registers[OUT_TEMP_L : OUT_TEMP_L + 2] = data[:2]
        batched = False
        for tag, control, ready, output, bdr in (
            (GYRO_TAG, CTRL2_G, GYRO_READY, OUTX_L_G, registers[FIFO_CTRL3] >> 4),
            (ACCEL_TAG, CTRL1_XL, ACCEL_READY, OUTX_L_A, registers[FIFO_CTRL3] & 0x0F),
        ):
            if not self._due(registers[control] >> 4):
                continue
            axes = data[output - OUT_TEMP_L : output - OUT_TEMP_L + 6]
            registers[output : output + 6] = axes
            registers[STATUS_REG] |= ready
            if self._due(bdr):
                self._push(tag, axes)
                batched = True
        self._slot = (self._slot + batched) % 4

    def _push(self, sensor: int, axes: bytes) -> None:
        """A full FIFO loses its oldest word, or in FIFO mode the newest (DS 6, FIFO)."""
        mode = self._registers[FIFO_CTRL4] & 0x07
        if mode not in (1, 6) or (mode == 1 and len(self._fifo) >= FIFO_WORDS):
            return
        tag = sensor << 3 | self._slot << 1
        self._fifo.append(bytes([tag | tag.bit_count() % 2]) + axes)
        if len(self._fifo) > FIFO_WORDS:
            del self._fifo[0]
            self._overran = True
