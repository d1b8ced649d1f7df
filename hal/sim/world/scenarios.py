"""The walks that a simulated board can play, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from hal.samples import Vector
from hal.sim.world.incidents import (
    DESCENT_S,
    Incident,
    fall_backward,
    get_up,
    sit_down_hard,
    stumble,
    sudden_sway,
    turn,
)
from hal.sim.world.scene import Mark, World
from hal.sim.world.shapes import Knots
from hal.sim.world.surroundings import FloorWhenDown, Surroundings, Wall, open_space, partner, treadmill
from hal.sim.world.walker import Walker
from hal.sim.world.whole_walk import whole_walk

SPEED_MPS = 0.6
START_S = 3.5
SOFT_S = 0.8  # from standing to walking
STOP_S = 0.6
GAP_M = 4.18  # to the wall; she stops 0.55 m before it
IN_RANGE_S = 4.20
PRESS = ((2.0, 2.3),)
STANDING: Knots = ((0.0, 0.0),)

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A walker, what is behind her, and when she presses the button (spans of seconds)."""

    name: str
    duration_s: float
    walker: Walker
    behind: Surroundings
    presses: Spans
    marks: tuple[Mark, ...]

    def motion(self, t_s: float) -> tuple[Vector, Vector]:
        return self.walker.motion(self._within(t_s))

    def distance_m(self, t_s: float) -> float | None:
        return self.behind(self._within(t_s))

    def pressed(self, t_s: float) -> bool:
        return any(down <= t_s < up for down, up in self.presses)

    def _within(self, t_s: float) -> float:
        return max(t_s, 0.0)


def _bout(start_s: float, end_s: float, speed_mps: float = SPEED_MPS) -> tuple[tuple[float, float], ...]:
    """Walks at one speed from the first movement to the last."""
    return (start_s, 0.0), (start_s + SOFT_S, speed_mps), (end_s - STOP_S, speed_mps), (end_s, 0.0)


def _scene(
    name: str,
    duration_s: float,
    bouts: Knots,
    incidents: tuple[Incident, ...] = (),
    *,
    behind: Callable[[Walker], Surroundings] = lambda walker: open_space,
    presses: Spans = PRESS,
    marks: tuple[tuple[float, str], ...] = (),
) -> World:
    walker = Walker(bouts, incidents, seed=name)
    known = tuple(Mark(t, what) for t, what in sorted(marks))
    return Scene(name, duration_s, walker, behind(walker), presses, known)


def walk() -> World:
    """The whole device in one walk: a wall, a stop, a turn, a near-fall, a fall and nobody who cancels."""
    impact_s, sway_s = 20.0, 15.5
    stop_s, off_s = 10.25, 11.75
    bouts = (
        *_bout(START_S, stop_s),
        *((off_s, 0.0), (12.3, -0.4), (13.0, -0.4), (13.4, 0.0)),
        *_bout(13.41, sway_s + 0.7),
        *_bout(16.6, impact_s),
    )
    incidents = (turn(11.9, 100, 2.0), sudden_sway(sway_s), fall_backward(impact_s))
    return _scene(
        "walk",
        56.0,
        bouts,
        incidents,
        behind=lambda walker: FloorWhenDown(walker, impact_s, Wall(walker, GAP_M)),
        presses=(*PRESS, (11.0, 11.3)),  # she tries the button while she rests: a slow or late one is found then
        marks=(
            *((START_S, "walking"), (IN_RANGE_S, "wall in range"), (stop_s, "stops"), (off_s, "walks forward")),
            *((13.41, "walking"), (sway_s, "sudden sway"), (16.6, "walking"), _falls(impact_s), (impact_s, "impact")),
        ),
    )


def wall() -> World:
    """Walks backward towards a wall, is warned, stops half a metre before it and stands there."""
    marks = ((START_S, "walking"), (IN_RANGE_S, "wall in range"), (10.25, "stops"))
    return _scene("wall", 16.0, _bout(START_S, 10.25), behind=lambda walker: Wall(walker, GAP_M), marks=marks)


def heedless() -> World:
    """Walks backward into a wall without heeding a warning: for how long before contact it comes."""
    contact_s = START_S + SOFT_S / 2 + GAP_M / SPEED_MPS
    marks = ((START_S, "walking"), (IN_RANGE_S, "wall in range"), (contact_s, "contact"))
    bouts = ((START_S, 0.0), (START_S + SOFT_S, SPEED_MPS), (contact_s, SPEED_MPS), (contact_s + 0.1, 0.0))
    return _scene("heedless", contact_s + 4, bouts, behind=lambda walker: Wall(walker, GAP_M), marks=marks)


def quiet() -> World:
    """Thirty seconds in the open; nothing to warn of."""
    return _scene("quiet", 36.0, _bout(START_S, 33.5), marks=((START_S, "walking"), (33.5, "stops")))


def sway() -> World:
    """A near-fall in the middle of a walk, caught by a step."""
    bouts = (*_bout(START_S, 12.7), *_bout(13.3, 20.0))
    marks = ((START_S, "walking"), (12.0, "sudden sway"), (13.3, "walking"), (20.0, "stops"))
    return _scene("sway", 23.0, bouts, (sudden_sway(12.0),), marks=marks)


def fall() -> World:
    """Falls backward after a short walk and lies still."""
    return _fallen("fall", 48.0, impact_s=12.0)


def cancelled() -> World:
    """Falls, is unhurt, and holds the button during the countdown."""
    presses = (*PRESS, (24.0, 26.5))
    return _fallen("cancelled", 40.0, impact_s=12.0, presses=presses, marks=((24.0, "holds the button"),))


def recovered() -> World:
    """Falls, is up again within ten seconds, and walks on."""
    incidents = (get_up(16.0),)
    marks = ((16.0, "gets up"), (21.0, "stands up"), (23.0, "walking"))
    return _fallen("recovered", 40.0, impact_s=12.0, incidents=incidents, bouts=_bout(23.0, 36.0), marks=marks)


def sos() -> World:
    """Stops and asks for help: three presses within two seconds."""
    presses = (*PRESS, (13.0, 13.2), (13.5, 13.7), (14.0, 14.2))
    marks = ((START_S, "walking"), (11.0, "stops"), (14.0, "third press"))
    return _scene("sos", 24.0, _bout(START_S, 11.0), presses=presses, marks=marks)


def sit() -> World:
    """Sits down hard on a chair; nobody needs help."""
    marks = ((START_S, "walking"), (11.0, "stops"), (13.0, "sits down"))
    return _scene("sit", 24.0, _bout(START_S, 11.0), (sit_down_hard(12.0),), marks=marks)


def stumbles() -> World:
    """A heel catches, some hard steps, and she walks on."""
    marks = ((START_S, "walking"), (12.0, "stumble"), (20.0, "stops"))
    return _scene("stumble", 23.0, _bout(START_S, 20.0), (stumble(12.0),), marks=marks)


def on_treadmill() -> World:
    """Walks on a treadmill whose rail stays 0.8 m behind."""
    return _scene("treadmill", 36.0, _bout(START_S, 33.5), behind=lambda walker: treadmill(0.8))


def with_partner() -> World:
    """Walks with a partner who keeps about 1.2 m behind."""
    return _scene("partner", 36.0, _bout(START_S, 33.5), behind=lambda walker: partner(1.2))


def stand() -> World:
    """Stands 0.7 m before a wall, where nothing needs a warning."""
    return _scene("stand", 30.0, STANDING, behind=lambda walker: Wall(walker, 0.7))


def _falls(impact_s: float) -> tuple[float, str]:
    return impact_s - DESCENT_S, "falls backward"


def _fallen(
    name: str,
    duration_s: float,
    *,
    impact_s: float,
    incidents: tuple[Incident, ...] = (),
    bouts: tuple[tuple[float, float], ...] = (),
    presses: Spans = PRESS,
    marks: tuple[tuple[float, str], ...] = (),
) -> World:
    return _scene(
        name,
        duration_s,
        (*_bout(START_S, impact_s), *bouts),
        (fall_backward(impact_s), *incidents),
        behind=lambda walker: FloorWhenDown(walker, impact_s, open_space),
        presses=presses,
        marks=((START_S, "walking"), _falls(impact_s), (impact_s, "impact"), *marks),
    )


SCENARIOS: dict[str, Callable[[], World]] = {
    "whole": whole_walk,
    "walk": walk,
    "wall": wall,
    "heedless": heedless,
    "quiet": quiet,
    "sway": sway,
    "fall": fall,
    "cancelled": cancelled,
    "recovered": recovered,
    "sos": sos,
    "sit": sit,
    "stumble": stumbles,
    "treadmill": on_treadmill,
    "partner": with_partner,
    "stand": stand,
}


def scenario(name: str) -> World:
    """Make a world anew.

    Raises:
        ValueError: no scenario has that name; the message lists those that exist.
    """
    if name not in SCENARIOS:
        near = get_close_matches(name, SCENARIOS, n=1)
        hint = f"; did you mean {near[0]!r}" if near else ""
        raise ValueError(f"no scenario {name!r}: expected one of {', '.join(SCENARIOS)}{hint}")
    return SCENARIOS[name]()
