"""What every simulated motion sensor shares: it senses a motion by a clock of its own, with noise, and fails as told.

A chip adds its registers: what `_read` and `_write` do, when it samples, and how a measurement becomes bytes.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from hal.clock import Clock
from hal.imu.mounting import Mounting
from hal.samples import Vector
from hal.sim.i2c import Nack

Motion = Callable[[float], tuple[Vector, Vector]]
"""World time in s to specific force (m/s²) and angular rate (rad/s), body axes."""

G0_MPS2 = 9.80665
DELAYED_S = 0.2
SLOWER = 10
NOISE_WIDTH = math.pi / 2  # a first-order filter lets this much more noise through than its bandwidth says
NOTHING = (0.0,) * 6


class Failing(Protocol):
    """What goes wrong, and when: hal.sim.faults.Fault fits."""

    @property
    def word(self) -> str: ...

    def active(self, t_s: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """How three axes become numbers: LSB per SI unit, noise in LSB (rms), and how long the filter holds them back."""

    per_unit: float
    noise_lsb: float
    delay_s: float


def root_bandwidth(bandwidth_hz: float) -> float:
    """What a noise density is multiplied with behind a first-order low-pass filter."""
    return math.sqrt(bandwidth_hz * NOISE_WIDTH)


def clipped(value: float) -> int:
    """Rounded to 16 bits; what exceeds the range is clipped, as in the chip."""
    return max(-32768, min(32767, round(value)))


class SimImu(ABC):
    """The chip at the other end of a SimI2cBus. It samples only when it is spoken to, as if it always had."""

    name: str  # seeds the noise: "mpu6050"

    def __init__(
        self,
        clock: Clock,
        motion: Motion,
        *,
        epoch_ns: int = 0,
        fault: Failing | None = None,
        mounting: Mounting | None = None,
        clock_error: float = 0.008,
        noise: float = 1.0,
        temperature_c: float = 25.0,
        broken_axes: Collection[int] = (),
        seed: int = 0,
    ) -> None:
        """Ends with `power_cycle()`, so what that needs must be set before this is called.

        Args:
            epoch_ns: the clock's time when the world's time is 0.
            clock_error: how much faster than the host's the chip's clock runs, as a fraction.
            noise: how much of the data sheet's noise there is.
            temperature_c: of the chip.
            broken_axes: those that do not answer the self-test; 0 to 2 accelerometer x, y, z, 3 to 5 gyroscope.
        """
        self._clock, self._motion, self._epoch_ns, self._fault = clock, motion, epoch_ns, fault
        self._mounting = mounting or Mounting()
        self._rate = 1 + clock_error
        self.temperature_c = temperature_c
        self._broken_axes = frozenset(broken_axes)
        self._random = random.Random(f"{self.name}:{seed}")
        self._noise = [self._random.gauss(0, 1) * noise for _ in range(6 * 997)]
        self._samples = 0
        self._stuck: bytes | None = None
        self._frozen: dict[int, tuple[float, int | None]] = {}
        self._deaf_until_ns = 0  # while a reset lasts, what is written is lost
        self._sampled_ns = float(clock.now_ns())
        self.power_cycle()

    # What differs from chip to chip

    @abstractmethod
    def power_cycle(self) -> None:
        """Everything as at power-on. A brown-out does this."""

    @abstractmethod
    def _read(self, register: int, count: int) -> bytes:
        """Burst read."""

    @abstractmethod
    def _write(self, register: int, data: bytes) -> None:
        """Burst write."""

    @abstractmethod
    def _lose_ranges(self) -> None:
        """Fall back to the power-on ranges."""

    @abstractmethod
    def _period_ns(self) -> float | None:
        """From sample to sample by the host's clock; None while nothing is sampled."""

    @abstractmethod
    def _kept(self) -> int:
        """So many newest samples can matter; older ones are left out. For a FIFO twice its frames, so it overflows."""

    @abstractmethod
    def _measure(self, t_ns: float) -> bytes:
        """One sample as the data registers hold it; see `_words`."""

    @abstractmethod
    def _store(self, data: bytes) -> None:
        """Put a sample into the data registers, the FIFO and the status."""

    def freeze(self, axis: int, from_s: float, word: int | None = None) -> None:
        """From this moment of the world's time on, one axis (see `broken_axes`) gives one word: its last, or `word`."""
        self._frozen[axis] = (from_s, word)

    def thaw(self) -> None:
        """Every axis lives again."""
        self._frozen.clear()

    # Being spoken to

    def read(self, register: int, count: int) -> bytes:
        self._answer()
        return self._random.randbytes(count) if self._failing("garbage") else self._read(register, count)

    def write(self, register: int, data: bytes) -> None:
        self._answer()
        if self._failing("garbage") or self._clock.now_ns() < self._deaf_until_ns:
            return  # what arrives is not what was sent, or nobody listens yet
        self._write(register, data)

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

    # Sampling

    def _restart_sampling(self) -> None:
        """The next sample comes one period from now."""
        self._sampled_ns = float(self._clock.now_ns())

    def _catch_up(self, now_ns: int) -> None:
        period_ns = self._period_ns()
        if period_ns is None:
            return
        self._skip(now_ns, period_ns)
        while True:
            slower = SLOWER if self._failing("slow", round(self._sampled_ns)) else 1
            next_ns = self._sampled_ns + period_ns * slower
            if next_ns > now_ns:
                return
            self._sampled_ns = next_ns
            self._sample(next_ns)

    def _skip(self, now_ns: int, period_ns: float) -> None:
        """Leave out samples that would be lost again before anybody can read them."""
        due, keep = int((now_ns - self._sampled_ns) / period_ns), self._kept()
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
        self._store(data)

    def _words(self, t_ns: float, accel: Channel, gyro: Channel, added: Sequence[float] = NOTHING) -> list[int]:
        """Accelerometer x, y, z and gyroscope x, y, z along the chip's own axes, clipped to 16 bits.

        `added`: what the self-test adds, in LSB; nothing is added to a broken axis.
        """
        accel_mps2, gyro_radps = self._moved(t_ns, accel.delay_s)
        if gyro.delay_s != accel.delay_s:
            gyro_radps = self._moved(t_ns, gyro.delay_s)[1]
        values = (*self._mounting.to_sensor(accel_mps2), *self._mounting.to_sensor(gyro_radps))
        first = 6 * self._samples % len(self._noise)
        words = [
            clipped(
                value * channel.per_unit
                + self._noise[first + axis] * channel.noise_lsb
                + (0.0 if axis in self._broken_axes else added[axis])
            )
            for axis, (value, channel) in enumerate(zip(values, (accel, accel, accel, gyro, gyro, gyro), strict=True))
        ]
        for axis, (from_s, word) in self._frozen.items():
            if self._world_s(t_ns) >= from_s:
                words[axis] = words[axis] if word is None else word
                self._frozen[axis] = (from_s, words[axis])
        return words

    def _moved(self, t_ns: float, delay_s: float) -> tuple[Vector, Vector]:
        return self._motion(max(0.0, self._world_s(t_ns) - delay_s))
