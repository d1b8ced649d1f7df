"""When buffered samples were taken, from how many of them there are whenever the buffer is emptied."""

NANOSECONDS = 10**9


class SampleTimes:
    """Time stamps for samples that a chip takes by a clock of its own and keeps until they are fetched.

    Two things are known at each fetch: the newest sample lies less than one period before it, and how many samples were
    taken since the last one. The period is measured over many fetches, because the chip's clock may be off by several
    per cent; the newest stamp is then held within one period before its fetch, so that stamps never drift away.
    """

    MEASURE_AT_LEAST_S = 1.0  # one sample more or less is then 1 % at 100 Hz
    FORGET_AFTER_S = 20.0  # the chip's clock changes with its temperature
    MAX_CLOCK_ERROR = 0.12  # the worst chip's 10 % (ICM-20948, DS-000189, TIMEBASE_CORRECTION_PLL), and some counting

    def __init__(self, nominal_hz: float, t_ns: int) -> None:
        self._nominal_ns = NANOSECONDS / nominal_hz
        self._period_ns = self._nominal_ns
        self.restart(t_ns)

    @property
    def measured_hz(self) -> float:
        """How many samples a second the chip takes, by the clock of the host."""
        return NANOSECONDS / self._period_ns

    def restart(self, t_ns: int) -> None:
        """The buffer was emptied at `t_ns`, without its samples being fetched."""
        self._last_ns = t_ns
        self._count = 0
        self._marks = [(t_ns, 0)]

    def stamp(self, samples: int, before_ns: int, after_ns: int) -> list[int]:
        """When each of `samples` was taken, oldest first.

        Strictly increasing over all calls, and never later than `after_ns`.

        Args:
            samples: how many were in the buffer; more than 0.
            before_ns: no earlier sample was still to come when this was the time.
            after_ns: all of them had been taken when this was the time.
        """
        self._measure(samples, before_ns, after_ns)
        expected_ns = round(self._last_ns + samples * self._period_ns)
        newest_ns = min(max(expected_ns, before_ns - round(self._period_ns)), after_ns)
        from_ns = max(newest_ns - round(samples * self._period_ns), self._last_ns)  # later, where some were lost
        span_ns = max(newest_ns - from_ns, samples)
        stamps = [from_ns + span_ns * i // samples for i in range(1, samples + 1)]
        self._last_ns = stamps[-1]
        return stamps

    def _measure(self, samples: int, before_ns: int, t_ns: int) -> None:
        self._count += samples
        missing = (before_ns - self._last_ns) / self._period_ns - samples
        if missing > 2 + self.MAX_CLOCK_ERROR * samples:  # lost on the way to here: counting starts again
            self._marks = [(t_ns, self._count)]
        from_ns, from_count = self._marks[0]
        if t_ns - self._marks[-1][0] >= self.FORGET_AFTER_S / 2 * NANOSECONDS:
            self._marks = [*self._marks[-1:], (t_ns, self._count)]
        if t_ns - from_ns < self.MEASURE_AT_LEAST_S * NANOSECONDS:
            return
        period_ns = (t_ns - from_ns) / (self._count - from_count)
        if abs(period_ns / self._nominal_ns - 1) <= self.MAX_CLOCK_ERROR:
            self._period_ns = period_ns
