"""Whether the device can go on: its battery, its supply and its heat. What is not known is neither low nor well."""

import math
from collections import deque
from dataclasses import dataclass, replace

from firmware.core.messages import Detection, Hazard, PartHealth, PowerState, Severity, Value
from hal.samples import PowerSample, SensorFault


@dataclass(frozen=True, slots=True)
class PowerLimitsConfig:
    """When the battery is low and the processor hot: first a caution, then time to stop."""

    low_share: float = 0.15  # of a full charge
    very_low_share: float = 0.05
    low_left_min: float = 30.0  # as the last quarter of an hour went
    very_low_left_min: float = 10.0
    cells: int = 1  # in series, where only the voltage is known
    low_v: float = 3.55  # by the cell and under load, where only the voltage is known
    very_low_v: float = 3.4
    hot_c: float = 75.0  # the processor slows itself down at 80 °C
    very_hot_c: float = 82.0
    calm_s: float = 60.0  # so long must a passing trouble be away before it is over
    stale_s: float = 75.0  # older words say nothing about now
    stuck_min: float = 15.0  # a loaded battery's numbers do not stand still for so long

    def __post_init__(self) -> None:
        for key, low, high in (
            ("low_share", 0.05, 0.5),
            ("very_low_share", 0.02, 0.3),
            ("low_left_min", 10.0, 120.0),
            ("very_low_left_min", 3.0, 60.0),
            ("cells", 1, 6),
            ("low_v", 3.2, 3.9),
            ("very_low_v", 3.0, 3.7),
            ("hot_c", 60.0, 80.0),
            ("very_hot_c", 65.0, 90.0),
            ("calm_s", 10.0, 300.0),
            ("stale_s", 40.0, 300.0),
            ("stuck_min", 5.0, 120.0),
        ):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"power_limits: {key} ({getattr(self, key)}) must lie between {low} and {high}")
        for less, more in (
            ("very_low_share", "low_share"),
            ("very_low_left_min", "low_left_min"),
            ("very_low_v", "low_v"),
            ("hot_c", "very_hot_c"),
        ):
            lower, upper = getattr(self, less), getattr(self, more)
            if not lower < upper:
                raise ValueError(f"power_limits: {less} ({lower}) must be less than {more} ({upper})")


CAUTION, STOP = 1, 2
SEVERITIES = {0: Severity.NONE, CAUTION: Severity.CAUTION, STOP: Severity.WARNING}

SHARE_MARGIN, LEFT_MARGIN_S, VOLTAGE_MARGIN_V, HEAT_MARGIN_C = 0.03, 600.0, 0.1, 5.0
VOLTAGES = 5  # the best of so many counts, for a motor's start is no empty battery
FAILURES = 2  # of the gauge, within calm_s
HISTORY_NS, STEP_NS, LEAST_NS = 900_000_000_000, 60_000_000_000, 300_000_000_000
LEAST_DROP = 0.005  # of a full charge; less says nothing about how fast it goes
LEAST_RISE = 0.01  # more than a battery gains when its load gets less: it is being charged
NEARLY_FULL = 0.95  # on its charger a full battery's numbers do stand still
JUMP = 0.03  # from one word to the next: another battery, or the gauge thought again
WATCH_NS = 500_000_000  # time alone changes little in less
_NEVER_NS = 2**62


class _Level:
    """0, 1 or 2 for a quantity that is bad when small; better again only beyond a margin, or it would flutter."""

    def __init__(self, low: float, very_low: float, margin: float) -> None:
        self._low, self._very_low, self._margin = low, very_low, margin
        self.level = 0

    def update(self, value: float) -> int:
        self.level = max(self._at(value), min(self.level, self._at(value - self._margin)))
        return self.level

    def _at(self, value: float) -> int:
        return STOP if value <= self._very_low else CAUTION if value <= self._low else 0


class _Charge:
    """Where the charge is going, from the last quarter of an hour."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque()
        self._last: float | None = None
        self.left_s: float | None = None  # until it is empty; None: not known, or it is not getting less
        self.rising = False

    def update(self, t_ns: int, share: float | None) -> None:
        if share is None or (self._last is not None and abs(share - self._last) > JUMP):
            self._seen.clear()
        self._last, self.left_s, self.rising = share, None, False
        if share is None:
            return
        while self._seen and t_ns - self._seen[0][0] > HISTORY_NS:
            self._seen.popleft()
        if not self._seen or t_ns - self._seen[-1][0] >= STEP_NS:
            self._seen.append((t_ns, share))
        since_ns, first = self._seen[0]
        shares = [seen for _, seen in self._seen]  # a minute apart, so that noise is no rise
        self.rising = shares[-1] - first >= LEAST_RISE and shares == sorted(shares)
        if t_ns - since_ns >= LEAST_NS and first - share >= LEAST_DROP:
            self.left_s = share * (t_ns - since_ns) * 1e-9 / (first - share)


class PowerWatch:
    """Keeps the part "power": what is wrong with how the device is fed, as one alarm with all its reasons.

    A mere caution keeps nobody from walking.
    """

    def __init__(self, config: PowerLimitsConfig) -> None:
        self._config = config
        self._calm_ns, self._stale_ns = round(config.calm_s * 1e9), round(config.stale_s * 1e9)
        self._stuck_ns = round(config.stuck_min * 60e9)
        self._share = _Level(config.low_share, config.very_low_share, SHARE_MARGIN)
        self._left = _Level(config.low_left_min * 60, config.very_low_left_min * 60, LEFT_MARGIN_S)
        self._voltage = _Level(config.low_v, config.very_low_v, VOLTAGE_MARGIN_V)
        self._heat = _Level(-config.hot_c, -config.very_hot_c, HEAT_MARGIN_C)
        self._charge = _Charge()
        self._voltages_v: deque[float] = deque(maxlen=VOLTAGES)
        self._failed_ns: deque[int] = deque(maxlen=FAILURES)
        self._failure = ""
        self._seen_ns: dict[str, int] = {}  # when a passing trouble was there last
        self._same: tuple[float | None, ...] = ()
        self._same_since_ns = 0
        self._heard_ns: int | None = None
        self._troubles: dict[str, tuple[int, str]] = {}  # level and reason, in the order in which they came
        self._reason, self._level = "", 0  # as told last
        self.due_ns = _NEVER_NS  # when `wait` has something to do next
        self.state: PowerState | None = None

    def update(self, now_ns: int, sample: PowerSample) -> None:
        """A new word about the supply."""
        sample = self._trusted(now_ns, sample)
        self._heard_ns, self.due_ns = now_ns, now_ns
        self._charge.update(now_ns, sample.battery_share)
        left_s = self._charge.left_s
        self._judge_battery(sample)
        if sample.cpu_c is not None:
            cpu_c = sample.cpu_c
            self._note("heat", self._heat.update(-cpu_c), f"the processor has {cpu_c:.0f} °C; let it cool down")
        for trouble, there in (("undervoltage", sample.undervoltage), ("throttled", sample.throttled)):
            if there:
                self._seen_ns[trouble] = now_ns
        self.state = PowerState(
            now_ns,
            sample.battery_share,
            None if left_s is None else round(left_s),
            sample.battery_v,
            sample.battery_a,
            sample.undervoltage,
            sample.throttled,
            sample.cpu_c,
        )

    def fail(self, now_ns: int, fault: SensorFault) -> None:
        """The gauge cannot be read; once is chance."""
        self._failed_ns.append(now_ns)
        self._failure = fault.detail or f"{fault.part}: {fault.kind}"
        self.due_ns = now_ns

    def wait(self, now_ns: int) -> list[Detection]:
        """Time passed: the part's detection, if it changed."""
        if now_ns < self.due_ns:
            return []
        self.due_ns = now_ns + WATCH_NS
        self._watch(now_ns)
        worst_first = sorted(self._troubles.values(), key=lambda trouble: -trouble[0])
        level, reason = (worst_first[0][0] if worst_first else 0), "; also ".join(text for _, text in worst_first)
        if (level, reason) == (self._level, self._reason):
            return []
        self._level, self._reason = level, reason
        data: dict[str, Value] = {"part": "power", "reason": reason}
        if self.state is not None and reason:
            known = {"battery_share": self.state.battery_share, "battery_v": self.state.battery_v}
            data |= {key: value for key, value in {**known, "cpu_c": self.state.cpu_c}.items() if value is not None}
        return [Detection(Hazard.FAULT, SEVERITIES[level], data)]

    @property
    def exhausted(self) -> bool:
        """Time to stop: a walk that begins now would end without its guard."""
        return self._level >= STOP

    @property
    def unfit(self) -> str:
        """Why no walk begins on this battery, this supply or this heat; empty when it may."""
        return self._reason if self.exhausted else ""

    def end(self) -> list[Detection]:
        """The walk is over: nothing is said of it any more."""
        if not self._reason:
            return []
        self._reason, self._level = "", 0
        unwatched = "power: not watched any more, the walk is over"
        return [Detection(Hazard.FAULT, Severity.NONE, {"part": "power", "reason": unwatched})]

    def parts(self, now_ns: int) -> dict[str, PartHealth]:
        """The part's health; empty on a device that never said anything about its supply."""
        if self._heard_ns is None and not self._reason:
            return {}
        age_s = None if self._heard_ns is None else round(max(0, now_ns - self._heard_ns) * 1e-9, 3)
        return {"power": PartHealth(not self._reason, age_s, self._reason)}

    def _trusted(self, now_ns: int, sample: PowerSample) -> PowerSample:
        """What is no number is unknown; so is a battery whose numbers stand still."""
        share, volts, amps = _finite(sample.battery_share), _finite(sample.battery_v), _finite(sample.battery_a)
        share = share if share is None or 0.0 <= share <= 1.0 else None
        if (share, volts, amps) != self._same or volts is None:
            self._same, self._same_since_ns = (share, volts, amps), now_ns
        stuck = share is not None and share < NEARLY_FULL and now_ns - self._same_since_ns >= self._stuck_ns
        minutes = self._config.stuck_min
        frozen = f"the gauge gives the same numbers for {minutes:.0f} minutes, as a frozen one does; restart the device"
        self._note("frozen", CAUTION if stuck else 0, frozen)
        if stuck:
            share = volts = amps = None
        return replace(sample, battery_share=share, battery_v=volts, battery_a=amps, cpu_c=_finite(sample.cpu_c))

    def _judge_battery(self, sample: PowerSample) -> None:
        """By its charge; only where that is not known by its voltage. What is not known at all changes nothing."""
        share, volts, left_s = sample.battery_share, sample.battery_v, self._charge.left_s
        if share is not None:
            level = max(self._share.update(share), self._left.update(math.inf if left_s is None else left_s))
            level = 0 if self._charge.rising else level
            minutes = "" if left_s is None else f", about {left_s / 60:.0f} minutes are left"
            text = f"the battery is at {share:.0%}{minutes}"
        elif volts is not None:
            cell_v = volts / self._config.cells
            self._voltages_v.append(cell_v)
            level = self._voltage.update(max(self._voltages_v)) if len(self._voltages_v) == VOLTAGES else 0
            text = f"the battery is at {cell_v:.2f} V a cell"
        else:
            return
        self._note("battery", level, f"{text}; {'stop, and charge it' if level == STOP else 'charge it soon'}")

    def _watch(self, now_ns: int) -> None:
        """What time alone brings and takes away."""
        passing = {
            "undervoltage": "the 5 V supply is too low; use a better cable and a supply of 2.5 A or more",
            "throttled": "the processor is slowed down, for heat or a weak supply; check both",
        }
        for trouble, text in passing.items():
            seen_ns = self._seen_ns.get(trouble)
            self._note(trouble, CAUTION if seen_ns is not None and now_ns - seen_ns < self._calm_ns else 0, text)
        recent = sum(now_ns - failed_ns < self._calm_ns for failed_ns in self._failed_ns)
        failing = recent >= (1 if "gauge" in self._troubles else FAILURES)
        self._note("gauge", CAUTION if failing else 0, self._failure)
        silent = self._heard_ns is not None and now_ns - self._heard_ns >= self._stale_ns
        self._note("silence", CAUTION if silent else 0, "nothing is heard of the supply any more; restart the device")
        if silent and self.state is not None and self.state.known:
            self.state = PowerState(now_ns)

    def _note(self, trouble: str, level: int, text: str) -> None:
        """Its reason stays as it was when it began or got worse, so that a changing number is no new alarm."""
        before = self._troubles.get(trouble, (0, ""))[0]
        if level == before:
            return
        self._troubles.pop(trouble, None)
        if level:
            self._troubles[trouble] = (level, text if text.startswith("power: ") else f"power: {text}")
        self.due_ns = 0


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
