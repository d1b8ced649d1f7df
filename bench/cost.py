"""What the decisions cost: `python -m bench.cost [--json] [--quick]`.

The whole core, `SafetyPipeline.step` with one `ImuSample` at 100 Hz: armed, upright known, walking, with everything
that is due meanwhile (telemetry, health, timers). Beside it, on the same samples and in the same run, what others pay
for the attitude alone: Madgwick's filter of `ahrs`, imufusion and VQF. Then one decision of each tree model of the
core, beside one row through scikit-learn's own `predict_proba`, and what it takes to work out the features that the
trees are asked about. A peer that is not installed is left out and named
(`pip install -e '.[bench]'`).

Each repetition does exactly the same work, so what others on the machine add is taken out: time is taken for pieces of
60 ms (six samples), the least over all repetitions counts for each piece, and the pieces are summed. The contestants
take turns, forward and backward (ABBA).
"""

import argparse
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import time
from collections.abc import Callable, Sequence
from typing import Any

from firmware.core.detectors.pre_impact import PreImpactConfig, PreImpactFeatures
from firmware.core.estimators.fall_features import features
from firmware.core.messages import Command, Input, WalkChanged
from firmware.core.moving import Moving
from firmware.core.pipeline import SafetyPipeline
from hal.samples import ButtonSample, ImuSample, RangeSample
from hal.sim.world.scenarios import scenario

RATE_HZ = 100
PIECE = 6  # samples between two pings
START_S, END_S = 8.0, 28.0  # of the scene "quiet", in which she walks from 3.5 s to 33.5 s
REPETITIONS, QUICK_REPETITIONS = 40, 6
BAR_US, DECISION_BAR_US = 8.0, 15.0
FARTHEST = 400  # features of a model
HARD_MPS2 = 30.0

Piece = list[ImuSample]
Take = Callable[[Piece], object]


def samples(start_s: float, end_s: float) -> list[ImuSample]:
    world = scenario("quiet")
    times_s = [i / RATE_HZ for i in range(round(start_s * RATE_HZ), round(end_s * RATE_HZ))]
    return [ImuSample(round(t_s * 1e9), *world.motion(t_s)) for t_s in times_s]


def pieces(of: Sequence[ImuSample]) -> list[Piece]:
    return [list(of[i : i + PIECE]) for i in range(0, len(of) - PIECE + 1, PIECE)]


def between(piece: Piece) -> list[Input]:
    """What the other parts say after each piece; not timed."""
    t_ns = piece[-1].t_ns
    return [RangeSample(t_ns, None), ButtonSample(t_ns, False)]


class Core:
    """A core that walks, fed piece by piece."""

    def __init__(self, before: Sequence[Piece]) -> None:
        self._pipeline = SafetyPipeline()
        for piece in before:
            self.take(piece)
            self.rest(piece)

    def take(self, piece: Piece) -> None:
        step = self._pipeline.step
        for sample in piece:
            step(sample)

    def rest(self, piece: Piece) -> None:
        for message in between(piece):
            self._pipeline.step(message)

    def walking(self) -> bool:
        """Asked at the end; a core that was not guarding a walk was not what this is about."""
        ended = self._pipeline.step(Command(round(END_S * 1e9), "end"))
        summaries = [output.summary for output in ended if isinstance(output, WalkChanged)]
        minutes = summaries[0]["minutes"] if summaries else None
        return isinstance(minutes, float) and minutes * 60.0 > END_S - START_S


def imufusion_update() -> Take:
    import imufusion

    ahrs: Any = imufusion.Ahrs()

    def take(piece: Piece) -> None:
        update = ahrs.update_no_magnetometer
        for sample in piece:
            update(sample.gyro_radps, sample.accel_mps2)

    return take


def vqf_update() -> Take:
    import numpy as np
    from vqf import VQF

    filter_: Any = VQF(1.0 / RATE_HZ)
    array = np.array

    def take(piece: Piece) -> None:
        for sample in piece:
            filter_.update(array(sample.gyro_radps), array(sample.accel_mps2))

    return take


def ahrs_madgwick() -> Take:
    import numpy as np
    from ahrs.filters import Madgwick

    madgwick: Any = Madgwick(frequency=float(RATE_HZ))
    quaternion = np.array([1.0, 0.0, 0.0, 0.0])
    array = np.array

    def take(piece: Piece) -> None:
        nonlocal quaternion
        for sample in piece:
            quaternion = madgwick.updateIMU(quaternion, array(sample.gyro_radps), array(sample.accel_mps2))

    return take


PEERS: dict[str, tuple[str, Callable[[], Take]]] = {
    "ahrs Madgwick, attitude alone": ("ahrs", ahrs_madgwick),
    "VQF, attitude alone": ("vqf", vqf_update),
    "imufusion, attitude alone": ("imufusion", imufusion_update),
}


def timed(take: Take, piece: Piece) -> float:
    began_ns = time.perf_counter_ns()
    take(piece)
    return (time.perf_counter_ns() - began_ns) / 1e3


def core_round(before: Sequence[Piece], walk: Sequence[Piece], least_us: list[float]) -> bool:
    """One repetition of the core; the least of each piece so far is kept in `least_us`."""
    core = Core(before)
    for i, piece in enumerate(walk):
        least_us[i] = min(least_us[i], timed(core.take, piece))
        core.rest(piece)
    return core.walking()


def peer_round(make: Callable[[], Take], walk: Sequence[Piece], least_us: list[float]) -> None:
    take = make()
    for i, piece in enumerate(walk):
        least_us[i] = min(least_us[i], timed(take, piece))


def per_sample(repetitions: int) -> dict[str, float]:
    """Microseconds per sample of the core and of each peer there is."""
    before, walk = pieces(samples(0.0, START_S)), pieces(samples(START_S, END_S))
    peers = {name: make for name, (package, make) in PEERS.items() if importlib.util.find_spec(package)}
    least_us = {name: [float("inf")] * len(walk) for name in ("core", *peers)}
    for repetition in range(repetitions):
        names = ["core", *peers] if repetition % 2 == 0 else [*reversed(peers), "core"]
        for name in names:
            if name == "core":
                assert core_round(before, walk, least_us[name]), "the core did not guard a walk"
            elif name.startswith("ahrs") and repetition % 4 > 1:
                continue  # slow: half as often
            else:
                peer_round(peers[name], walk, least_us[name])
    return {name: sum(times) / len(walk) / PIECE for name, times in least_us.items()}


def models() -> dict[str, Callable[[Sequence[float]], float]]:
    """`score` of each module of `firmware.core.models`; there may be none."""
    if importlib.util.find_spec("firmware.core.models") is None:
        return {}
    package = importlib.import_module("firmware.core.models")
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    loaded = {name: importlib.import_module(f"firmware.core.models.{name}") for name in names}
    return {name: module.score for name, module in loaded.items() if hasattr(module, "score")}


def rows(count: int, width: int) -> list[list[float]]:
    """Numbers from -20 to 20 that look random and are the same in each run."""
    state, found = 1, []
    for _ in range(count * width):
        state = (state * 1103515245 + 12345) % 2**31
        found.append(state / 2**31 * 40.0 - 20.0)
    return [found[i * width : (i + 1) * width] for i in range(count)]


def decision_us(score: Callable[[Sequence[float]], float], repetitions: int) -> float:
    """Microseconds of one decision: mean over 50 rows of the least of all repetitions."""
    asked = rows(50, FARTHEST)
    least_us = [float("inf")] * len(asked)
    for _ in range(repetitions):
        for i, row in enumerate(asked):
            began_ns = time.perf_counter_ns()
            score(row)
            least_us[i] = min(least_us[i], (time.perf_counter_ns() - began_ns) / 1e3)
    return sum(least_us) / len(least_us)


def asked_us(repetitions: int) -> dict[str, float]:
    """Microseconds to work out what the trees are asked about: of a simulated fall, a second after its impact."""
    world, moving, before = scenario("fall"), Moving(), PreImpactFeatures(PreImpactConfig().beyond)
    hardest: tuple[float, int] = (0.0, 0)
    t_ns = 0
    while not hardest[1] or t_ns - hardest[1] < 1_000_000_000:
        t_ns += round(1e9 / RATE_HZ)
        if moving.take(t_ns, *world.motion(t_ns * 1e-9)):
            before.follow(moving.motion.slices)
            peak = moving.motion.slices[-1].peak_mps2
            hardest = max(hardest, (peak, t_ns)) if peak > HARD_MPS2 or hardest[1] else hardest
    slices, upright = moving.motion.slices, moving.attitude.upright
    ways: dict[str, Take] = {
        "features of a jolt": lambda _: features(slices, hardest[1], upright),
        "features before an impact": lambda _: before.row(slices, 0.0),
    }
    return {name: min(timed(way, []) for _ in range(50 * repetitions)) for name, way in ways.items()}


def sklearn_row(trees: int = 100, depth: int = 4, features: int = 44) -> Callable[[Sequence[float]], float]:
    """Boosted trees of a usual size, as scikit-learn runs them itself for one row."""
    import numpy as np
    from sklearn.ensemble import GradientBoostingClassifier

    table = np.array(rows(400, features))
    model = GradientBoostingClassifier(n_estimators=trees, max_depth=depth, random_state=0)
    model.fit(table, table[:, 0] + table[:, 1] > 0.0)
    return lambda row: float(model.predict_proba([row[:features]])[0, 1])


def measured(repetitions: int) -> dict[str, Any]:
    gc.collect()
    gc.disable()
    try:
        found: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 1), "per_sample_us": per_sample(repetitions)}
        found["features_us"] = asked_us(repetitions)
        found["decision_us"] = {name: decision_us(score, repetitions) for name, score in models().items()}
        if importlib.util.find_spec("sklearn"):
            found["decision_us"]["scikit-learn, one row"] = decision_us(sklearn_row(), min(3, repetitions))
    finally:
        gc.enable()
    missing = [name for name, (package, _) in PEERS.items() if not importlib.util.find_spec(package)]
    return found | {"not_installed": missing, "bars_us": {"per_sample": BAR_US, "decision": DECISION_BAR_US}}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object, in microseconds")
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    args = parser.parse_args()
    found = measured(QUICK_REPETITIONS if args.quick else REPETITIONS)
    if args.json:
        print(json.dumps(found))
        return 0
    ours_us = found["per_sample_us"]["core"]
    print(f"{'one IMU sample':36}{'us':>10}{'times ours':>12}")
    for name, cost_us in found["per_sample_us"].items():
        print(f"{'the whole core' if name == 'core' else name:36}{cost_us:10.2f}{cost_us / ours_us:12.2f}")
    print(f"{'one decision':36}{'us':>10}")
    for name, cost_us in (found["decision_us"] | found["features_us"]).items():
        print(f"{name:36}{cost_us:10.2f}")
    print(f"bars: {BAR_US} us a sample, {DECISION_BAR_US} us a decision; load {found['load_average']}; ", end="")
    print(f"not installed: {', '.join(found['not_installed']) or 'none'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
