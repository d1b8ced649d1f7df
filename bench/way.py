"""How far she walks, and the 3-m backward walk test: `python -m bench.way [--json] [--quick]`.

Simulated walkers (hal/sim/world), whose way is known, and the core's own eyes and feet.

- length: she backs towards things at 0.3 to 1.0 m/s until she is warned and stops. Error of the length of a step, and
  of the way by steps, after one such approach and after five, in percent; `within`: the way lies within two of the
  standard deviations that are told.
- test: asked for, then 3 m from a soft start to a soft stop at a mark, or on without one; nothing behind, or a wall 5
  or 6 m behind. Error of the time, in s, against when she began and stopped, or when she passed 3 m.
- response: from a warning until she stands, against what was drawn for her reaction and her stop, in s.
- movement: recorded people of IPOL (REARGUARD_DATA) who stand before they walk: from the first movement that the test
  finds to the first labelled contact of a foot, percentiles in s.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from random import Random
from statistics import mean, median, pstdev
from typing import Any

import numpy as np

from bench._walks import folder, walks
from bench._way_loop import Loop
from firmware.core.backward_test import WAY_M, BackwardTestConfig, BackwardTestRun
from firmware.core.estimators.step_length import StepLength, StepLengthConfig
from firmware.core.moving import Moving
from hal.sim.world.obstacle_scene import Setting, facing
from hal.sim.world.obstacle_scenes import obstacle_scene
from hal.sim.world.obstacle_world import ObstacleWorld
from hal.sim.world.reacting import PEOPLE, ReactingWalker

SCENES = ("wall", "counter", "pole", "person", "curtain", "hedge", "sloping_wall")
SPEEDS_MPS = (0.3, 0.45, 0.6, 0.8, 1.0)
SOFT_S = 0.6  # in which she reaches her speed, and stops
STOOD_S = 5.0
ASKED_S, SETS_OFF_S = 4.0, (7.5, 8.5)
MODES = (
    ("nothing behind, stops at the mark", None, "stops"),
    ("nothing behind, a press at the mark", None, "press"),
    ("wall at 5 m, stops at the mark", 5.0, "stops"),
    ("wall at 5 m, walks on", 5.0, "on"),
    ("wall at 6 m, walks on", 6.0, "on"),
)


def percent(values: Sequence[float]) -> dict[str, float]:
    return {"mean": round(100 * mean(values), 1), "sd": round(100 * pstdev(values), 1)}


def lengths(scene: str, speed_mps: float, seeds: int, approaches: int) -> dict[str, Any]:
    of_length, of_way, within, runs = [], [], [], []
    for seed in range(seeds):
        loop, steps, way_m, true_steps = Loop(), 0, 0.0, 0.0
        for index in range(approaches):
            world = obstacle_scene(scene).build(f"way {seed} {index}", speed_mps=speed_mps)
            loop.play(world)
            steps, way_m = steps + loop.steps, way_m + loop.way_m
            true_steps += world.walker.steps(world.duration_s)
        told_m, sd_m = loop.length.way_m(steps)
        of_length.append(loop.length.length_m * true_steps / way_m - 1.0)
        of_way.append(told_m / way_m - 1.0)
        within.append(abs(told_m - way_m) <= 2.0 * sd_m)
        runs.append(loop.length.runs)
    return {
        "length_percent": percent(of_length),
        "way_percent": percent(of_way),
        "within": round(mean(within), 2),
        "runs": round(mean(runs), 1),
    }


def three_metres(seed: int, speed_mps: float, wall_m: float | None, end: str) -> tuple[ObstacleWorld, float, float]:
    """The world, when she sets off, and when she is at 3 m: where she stops softly, or passes."""
    dice = Random(f"3 m {seed} {speed_mps}")
    off_s = dice.uniform(*SETS_OFF_S)
    even_s = (WAY_M - speed_mps * SOFT_S) / speed_mps
    bouts = [(off_s, 0.0), (off_s + SOFT_S, speed_mps)]
    at_s = off_s + SOFT_S + even_s + SOFT_S / 2.0
    if end == "stops":
        bouts += [(off_s + SOFT_S + even_s, speed_mps), (off_s + 2 * SOFT_S + even_s, 0.0)]
        at_s += SOFT_S / 2.0
    setting = Setting(f"3 m {seed} {speed_mps}", dice, speed_mps, "old")
    things = () if wall_m is None else (facing("wall", wall_m),)
    return setting.world(ReactingWalker(bouts, seed=setting.name), at_s + 20.0, *things), off_s, at_s


def tested(wall_m: float | None, end: str, speed_mps: float, seeds: int) -> dict[str, Any]:
    errors, ways, voids, ranged = list[float](), list[float](), Counter[str](), 0
    for seed in range(seeds):
        world, off_s, at_s = three_metres(seed, speed_mps, wall_m, end)
        loop = Loop()
        loop.play(world, ask_s=ASKED_S, press_s=at_s if end == "press" else None)
        result = loop.result
        if result is None or result.duration_s is None:
            voids["no end" if result is None else result.reason.rstrip("0123456789., m")] += 1
            continue
        errors.append(result.duration_s - (at_s - off_s))
        ways.append(result.distance_m or 0.0)
        ranged += result.range_m is not None
    return {
        "tests": seeds,
        "valid": len(errors),
        "error_s": {"mean": round(mean(errors), 2), "sd": round(pstdev(errors), 2)} if errors else None,
        "worst_s": round(max(map(abs, errors)), 2) if errors else None,
        "way_m": round(mean(ways), 2) if ways else None,
        "ranged": ranged,
        "void": dict(voids),
    }


def responses(speed_mps: float, seeds: int) -> dict[str, Any]:
    """Young, old and slow people before a wall; told where she was watched until she stood."""
    errors = list[float]()
    for seed in range(seeds):
        world = obstacle_scene("wall").build(
            f"stops {seed}", speed_mps=speed_mps, person=list(PEOPLE)[seed % len(PEOPLE)]
        )
        loop = Loop()
        loop.play(world, stood_s=STOOD_S)
        if loop.response_s is not None:
            errors.append(loop.response_s - world.walker.reaction_s - world.walker.stopping_s)
    error_s = {"mean": round(mean(errors), 2), "sd": round(pstdev(errors), 2)} if errors else None
    return {"stops": seeds, "told": len(errors), "error_s": error_s}


def movement() -> dict[str, Any] | None:
    """How long before the first contact of a foot the first movement is found, forward, labels that fit."""
    data = folder()
    if data is None:
        return None
    leads = []
    trials = [walk for walk in walks(data) if walk.dataset == "ipol" and walk.labels_fit()]
    for walk in trials:
        moving = Moving()
        run = BackwardTestRun(BackwardTestConfig(), StepLength(StepLengthConfig(), 0.36))
        run.ask(0)
        for index, (force, rate) in enumerate(zip(walk.accel_mps2.tolist(), walk.gyro_radps.tolist(), strict=True)):
            if moving.take(round(index * 1e9 / walk.fs_hz), tuple(force), tuple(rate)):
                run.feel(moving.slice.t_ns, moving.attitude, moving.steps)
                if run.since_ns is not None:
                    leads.append(float(walk.contacts_s[0]) - run.since_ns * 1e-9)
                    break
    found = np.percentile(leads, [5, 25, 50, 75, 95]).round(2).tolist()
    return {
        "walks": len(trials),
        "found": len(leads),
        "lead_s": dict(zip(("5", "25", "50", "75", "95"), found, strict=True)),
    }


def measure(quick: bool) -> dict[str, Any]:
    scenes, speeds, seeds = (SCENES[:2], (0.45, 0.8), 3) if quick else (SCENES, SPEEDS_MPS, 10)
    found: dict[str, Any] = {"length": {}, "test": {}}
    for scene in scenes:
        for approaches in (1, 5):
            rows = {f"{speed:g}": lengths(scene, speed, seeds, approaches) for speed in speeds}
            found["length"][f"{scene}, {approaches}"] = rows
    for name, wall_m, end in MODES[::2] if quick else MODES:
        found["test"][name] = {f"{speed:g}": tested(wall_m, end, speed, 2 * seeds) for speed in speeds}
    found["response"] = {"wall": {f"{speed:g}": responses(speed, 3 * seeds) for speed in speeds}}
    return found if quick else {**found, "movement": movement()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.way", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="two things, two speeds, few walkers")
    options = parser.parse_args(arguments)
    found = measure(options.quick)
    if options.json:
        print(json.dumps(found))
        return 0
    for part in ("length", "test", "response"):
        for name, rows in found[part].items():
            print(f"{part}: {name}")
            for speed, row in rows.items():
                print(f"  {speed:>5} m/s  {row}")
    lead = median(abs(row["length_percent"]["mean"]) for rows in found["length"].values() for row in rows.values())
    print(f"median error of the length: {lead:.1f} %; first movement: {found.get('movement')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
