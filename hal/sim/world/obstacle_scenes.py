"""The scenes of obstacles: walks backward among things, with what happens and what is expected, as data."""

from difflib import get_close_matches

from hal.sim.world import encounters as e
from hal.sim.world.obstacle_scene import Expected, ObstacleScene

__all__ = ["OBSTACLE_SCENES", "Expected", "ObstacleScene", "obstacle_scene"]

IN_TIME = Expected("warned", "Warned early enough for an older walker to stop.", lead_s=1.0)
FAINT = Expected("warned", "Warned early enough for an older walker to stop.", lead_s=1.0, up_to_mps=0.9)
ANEW = Expected("warned", "Warned, although it had been learned as what keeps its distance.", lead_s=1.0)
LEARNED = Expected(
    "quiet", "Not a sound once it has been learned as what keeps its distance.", since="walking", from_s=8
)
SILENT = Expected("quiet", "Not a sound.")

OBSTACLE_SCENES: tuple[ObstacleScene, ...] = (
    ObstacleScene(
        "wall",
        "A wall",
        "She backs towards a wall, square to it within 5 degrees.",
        IN_TIME,
        "hard",
        e.wall,
    ),
    ObstacleScene(
        "near_wall",
        "A wall from the first step",
        "The wall is 1.55 to 1.7 m behind her when she sets off.",
        IN_TIME,
        "hard",
        e.near_wall,
    ),
    ObstacleScene(
        "speeds_up",
        "Who walks faster all at once",
        "She walks at half her speed, and doubles it 2 to 3 s before the wall.",
        IN_TIME,
        "hard",
        e.speeds_up,
    ),
    ObstacleScene(
        "sloping_wall",
        "A sloping wall",
        "Her way meets the wall at 25 to 30 degrees off square: it reads nearer than it is on her way, and fades out "
        "with the swing of her trunk.",
        FAINT,
        "hard",
        e.sloping_wall,
    ),
    ObstacleScene(
        "oblique_wall",
        "A wall too oblique to be heard",
        "Her way meets a smooth wall at 45 to 60 degrees off square, which throws the sound elsewhere.",
        Expected("limit", "Cannot be heard. A warning near contact, from an edge, is a gift."),
        "limit",
        e.oblique_wall,
    ),
    ObstacleScene(
        "corner",
        "The corner of a room",
        "She backs into a corner: either wall throws the sound aside, both together throw it back.",
        IN_TIME,
        "hard",
        e.corner,
    ),
    ObstacleScene(
        "end_of_a_wall",
        "The end of a wall",
        "A wall ends 5 to 15 cm beside the middle of her way: its edge alone is heard, from 1 to 2 m.",
        Expected("warned", "Warned as soon as the edge is heard.", lead_s=0.5, up_to_mps=0.9),
        "soft",
        e.end_of_a_wall,
    ),
    ObstacleScene(
        "pole",
        "A thin pole",
        "A round post of 5 cm, up to 10 cm beside the middle of her way, is heard from 1.5 to 1.8 m.",
        FAINT,
        "hard",
        e.pole,
    ),
    ObstacleScene(
        "counter",
        "A counter",
        "Furniture 1.0 m high, just as high as the beam.",
        IN_TIME,
        "hard",
        e.counter,
    ),
    ObstacleScene(
        "curtain",
        "A curtain",
        "Heavy cloth in folds, up to 20 degrees off square, that swallows most of the sound.",
        FAINT,
        "soft",
        e.curtain,
    ),
    ObstacleScene(
        "hedge",
        "A hedge",
        "Leaves up to 45 degrees off square, which send a little sound back whatever the angle.",
        FAINT,
        "soft",
        e.hedge,
    ),
    ObstacleScene(
        "mesh",
        "A wire fence",
        "Sends back a sixtieth of the sound that a wall does.",
        FAINT,
        "soft",
        e.mesh,
    ),
    ObstacleScene(
        "doorway",
        "Through a door",
        "She passes through the middle of an opening of 0.9 m in a wall.",
        Expected("caution", "Nothing stronger than a caution: there is room on both sides."),
        "quiet",
        e.doorway,
    ),
    ObstacleScene(
        "door_ajar",
        "A door that is ajar",
        "The leaf is open by 5 to 15 degrees towards her and fills the opening.",
        FAINT,
        "hard",
        e.door_ajar,
    ),
    ObstacleScene(
        "half_open_door",
        "A half open door",
        "The leaf is open by 35 to 60 degrees: its face throws the sound aside, its edge scatters hardly any back.",
        Expected("limit", "Not promised: the edge is heard at half a metre, or never."),
        "limit",
        e.half_open_door,
    ),
    ObstacleScene(
        "table",
        "A table",
        "Its top is 0.75 m high, below the beam.",
        Expected("limit", "Cannot be heard: below the beam."),
        "limit",
        e.table,
    ),
    ObstacleScene(
        "bench",
        "A low bench",
        "A bench of 0.45 m.",
        Expected("limit", "Cannot be heard: below the beam."),
        "limit",
        e.bench,
    ),
    ObstacleScene(
        "dog",
        "A dog that lies behind her",
        "An animal of 0.5 m.",
        Expected("limit", "Cannot be heard: below the beam."),
        "limit",
        e.dog,
    ),
    ObstacleScene(
        "person",
        "Somebody in the way",
        "A clothed person stands there, up to 15 cm beside the middle of her way; warm clothes are heard from 1.4 m.",
        FAINT,
        "soft",
        e.person,
    ),
    ObstacleScene(
        "crosses_near",
        "Somebody crosses close behind",
        "A person crosses at 0.4 to 0.7 m/s, and she would be 0.8 to 1.2 s from them in the middle of it.",
        Expected("warned", "Warned while they are in the way.", within_s=0.7, caution_does=True, since="in the way"),
        "moving",
        e.crosses_near,
    ),
    ObstacleScene(
        "crosses_far",
        "Somebody crosses farther away",
        "A person crosses at 0.8 to 1.4 m/s and at least 2.3 m and 3 s of her walk away.",
        Expected("caution", "Nothing stronger than a caution: they are gone before she comes."),
        "quiet",
        e.crosses_far,
    ),
    ObstacleScene(
        "partner",
        "A partner behind her",
        "A clothed person keeps 1.0 to 1.4 m behind her, to and fro by 8 cm, and stops when she stops.",
        LEARNED,
        "quiet",
        e.partner,
    ),
    ObstacleScene(
        "partner_slows",
        "A partner who slows or stops",
        "After 16 s the partner loses 40 to 100 % of her speed, and she backs towards them.",
        ANEW,
        "moving",
        e.partner_slows,
    ),
    ObstacleScene(
        "partner_comes_up",
        "A partner who comes up",
        "After 16 s the partner comes up to 0.4 m at 0.3 to 0.5 m/s, and stops when she stops.",
        Expected(
            "warned",
            "Warned, although the partner had been learned.",
            within_s=2.5,
            caution_does=True,
            since="comes up",
        ),
        "moving",
        e.partner_comes_up,
    ),
    ObstacleScene(
        "treadmill",
        "A treadmill",
        "The rail stays 0.8 m behind her, to and fro by 2 cm.",
        LEARNED,
        "quiet",
        e.treadmill,
    ),
    ObstacleScene(
        "treadmill_drift",
        "A treadmill that runs slower",
        "After 16 s the belt loses 0.12 to 0.2 m/s, and it no longer carries her away from the rail.",
        ANEW,
        "moving",
        e.treadmill_drift,
    ),
    ObstacleScene(
        "corridor",
        "A corridor",
        "Walls 0.6 m to either side for a minute; one ping in 200 brings a false echo.",
        SILENT,
        "quiet",
        e.corridor,
    ),
    ObstacleScene("open", "Open space", "A minute with nothing within reach.", SILENT, "quiet", e.open_space),
    ObstacleScene(
        "park",
        "A park",
        "Hedges at 1.5 to 3 m on both sides, six people who pass 1.8 m aside and more; 2 in 100 pings bring a false "
        "echo, and one second in 200 a run of them.",
        SILENT,
        "quiet",
        e.park,
    ),
    ObstacleScene(
        "open_false_echoes",
        "Open space with false echoes",
        "5 in 100 pings bring a short echo of nothing, and runs of them 2 in 100 seconds.",
        Expected("caution", "Nothing stronger than a caution: there is nothing."),
        "quiet",
        e.open_false,
    ),
    ObstacleScene(
        "open_second_device",
        "Open space with a second device",
        "Another device's pings are heard for 20 s.",
        Expected("caution", "Nothing stronger than a caution: there is nothing."),
        "quiet",
        e.open_stranger,
    ),
    ObstacleScene(
        "gravel",
        "Gravel under a sensor that looks down",
        "The sensor is turned down by 8 to 12 degrees: rough ground 2 to 3 m away comes and goes with her steps.",
        Expected("caution", "Nothing stronger than a caution: the ground keeps its distance."),
        "quiet",
        e.gravel,
    ),
    ObstacleScene(
        "stands",
        "Standing before a wall",
        "She stands 0.7 m before it for half a minute.",
        SILENT,
        "quiet",
        e.stands,
    ),
    ObstacleScene(
        "stops_herself",
        "Who stops by herself",
        "She stops 0.6 m before a wall, warned or not, and stays there.",
        Expected("quiet", "Not a sound from one and a half seconds after she stands.", since="stands", from_s=1.5),
        "quiet",
        e.stops_herself,
    ),
    ObstacleScene(
        "creeping",
        "Creeping towards a wall",
        "At about 0.12 m/s from 1.6 to 1.9 m; the closing speed is hardly more than sway.",
        Expected("warned", "Warned a second before contact.", lead_s=1.0),
        "hard",
        e.creeping,
        speed_mps=0.12,
    ),
    ObstacleScene(
        "wall_false_echoes",
        "A wall behind false echoes",
        "One ping in ten brings a short echo of nothing.",
        IN_TIME,
        "echoes",
        e.wall_false,
    ),
    ObstacleScene(
        "wall_runs",
        "A wall behind runs of false echoes",
        "For a quarter of the time false short echoes come in runs of 0.1 to 0.6 s.",
        IN_TIME,
        "echoes",
        e.wall_runs,
    ),
    ObstacleScene(
        "wall_on_gravel",
        "A wall behind gravel",
        "As on gravel, and she comes to a wall: what keeps its distance must not hide what comes nearer.",
        IN_TIME,
        "echoes",
        e.wall_on_gravel,
    ),
    ObstacleScene(
        "wall_lost_echoes",
        "A wall with lost echoes",
        "One echo in five is lost; some of these come to and fro again and read twice as far.",
        IN_TIME,
        "echoes",
        e.wall_lost,
    ),
    ObstacleScene(
        "wall_cold",
        "A wall in the cold",
        "The air is at 0 °C, the device is told 20 °C: it reads 3.6 % too far.",
        IN_TIME,
        "echoes",
        e.wall_cold,
    ),
    ObstacleScene(
        "wall_second_device",
        "A wall and a second device",
        "Seven in ten pings of another device are heard, every 50 ms.",
        IN_TIME,
        "echoes",
        e.wall_stranger,
    ),
    ObstacleScene(
        "everything_at_once",
        "Everything at once",
        "A wall, a counter or a trunk; false, lost and another device's echoes; air of -5 to 35 °C; all drawn.",
        IN_TIME,
        "echoes",
        e.everything_at_once,
    ),
)


def obstacle_scene(name: str) -> ObstacleScene:
    """Raises ValueError when no scene has that name; the message tells those that exist."""
    found = {scene.name: scene for scene in OBSTACLE_SCENES}
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"; did you mean {near[0]!r}" if near else ""
        raise ValueError(f"no scene {name!r}: expected one of {', '.join(found)}{hint}")
    return found[name]
