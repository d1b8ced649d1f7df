"""A walk as it is told: outputs of the guard and words of the caregiver's client become lines and a state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firmware.core.messages import Hazard, Severity

Line = Mapping[str, Any]

TITLES = {
    "off_body": "not worn",
    "clipped_on": "clipped on: stand still",
    "self_test": "self-test",
    "lane_check": "looks at the room behind",
    "ready": "ready",
    "walking": "walking",
    "paused": "paused",
    "ended": "ended",
    "summary": "over",
}
PATTERNS = {
    "silent": "nothing",
    "ready": "three rising tones, the last one long: ready, what is behind keeps its distance",
    "ready_1": "three rising tones, then one: ready, 1.5 m clear behind",
    "ready_2": "three rising tones, then two: ready, 2 m clear behind",
    "ready_3": "three rising tones, then three: ready, 3 m or more clear behind",
    "lane_blocked": "two long level tones: no room behind",
    "notice": "short-long, rising, twice: the notice about physician and safe place waits for a yes",
    "no_start": "three falling tones, then a long one: no walk, a part is not fit",
    "worn_wrong": "short-long-long-short, up and down: worn wrongly, clip it on again",
    "paused": "two soft taps apart: paused",
    "time_up": "high-low, high-low: the planned minutes are walked",
    "summary_clean": "a quick rise to a long tone: a good walk",
    "summary_warned": "a long tone, then quick ones up and down: over, there were warnings",
    "companion": "soft short-long-short: something keeps its distance behind",
    "smaller_steps": "soft long, shorter, short: smaller steps",
    "metronome": "one soft tick: a step",
    "rest": "four long falling tones: stop and rest",
    "measure_ready": "tap-tap, long: 3-m test, stand still",
    "measure_go": "tap-tap, short-long rising: 3-m test, go",
    "measure_done": "tap-tap, three rising tones: 3-m test, measured",
    "measure_void": "tap-tap, three falling tones, the first one long: 3-m test, not measured",
    "obstacle_caution": "2 pulses a second: something is behind",
    "obstacle_warning": "4 pulses a second: stop",
    "obstacle_imminent": "8 pulses a second: stop at once",
    "sway": "double tap: out of balance",
    "lean": "one soft tap: stand up straight",
    "fault": "three long falling tones, again and again: a part is broken, stop walking backward",
    "device_caution": "long-short, falling: the device wants looking after",
    "fall_possible": "long tones, level: a fall?",
    "fall_countdown": "three rising tones, ever louder: a fall, hold the button if you are all right",
    "fall_nobody_yet": "ten fast pulses up and down, again and again: nobody has the alarm yet",
    "fall_nobody_sparing": "ten fast pulses up and down, every 15 s: nobody has the alarm yet, the battery is low",
    "fall_sent": "short-long, rising: the alarm has arrived",
    "fall_heard": "four rising tones, the last one long: a person is on the case",
    "cancelled": "long, then three short falling tones: the alarm is over",
    "locate": "five long tones up and down: here I am",
    "test": "short-short-long-short-short: test of the alarm's way",
    "ended": "three falling tones, the first one long: the walk is over",
}
"""How each pattern sounds, and what it means."""
MODES = {"treadmill": "the rail of a treadmill", "partner": "a partner"}
LIGHTER = {"caution": "caution", "warning": "warning"}  # what is wrong with a part that works still
PHASES = {
    "cancelled": "cancelled by the wearer",
    "recovered": "ended: she is up again",
    "not_recovered": "not up yet",
    "long_lie": "long lie",
}


@dataclass(slots=True)
class Told:
    """An event that the caregiver's client really got, in words and with its times."""

    what: str
    decided_ms: int
    received_ms: int

    @property
    def after_s(self) -> float:
        return (self.received_ms - self.decided_ms) / 1e3


@dataclass(slots=True)
class Story:
    """What happened so far. `epoch_ns` is when the walk's clock began."""

    epoch_ns: int
    state: str = "off_body"
    pattern: str = "silent"
    ready_ns: int | None = None
    telemetry: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    power: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    warnings: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def output(self, line: Line) -> str | None:
        """Take one output of the guard; the sentence that it is worth, if any. What is none is passed over."""
        try:
            return self._output(line)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def _output(self, line: Line) -> str | None:
        tellers = {"alert": self._alert, "pattern": self._pattern, "walk": self._walk, "airbag_pin": self._airbag}
        teller = tellers.get(line["kind"])
        if line["kind"] == "telemetry":
            text = self._mode(line.get("mode"), line.get("companion_m"))
            self.telemetry = dict(line)
            return self._keep(line["t_ns"], text)
        if line["kind"] == "health":
            self.parts = dict(line["parts"])
        elif line["kind"] == "power":
            self.power = dict(line)
        text = teller(line) if teller else None
        return self._keep(line["t_ns"], text)

    def word(self, word: Line, now_ns: int) -> str | None:
        """Take one line of the caregiver's client. What a broken device published is passed over."""
        try:
            return self._word(word, now_ns)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def _word(self, word: Line, now_ns: int) -> str | None:
        body = word.get("body", {})
        if word.get("kind") == "status":
            self.status = dict(body)
            protocol = f" (MQTT {body['protocol']})" if "protocol" in body else ""
            return self._keep(now_ns, f"caregiver  device is {body['state']}{protocol}")
        if word.get("kind") != "event":
            return None
        what = in_words(body["type"], body["phase"], body["data"].get("part"))
        told = self.told[body["id"]] = Told(what, body["mono_ms"], now_ns // 1_000_000)
        return self._keep(now_ns, f"caregiver  got: {told.what}, {told.after_s:.2f} s after the decision")

    def _keep(self, t_ns: int, text: str | None) -> str | None:
        if text is None:
            return None
        line = f"{self.seconds(t_ns):6.2f} s  {text}"
        self.lines.append(line)
        return line

    def seconds(self, t_ns: int) -> float:
        return (t_ns - self.epoch_ns) / 1e9

    def _walk(self, line: Line) -> str | None:
        changed = line["state"] != self.state
        self.state, self.summary = line["state"], dict(line["summary"])
        if self.state == "ready" and self.ready_ns is None:
            self.ready_ns = line["t_ns"]
        if self.summary.get("no_start") and self.state != "ended":
            return f"walk       no start: {self.summary['no_start']}"
        return f"walk       {TITLES.get(self.state, self.state)}" if changed else None

    def _pattern(self, line: Line) -> str:
        self.pattern = line["pattern"]
        return f"sounds     {PATTERNS.get(self.pattern, self.pattern)}"

    def _mode(self, mode: str | None, range_m: float | None) -> str | None:
        """Only a change is worth a sentence."""
        if mode == self.telemetry.get("mode"):
            return None
        if mode is None or range_m is None:
            return "behind     nothing keeps its distance any more"
        return f"behind     {MODES.get(mode, mode)} keeps its distance, {range_m:.1f} m"

    @staticmethod
    def _airbag(line: Line) -> str:
        return f"airbag     its pin goes {'high' if line['high'] else 'low'}"

    def _alert(self, line: Line) -> str:
        hazard, severity, data = line["hazard"], line["severity"], line["data"]
        if hazard == Hazard.OBSTACLE:
            if severity == Severity.NONE:  # she has stopped before it, it went away, or nobody can see it any more
                return "obstacle   not warned of any more"
            self.warnings.append((self.seconds(line["t_ns"]), {"severity": severity, **data}))
            return f"obstacle   {severity}{_approach(data)}"
        if hazard == Hazard.SWAY:
            return f"sway       {'steady again' if severity == 'none' else _sway(data)}"
        if hazard == Hazard.LEAN:
            return f"posture    {'straight again' if severity == 'none' else 'leans ' + str(data.get('direction', ''))}"
        if hazard == Hazard.MOUNTING:
            return f"worn       {data.get('reason') or 'as it should be again'}"
        if hazard == Hazard.FAULT:
            part = data.get("part", "?")
            return f"{LIGHTER.get(severity, 'fault'):<10} {data.get('reason') or f'{part} works again'}"
        return f"alarm      {in_words(hazard, severity)}"


def in_words(kind: str, phase: str, part: str | None = None) -> str:
    """An alarm and its phase as a person says it."""
    if kind == Hazard.FAULT:
        what = f"{LIGHTER[phase]} about" if phase in LIGHTER else "fault of"
        return f"{what} {part or 'a part'}{' is over' if phase == 'over' else ''}"
    if kind == Hazard.MOUNTING:
        return "the device sits right again" if phase == "over" else "the device sits wrong"
    return f"{'SOS' if kind == Hazard.SOS else kind} {PHASES.get(phase, phase)}"


def fed(power: Line) -> str:
    """How the device is fed, as far as it is known; empty where nothing is."""
    share, volts, left_s = power.get("battery_share"), power.get("battery_v"), power.get("battery_left_s")
    cpu_c = power.get("cpu_c")
    parts = [
        "" if share is None else f"battery {share:.0%}",
        "" if volts is None else f"{volts:.2f} V",
        "" if left_s is None else f"about {left_s / 60:.0f} min left",
        "5 V too low" if power.get("undervoltage") else "",
        "slowed down" if power.get("throttled") else "",
        "" if cpu_c is None else f"processor {cpu_c:.0f} °C",
    ]
    known = ", ".join(part for part in parts if part)
    return f"battery unknown, {known}" if known and share is None and volts is None else known


def _approach(data: Line) -> str:
    distance_m, speed_mps = data.get("distance_m"), data.get("closing_speed_mps")
    contact_s = data.get("time_to_collision_s")
    parts = [
        "" if distance_m is None else f"{distance_m:.2f} m behind",
        "" if speed_mps is None else f"at {speed_mps:.2f} m/s",
        "" if contact_s is None else f"contact in {contact_s:.1f} s",
    ]
    text = ", ".join(part for part in parts if part)
    return f": {text}" if text else ""


def _sway(data: Line) -> str:
    tilt_deg = data.get("extrapolated_tilt_deg")
    what = "sudden sway" if data.get("why", "tilt") == "tilt" else "stumble"
    return what if tilt_deg is None else f"{what} {data.get('direction', '')}, heading for {tilt_deg:.0f} deg"
