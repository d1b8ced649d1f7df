"""The live view of a walk in a terminal: what is behind, how she sways, what sounds, and who has been told."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from firmware.commands.story import PATTERNS, TITLES, Story, fed
from firmware.commands.summary import summary_lines

NUMBERS = 40  # characters; before the bar, which gets what is left
BAR = 40
INDENT = 21  # characters, to where the sentence of a line begins
RANGE_M = 4.0
STYLES = {
    "silent": "dim",
    "obstacle_caution": "yellow",
    "obstacle_warning": "bold yellow",
    "obstacle_imminent": "bold red",
    "sway": "bold magenta",
    "fault": "bold white on red",
    "device_caution": "yellow",
    "fall_possible": "bold yellow",
    "fall_countdown": "bold red",
    "fall_nobody_yet": "bold white on red",
    "fall_sent": "bold green",
    "fall_heard": "bold green",
}
LINES, LEAST_LINES = 12, 4
UNDER_WAY = ("walking", "paused", "ended", "summary")  # before, no step is one of a walk
OTHERS = 13  # lines that are not about what happened, in two frames


class LiveScreen:
    """Redrawn ten times a second from the story alone."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def output(self, body: Mapping[str, Any], text: str | None) -> None:
        """The story has it already."""

    def word(self, word: Mapping[str, Any], text: str | None) -> None:
        """The story has it already."""

    def say(self, text: str) -> None:
        self._story.lines.append(text)

    def refresh(self) -> None:
        lines = min(LINES, max(LEAST_LINES, self._console.height - OTHERS))  # the newest ones stand below
        self._live.update(view(self._story, lines), refresh=True)

    def close(self) -> None:
        self.refresh()
        self._live.stop()

    def summary(self, summary: dict[str, Any]) -> None:
        self._console.print(Panel(Text("\n".join(summary_lines(summary))), title="The walk", title_align="left"))

    def close_with(self, lines: Sequence[str]) -> None:
        self._console.print("\n".join(lines), markup=False)


def view(story: Story, lines: int = LINES) -> Group:
    """The whole picture, with the last `lines` lines of what happened; no word is cut at 60 columns or more."""
    return Group(
        Panel(_numbers(story), title="Rearguard", title_align="left"),
        Panel(_Happened(story.lines, lines), title="What happened", title_align="left", height=lines + 2),
    )


class _Happened:
    """The last lines; one that is too long goes on below its own sentence."""

    def __init__(self, said: Sequence[str], height: int) -> None:
        self._said, self._height = said, height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows: list[str] = []
        for line in self._said[-self._height :]:
            rows += wrap(line, options.max_width, subsequent_indent=" " * INDENT, drop_whitespace=True) or [""]
        yield Text("\n".join(rows[-self._height :]), no_wrap=True)


class _Bar:
    """A distance as a bar of the whole range, as long as there is room for."""

    def __init__(self, words: str, share: float, style: str) -> None:
        self._words, self._share, self._style = words, share, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        length = max(0, min(BAR, options.max_width - NUMBERS))
        filled = round(self._share * length)
        yield Text.assemble(f"{self._words:{NUMBERS}}", ("█" * filled, self._style), ("·" * (length - filled), "dim"))


def _numbers(story: Story) -> Table:
    seen = story.telemetry
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(style="dim", width=8, no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_row("walk", _walk(story))
    table.add_row("behind", _behind(story))
    table.add_row(
        "trunk", f"sway {_form(seen.get('sway_deg'), '4.1f')} deg, {_form(seen.get('sway_dps'), '4.0f')} deg/s"
    )
    sound, _, meaning = PATTERNS.get(story.pattern, story.pattern).partition(": ")
    style = STYLES.get(story.pattern, "")
    table.add_row("sounds", Text(sound, style))
    table.add_row("meaning", Text(meaning or "-", style))  # a row of its own, so that nothing moves when it comes
    table.add_row("parts", _parts(story))
    table.add_row("power", fed(story.power) or "unknown")
    table.add_row("told", _told(story))
    return table


def _walk(story: Story) -> Text:
    seen = story.telemetry
    title = TITLES.get(story.state, story.state)
    if seen.get("no_start"):
        return Text(f"no start: {seen['no_start']}", style="bold yellow")
    more = [f"{seen.get('steps', 0)} steps"] if story.state in UNDER_WAY else []
    more += [f"{_form(seen.get('cadence_spm'), '.0f')} a minute"] if story.state == "walking" else []
    more += [f"{seen['mode']} behind"] if seen.get("mode") else []
    return Text.assemble((title, "bold"), "   ", ", ".join(more))


def _behind(story: Story) -> Text | _Bar:
    seen = story.telemetry
    if story.state == "ended":  # what was seen last is no contact to come
        return Text("not watched any more, the walk is over", style="dim")
    distance_m, contact_s = seen.get("distance_m"), seen.get("time_to_collision_s")
    if not story.parts:
        return Text("not known yet: the device is starting", style="dim")
    if not story.parts.get("rangefinder", {}).get("ok", False):
        return Text("cannot see: the rangefinder does not work", style="bold white on red")
    if distance_m is None:
        return _Bar(f"nothing within {RANGE_M:.0f} m", 0.0, "")
    style = "red" if distance_m < 0.6 else "yellow" if contact_s is not None and contact_s < 3 else "green"
    speed = f"{distance_m:4.2f} m  {_form(seen.get('closing_speed_mps'), '+.2f')} m/s"
    contact = f"  contact in {contact_s:.1f} s" if contact_s is not None and contact_s < 10 else ""
    return _Bar(speed + contact, min(distance_m / RANGE_M, 1.0), style)


def _parts(story: Story) -> Text:
    text = Text()
    for name, health in story.parts.items():
        text.append(*((f"{name} ", "green") if health["ok"] else (f"{name}: broken ", "bold white on red")))
    return text


def _told(story: Story) -> Text:
    protocol, state = story.status.get("protocol"), story.status.get("state", "not connected yet")
    link = f"MQTT {protocol}, {state}" if protocol else state
    told = list(story.told.values())
    last = f"; {len(told)} arrived, last: {told[-1].what}" if told else ""
    return Text(link + last)


def _form(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"
