"""Reads a motion sensor that collects samples in a FIFO: when each was taken, whether any was lost, in body axes."""

from typing import NoReturn, Protocol

from hal.clock import Clock
from hal.errors import HalError, NoData, Overflow, TooSlow
from hal.i2c import I2cBus
from hal.imu.axis_watch import RAIL_SHARE, AxisWatch
from hal.imu.imu import AxisTest, ImuInfo
from hal.imu.mounting import Mounting
from hal.imu.sample_times import SampleTimes
from hal.samples import ImuSample

TRIAL_S = 0.05  # how long a chip just set up is watched for samples
SILENCE_S = 0.1
FLOW_WINDOW_S = 0.15
MIN_FLOW = 0.75  # of the samples that the set rate promises
HEALTH_CHECK_S = 1.0
FULL_SCALE_LSB = 32767  # the end of 16 bits: what was measured is at least this much

Words = tuple[int, int, int, int, int, int]
"""Accelerometer x, y, z and gyroscope x, y, z as the chip gives them."""


class FifoChip(Protocol):
    """What differs from chip to chip. Every method raises HalError: BusError, WrongDevice, WrongConfig..."""

    name: str  # begins every message: "IMU at 0x68"
    info: ImuInfo
    capacity_frames: int  # so many whole frames of the FIFO can be trusted
    frame_bytes: int
    filter_delay_ns: int  # what leaves the chip now happened so long ago
    mps2_per_lsb: float
    radps_per_lsb: float

    def open(self) -> None:
        """Identify the chip, reset it, set it up, and read every setting back."""
        ...

    def empty(self) -> None:
        """Throw away what the FIFO holds, and begin with a whole frame."""
        ...

    def backlog(self) -> tuple[int, int]:
        """How many whole frames wait in the FIFO, and how many bytes more (a torn frame, or lost alignment)."""
        ...

    def fetch(self, frames: int) -> list[Words]:
        """Take so many frames, oldest first."""
        ...

    def overflowed(self) -> bool:
        """Whether the FIFO overflowed since this was last asked."""
        ...

    def check_ranges(self) -> None:
        """Read back what decides what the numbers mean: ranges, filter, rate. Asked at every read."""
        ...

    def check_switches(self) -> None:
        """Read back everything else, such as sleep. Asked once a second, and when no sample comes."""
        ...

    def temperature_c(self) -> float: ...

    def self_test(self) -> list[AxisTest]:
        """Leaves the chip with other settings: it is opened anew afterwards."""
        ...


class FifoImu:
    """A chip that samples at a rate of its own, fetched in bursts.

    Every read also reads the ranges, the filter and the rate back, so that no sample is handed out that was taken under
    settings other than these: a chip that fell back to ±2 g would turn standing still into an impact.
    It owns its bus: it closes it in `close()`, and when the chip cannot be opened.
    """

    def __init__(self, chip: FifoChip, bus: I2cBus, clock: Clock, mounting: Mounting | None = None) -> None:
        """Set the chip up and see samples arrive (0.2 s).

        Raises:
            DeviceNotFound: nothing answers at its address.
            WrongDevice: it is another chip.
            WrongConfig: a setting does not hold.
            TooSlow: it makes no samples, or too few.
            BusError: a transfer failed or took longer than 50 ms.
        """
        self._chip, self._bus, self._clock = chip, bus, clock
        self._mounting = mounting or Mounting()
        self._output_hz = chip.info.output_hz
        self._times = SampleTimes(self._output_hz, clock.now_ns())
        rail_lsb = RAIL_SHARE * FULL_SCALE_LSB
        self._axes = AxisWatch(chip.name, self._output_hz, accel_rail_lsb=rail_lsb, gyro_rail_lsb=rail_lsb)
        try:
            self._start()
        except HalError:
            bus.close()
            raise

    @property
    def info(self) -> ImuInfo:
        return self._chip.info

    @property
    def measured_hz(self) -> float:
        """Samples a second by the host's clock; some per cent beside the set rate is in order."""
        return self._times.measured_hz

    def read(self) -> list[ImuSample]:
        """Fetch what was sampled since the last read, oldest first; empty when nothing is due yet.

        `t_ns` is when the motion happened (the filter's delay is taken off); it strictly increases over all reads.

        Raises:
            NoData: no sample for 0.1 s.
            StuckAxis: an axis gives the same number for ever; said again by every read until it moves.
            TooSlow: less than three quarters of what the rate promises over 0.15 s.
            Overflow: samples were lost; the next read goes on with new ones.
            WrongConfig: the chip lost its settings; open it again.
            BusError: a transfer failed or took longer than 50 ms.
        """
        if not self._aligned:
            self._empty()
        before_ns, frames, stray_bytes, after_ns = self._backlog()
        self._check_backlog(frames, stray_bytes)
        words = self._fetch(frames)
        self._check_settings(after_ns)
        self._check_losses(frames, stray_bytes)
        self._check_flow(len(words), after_ns)
        samples = self._samples(words, before_ns, after_ns) if words else []
        self._axes.watch(words)
        return samples

    def temperature_c(self) -> float:
        return self._chip.temperature_c()

    def self_test(self) -> list[AxisTest]:
        """See Imu. The samples meanwhile are thrown away."""
        try:
            return self._chip.self_test()
        finally:
            self._start()

    def close(self) -> None:
        self._bus.close()

    def _start(self) -> None:
        self._chip.open()
        self._output_hz = self._chip.info.output_hz  # some chips tell how far their clock is off
        self._check_due_ns = self._clock.now_ns() + round(HEALTH_CHECK_S * 1e9)
        self._empty()
        self._clock.sleep(TRIAL_S)
        _, frames, _, after_ns = self._backlog()
        self._check_rate(frames, (after_ns - self._window_ns) / 1e9)

    def _empty(self) -> None:
        self._chip.empty()
        now_ns = self._clock.now_ns()
        self._aligned = True
        self._times.restart(now_ns)
        self._last_frame_ns = self._window_ns = now_ns
        self._window_samples = 0

    def _backlog(self) -> tuple[int, int, int, int]:
        """The time before it was asked, whole frames, bytes beyond them, and the time after.

        Where bytes are left over it is asked once more: the chip may have been writing a frame.
        """
        for _ in range(2):
            before_ns = self._clock.now_ns()
            frames, stray_bytes = self._chip.backlog()
            after_ns = self._clock.now_ns()
            if not stray_bytes:
                break
        return before_ns, frames, stray_bytes, after_ns

    def _fetch(self, frames: int) -> list[Words]:
        self._aligned = False  # a burst that breaks off leaves a part of a frame behind
        words = self._chip.fetch(frames)
        self._aligned = True
        return words

    def _check_settings(self, now_ns: int) -> None:
        self._chip.check_ranges()
        if now_ns >= self._check_due_ns:
            self._check_due_ns = now_ns + round(HEALTH_CHECK_S * 1e9)
            self._chip.check_switches()

    def _check_backlog(self, frames: int, stray_bytes: int) -> None:
        """Before the burst, which would be long."""
        if frames > self._chip.capacity_frames:
            self._chip.overflowed()  # is told with this
            self._lose(frames, stray_bytes)

    def _check_losses(self, frames: int, stray_bytes: int) -> None:
        """After the burst, because what overflowed on the way is no whole frame either."""
        if self._chip.overflowed() or stray_bytes:
            self._lose(frames, stray_bytes)

    def _lose(self, frames: int, stray_bytes: int) -> NoReturn:
        chip = self._chip
        self._aligned = False
        self._empty()
        raise Overflow(
            f"{chip.name}: samples were lost; its FIFO held {frames} frames of {chip.frame_bytes} bytes and "
            f"{stray_bytes} bytes more, and can be trusted with {chip.capacity_frames} frames; "
            f"it must be read every {SILENCE_S:g} s"
        )

    def _check_flow(self, samples: int, now_ns: int) -> None:
        if samples:
            self._last_frame_ns = now_ns
        silence_s = (now_ns - self._last_frame_ns) / 1e9
        if silence_s > SILENCE_S:
            self._chip.check_switches()
            raise NoData(
                f"{self._chip.name}: no sample for {silence_s:.2f} s, expected {self._output_hz:.0f} a second; "
                "restart it"
            )
        self._window_samples += samples
        if samples and now_ns - self._window_ns >= FLOW_WINDOW_S * 1e9:
            counted, self._window_samples = self._window_samples, 0
            since_ns, self._window_ns = self._window_ns, now_ns
            self._check_rate(counted, (now_ns - since_ns) / 1e9)

    def _check_rate(self, samples: int, elapsed_s: float) -> None:
        expected = elapsed_s * self._output_hz
        if samples + 1 < MIN_FLOW * expected:
            self._chip.check_switches()  # a chip that fell asleep is named as such
            raise TooSlow(
                f"{self._chip.name}: {samples} samples in {elapsed_s:.2f} s, expected {expected:.0f}; "
                "switch it off and on, and change the part if that does not help"
            )

    def _samples(self, frames: list[Words], before_ns: int, after_ns: int) -> list[ImuSample]:
        chip = self._chip
        stamps = self._times.stamp(len(frames), before_ns, after_ns)
        (f, f_sign), (le, l_sign), (u, u_sign) = self._mounting.rows
        fa, la, ua = f_sign * chip.mps2_per_lsb, l_sign * chip.mps2_per_lsb, u_sign * chip.mps2_per_lsb
        fg, lg, ug = f_sign * chip.radps_per_lsb, l_sign * chip.radps_per_lsb, u_sign * chip.radps_per_lsb
        samples = [
            ImuSample(
                t_ns - chip.filter_delay_ns,
                (words[f] * fa, words[le] * la, words[u] * ua),
                (words[f + 3] * fg, words[le + 3] * lg, words[u + 3] * ug),
                max(words) >= FULL_SCALE_LSB or min(words) <= -FULL_SCALE_LSB,
            )
            for t_ns, words in zip(stamps, frames, strict=True)
        ]
        if self._mounting.tilt is None:
            return samples
        tilted = self._mounting.tilted
        return [ImuSample(s.t_ns, tilted(s.accel_mps2), tilted(s.gyro_radps), s.saturated) for s in samples]
