"""Every scene of obstacles builds, tells the truth, and shows what it says that it shows."""

import math
import random

import pytest

from hal.sim.world.obstacle_scene import Expected
from hal.sim.world.obstacle_scenes import OBSTACLE_SCENES, ObstacleScene, obstacle_scene
from hal.sim.world.obstacle_world import HEEL_M, ObstacleWorld
from hal.sim.world.places import Place
from hal.sim.world.reacting import ReactingWalker
from hal.sim.world.things import Round

MEETS = [scene for scene in OBSTACLE_SCENES if scene.expected.lead_s is not None or scene.group == "limit"]
PASSES = [scene for scene in OBSTACLE_SCENES if scene not in MEETS]


def _speeds(scene: ObstacleScene) -> tuple[float, ...]:
    return (scene.speed_mps,) if scene.name == "creeping" else (0.3, scene.expected.up_to_mps)


def _before(world: ObstacleWorld, contact_s: float, from_s: float, to_s: float) -> list[tuple[float, float]]:
    """(what is read, the truth) of pings so long before contact; infinite where nothing is heard."""
    times = [contact_s - from_s + i * 0.035 for i in range(round((from_s - to_s) / 0.035))]
    reads = ((world.distance_m(t_s), world.clearance_m(t_s)) for t_s in times)
    return [(math.inf if read is None else read, clear) for read, clear in reads]


@pytest.mark.parametrize("scene", OBSTACLE_SCENES, ids=lambda scene: scene.name)
def test_every_scene_says_what_happens_and_answers_to_its_end(scene: ObstacleScene) -> None:
    assert scene.title
    assert all(text.endswith(".") for text in (scene.happens, scene.expected.says))
    world = scene.build(1)
    assert world.name == f"{scene.name} 1"
    for i in range(round(world.duration_s * 5)):
        read_m = world.distance_m(i / 5)
        assert read_m is None or 0 <= read_m <= 4
        assert all(math.isfinite(value) for vector in world.motion(i / 5) for value in vector)
    assert all(0 <= mark.t_s <= world.duration_s for mark in world.marks)
    assert world.mark_s(scene.expected.since) + scene.expected.from_s < world.duration_s
    assert world.clearance_m(0.0) > 0.65
    assert world.pressed(2.1)
    assert not world.pressed(2.4)


def test_scenes_have_names_of_their_own_and_are_found_by_them() -> None:
    assert len({scene.name for scene in OBSTACLE_SCENES}) == len(OBSTACLE_SCENES)
    assert obstacle_scene("pole").title == "A thin pole"
    with pytest.raises(ValueError, match=r"no scene 'pool': expected one of wall, .*did you mean 'pole'"):
        obstacle_scene("pool")


@pytest.mark.parametrize("scene", OBSTACLE_SCENES, ids=lambda scene: scene.name)
def test_same_seed_is_the_same_world_in_any_order_and_another_seed_another(scene: ObstacleScene) -> None:
    one, same = scene.build(5), scene.build(5)
    times = [i * 0.0473 for i in range(round(min(one.duration_s, 25.0) / 0.0473))]
    forward = {t_s: (one.distance_m(t_s), one.clearance_m(t_s)) for t_s in times}
    random.Random(1).shuffle(times)
    assert all(forward[t_s] == (same.distance_m(t_s), same.clearance_m(t_s)) for t_s in times)
    assert one.motion(5.0) != scene.build(6).motion(5.0)


def test_place_is_the_same_whoever_walks_in_it() -> None:
    old, slow = (obstacle_scene("pole").build(3, person=name) for name in ("old", "slow"))
    assert [old.distance_m(i / 20) for i in range(200)] == [slow.distance_m(i / 20) for i in range(200)]
    assert old.walker.reaction_s != slow.walker.reaction_s


@pytest.mark.parametrize("scene", MEETS, ids=lambda scene: scene.name)
def test_who_heeds_no_warning_meets_what_is_in_the_way(scene: ObstacleScene) -> None:
    for seed in range(5):
        for speed_mps in _speeds(scene):
            world = scene.build(seed, speed_mps=speed_mps)
            contact_s = world.contact_s()
            assert contact_s is not None
            assert contact_s < world.duration_s - 1
            assert world.clearance_m(contact_s) == pytest.approx(HEEL_M, abs=0.05)
            assert not any(world.hits(i / 10) for i in range(int(contact_s * 10)))


@pytest.mark.parametrize("scene", PASSES, ids=lambda scene: scene.name)
def test_nobody_hits_anything_where_no_warning_is_due(scene: ObstacleScene) -> None:
    for seed in range(3):
        assert scene.build(seed).contact_s() is None


@pytest.mark.parametrize("scene", [scene for scene in MEETS if scene.group != "limit"], ids=lambda scene: scene.name)
def test_what_a_warning_is_expected_of_is_heard_in_time(scene: ObstacleScene) -> None:
    """In two of three pings at least, from half a second before the warning is due."""
    lead_s = scene.expected.lead_s or 0.0
    heard = []
    for seed in range(8):
        for speed_mps in _speeds(scene):
            world = scene.build(seed, speed_mps=speed_mps)
            contact_s = world.contact_s() or 0.0
            heard += [read < 4 for read, _ in _before(world, contact_s, lead_s + 0.5, lead_s)]
    assert sum(heard) / len(heard) > 2 / 3


@pytest.mark.parametrize("name", ["table", "bench", "dog", "oblique_wall"])
def test_what_is_below_the_beam_or_too_oblique_is_never_heard(name: str) -> None:
    for seed in range(5):
        world = obstacle_scene(name).build(seed)
        contact_s = world.contact_s() or 0.0
        assert all(read == math.inf for read, _ in _before(world, contact_s, 4.0, 0.0))
        assert world.nearest(contact_s).at_belt is (name == "oblique_wall")


@pytest.mark.parametrize("name", ["wall", "near_wall", "counter", "pole", "creeping", "treadmill_drift"])
def test_hard_things_read_their_true_distance(name: str) -> None:
    world = obstacle_scene(name).build(2)
    near = _before(world, world.contact_s() or 0.0, 1.5, 0.0)
    assert sum(abs(read - clear) < 0.06 for read, clear in near) > 0.95 * len(near)


def test_in_the_cold_a_wall_reads_too_far() -> None:
    world = obstacle_scene("wall_cold").build(2)
    near = _before(world, world.contact_s() or 0.0, 2.0, 1.0)
    assert sum(read / clear for read, clear in near) / len(near) == pytest.approx(1.036, abs=0.025)


@pytest.mark.parametrize("name", ["corridor", "doorway", "open", "crosses_far"])
def test_hardly_anything_is_heard_where_it_is_to_be_quiet(name: str) -> None:
    heard = [
        (obstacle_scene(name).build(seed).distance_m(3.5 + i * 0.05) or 9) < 2 for seed in range(3) for i in range(280)
    ]
    assert sum(heard) / len(heard) < 0.06


def test_who_heeds_a_warning_stops_before_the_wall_and_who_is_warned_late_does_not() -> None:
    scene = obstacle_scene("wall")
    contact_s = scene.build(4).contact_s() or 0.0
    early, late = scene.build(4), scene.build(4)
    needs_s = early.walker.reaction_s + early.walker.stopping_s / 2
    early.hear(contact_s - needs_s - 0.1)
    late.hear(contact_s - needs_s + 0.2)
    assert early.contact_s() is None
    assert early.clearance_m(30.0) > HEEL_M - 0.02
    assert late.contact_s() is not None


def test_partner_stops_when_she_stops_but_a_slower_one_is_backed_into() -> None:
    world = obstacle_scene("partner").build(1)
    world.hear(20.0)
    assert 0.6 < world.clearance_m(40.0) < 1.8
    assert obstacle_scene("partner_slows").build(1).contact_s() is not None


@pytest.mark.parametrize(("comes_mps", "hers"), [(0.0, True), (0.2, True), (1.4, False)])
def test_what_runs_into_her_is_no_hit_of_hers(comes_mps: float, hers: bool) -> None:
    walker = ReactingWalker(((1.0, 0.0), (1.8, 0.5)), seed="somebody")
    comes = Round("person", 0.2, path=lambda t_s, x, y: (5.0 - comes_mps * t_s, 0.0))
    world = ObstacleWorld("", 15.0, walker, Place([comes], seed="somewhere"), (), ())
    assert (world.contact_s() is not None) is hers


def test_who_stands_hits_nothing() -> None:
    world = obstacle_scene("stands").build(1)
    assert 0.6 < world.clearance_m(20.0) < 0.8
    assert world.contact_s() is None


def test_expectation_without_its_time_is_refused() -> None:
    with pytest.raises(ValueError, match="Only a warning has a time"):
        Expected("warned", "Warned.")
    with pytest.raises(ValueError, match="Only a warning has a time"):
        Expected("quiet", "Quiet.", lead_s=1.0)
