"""All files through the core, on all processors. The result does not depend on how many there are."""

import contextlib
import functools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from firmware.core.config import CoreConfig
from firmware.evaluation.dataset import DataError, Source, Trial, read
from firmware.evaluation.scoring import score
from firmware.evaluation.stream import LEAD_IN_S, Judged, judge


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file: its judged trials, or why there are none."""

    source: Source
    trials: tuple[Judged, ...]
    notes: tuple[str, ...] = ()
    damage: str = ""


Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""
Change = Callable[[Trial], Trial | None]
"""What a trial would have been with another sensor or another mounting; None: not to be judged."""


def evaluate_file(
    source: Source, config: CoreConfig | None = None, lead_in_s: float = LEAD_IN_S, change: Change | None = None
) -> Outcome:
    try:
        person = read(source)
    except DataError as error:
        return Outcome(source, (), damage=str(error))
    judged, broke = [], ""
    trials = person.trials if change is None else filter(None, map(change, person.trials))
    for trial in trials:
        try:
            judged.append(judge(trial, config, lead_in_s=lead_in_s))
        except Exception as error:  # noqa: BLE001 - a defect of the core in one trial is reported, the rest is scored
            broke = f"{source.path}: the core failed in {trial.label.trial}: {type(error).__name__}: {error}"
    return Outcome(source, tuple(judged), (*person.notes, *_remarks(source, judged)), broke)


def _remarks(source: Source, trials: Sequence[Judged]) -> Iterator[str]:
    if any(not trial.has_gyro for trial in trials):
        yield f"{source.path}: no gyroscope; angular rates estimated from the turning of gravity"
    faulty = [trial for trial in trials if trial.fault]
    if faulty:
        first = faulty[0]
        yield f"{source.path}: sensor not trusted in {len(faulty)} trials, first in {first.label.trial}: {first.fault}"


def evaluate_files(
    found: Sequence[Source],
    *,
    jobs: int | None = None,
    config: CoreConfig | None = None,
    lead_in_s: float = LEAD_IN_S,
    change: Change | None = None,
    progress: Progress = lambda done, of: None,
) -> list[Outcome]:
    """One outcome a file, in the order of `found`; `jobs` processes, None: as many as there are processors.

    `change` is a function of a module, for other processes must find it.
    """
    sizes = [source.path.stat().st_size if source.path.is_file() else 0 for source in found]
    jobs = max(1, min(jobs or len(os.sched_getaffinity(0)), len(found)))
    outcomes: dict[int, Outcome] = {}
    progress(0, sum(sizes))
    work = functools.partial(evaluate_file, config=config, lead_in_s=lead_in_s, change=change)
    for index, outcome in _outcomes(found, sizes, jobs, work):
        outcomes[index] = outcome
        progress(sum(sizes[i] for i in outcomes), sum(sizes))
    return [outcomes[index] for index in range(len(found))]


def _outcomes(
    found: Sequence[Source], sizes: Sequence[int], jobs: int, work: Callable[[Source], Outcome]
) -> Iterator[tuple[int, Outcome]]:
    if jobs == 1:
        for index, source in enumerate(found):
            yield index, work(source)
        return
    # Spawned, not forked: nothing of ours, such as a progress bar's thread, is in the way.
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))
    try:
        with _interrupts_wait():
            largest_first = sorted(range(len(found)), key=lambda index: -sizes[index])
            futures: dict[Future[Outcome], int] = {
                executor.submit(work, found[index]): index for index in largest_first
            }
        for future in as_completed(futures):
            yield futures[future], future.result()
        executor.shutdown()
    except BrokenProcessPool:
        raise DataError("a process of the evaluation was killed, perhaps for want of memory; try --jobs 1") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C is for the parent, which ends its children: they inherit that the signal is blocked. None is lost."""
    resource_tracker.ensure_running()  # would unblock it again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All there is to report."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    wall_s: float

    @property
    def trials(self) -> list[Judged]:
        return [trial for outcome in self.outcomes for trial in outcome.trials]

    @property
    def damaged(self) -> list[str]:
        return [outcome.damage for outcome in self.outcomes if outcome.damage]

    @property
    def recorded_s(self) -> float:
        return sum(trial.duration_s for trial in self.trials)

    @property
    def cpu_s(self) -> float:
        return sum(trial.cpu_s for trial in self.trials)

    def scores(self) -> dict[str, Any]:
        """`{"sets": {NAME: S}, "all": S}`; the same for the same files and the same core."""
        names = sorted({trial.label.set_name for trial in self.trials})
        sets = {name: score([t for t in self.trials if t.label.set_name == name]) for name in names}
        return {"sets": sets, "all": {**score(self.trials), "damaged": self.damaged}}


def evaluate(
    found: Sequence[Source],
    notes: Sequence[str] = (),
    *,
    jobs: int | None = None,
    config: CoreConfig | None = None,
    lead_in_s: float = LEAD_IN_S,
    progress: Progress = lambda done, of: None,
) -> Evaluation:
    began_s = time.monotonic()
    outcomes = evaluate_files(found, jobs=jobs, config=config, lead_in_s=lead_in_s, progress=progress)
    said = (*notes, *(note for outcome in outcomes for note in outcome.notes))
    return Evaluation(tuple(outcomes), said, time.monotonic() - began_s)
