"""The live view of a walk in a terminal: what is behind, how she sways, what sounds, and who has been told."""

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from firmware.commands.story import PATTERNS, TITLES, Story, fed
from firmware.commands.summary import summary_lines

NUMBERS = 40  # characters; before the bar, so that a narrow terminal cuts the bar
BAR = 40
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
LINES = 12


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
        self._live.update(view(self._story), refresh=True)

    def close(self) -> None:
        self.refresh()
        self._live.stop()

    def summary(self, summary: dict[str, Any]) -> None:
        self._console.print(Panel(Text("\n".join(summary_lines(summary))), title="The walk", title_align="left"))


def view(story: Story) -> Group:
    """The whole picture."""
    lines = Text("\n".join(story.lines[-LINES:]), no_wrap=True, overflow="ellipsis")
    return Group(
        Panel(_numbers(story), title="Rearguard", title_align="left"),
        Panel(lines, title="What happened", title_align="left", height=LINES + 2),
    )


def _numbers(story: Story) -> Table:
    seen = story.telemetry
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(style="dim", width=8, no_wrap=True)
    table.add_column(no_wrap=True, overflow="crop", ratio=1)
    table.add_row("walk", _walk(story))
    table.add_row("behind", _behind(story))
    table.add_row(
        "trunk", f"sway {_form(seen.get('sway_deg'), '4.1f')} deg, {_form(seen.get('sway_dps'), '4.0f')} deg/s"
    )
    table.add_row("sounds", Text(PATTERNS.get(story.pattern, story.pattern), STYLES.get(story.pattern, "")))
    table.add_row("parts", _parts(story))
    table.add_row("power", fed(story.power) or "unknown")
    table.add_row("told", _told(story))
    return table


def _walk(story: Story) -> Text:
    seen = story.telemetry
    steps = f"{seen.get('steps', 0)} steps, {_form(seen.get('cadence_spm'), '.0f')} a minute"
    if seen.get("no_start"):
        return Text(f"no start: {seen['no_start']}", style="bold yellow", no_wrap=False, overflow="fold")
    company = f", {seen['mode']} behind" if seen.get("mode") else ""
    return Text.assemble((TITLES.get(story.state, story.state), "bold"), f"   {steps}{company}")


def _behind(story: Story) -> Text:
    seen = story.telemetry
    if story.state == "ended":  # what was seen last is no contact to come
        return Text("not watched any more, the walk is over", style="dim")
    distance_m, contact_s = seen.get("distance_m"), seen.get("time_to_collision_s")
    if not story.parts.get("rangefinder", {}).get("ok", False):
        return Text("cannot see: the rangefinder does not work", style="bold white on red")
    if distance_m is None:
        return Text(f"{f'nothing within {RANGE_M:.0f} m':{NUMBERS}}{'·' * BAR}", style="dim")
    filled = round(min(distance_m / RANGE_M, 1.0) * BAR)
    style = "red" if distance_m < 0.6 else "yellow" if contact_s is not None and contact_s < 3 else "green"
    speed = f"{distance_m:4.2f} m  {_form(seen.get('closing_speed_mps'), '+.2f')} m/s"
    contact = f"  contact in {contact_s:.1f} s" if contact_s is not None and contact_s < 10 else ""
    return Text.assemble(f"{speed + contact:{NUMBERS}}", ("█" * filled, style), ("·" * (BAR - filled), "dim"))


def _parts(story: Story) -> Text:
    text = Text()
    for name, health in story.parts.items():
        text.append(f"{name} ", "green" if health["ok"] else "bold white on red")
    return text


def _told(story: Story) -> Text:
    protocol = story.status.get("protocol")
    link = f"MQTT {protocol}, {story.status.get('state')}" if protocol else story.status.get("state", "no broker yet")
    told = list(story.told.values())
    last = f"; {len(told)} events arrived, last: {told[-1].what}" if told else ""
    return Text(link + last)


def _form(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"
