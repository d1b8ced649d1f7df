"""All files through the core, on all processors. The result does not depend on how many there are."""

import contextlib
import functools
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.sharedctypes import RawArray
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
Work = Callable[..., Outcome]
Shares = Any
"""An array of numbers that processes share, one of each file; ctypes gives it no type."""


POLL_S = 0.2


def evaluate_file(
    source: Source,
    config: CoreConfig | None = None,
    lead_in_s: float = LEAD_IN_S,
    change: Change | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Outcome:
    """`progress` is told what share of the file is done."""
    try:
        person = read(source)
    except DataError as error:
        return Outcome(source, (), damage=str(error))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one file, the others are scored
        return Outcome(source, (), damage=f"{source.path}: cannot be read: {type(error).__name__}: {error}")
    judged, broke = [], ""
    done, samples = 0, sum(len(trial.accel_mps2) for trial in person.trials)
    for recorded in person.trials:
        trial = recorded if change is None else change(recorded)
        count = len(recorded.accel_mps2)
        within = functools.partial(_within, progress, done / samples, count / samples)
        done += count
        try:
            if trial is not None:
                judged.append(judge(trial, config, lead_in_s=lead_in_s, progress=within))
        except Exception as error:  # noqa: BLE001 - a defect of the core in one trial is reported, the rest is scored
            broke = f"{source.path}: the core failed in {recorded.label.trial}: {type(error).__name__}: {error}"
    return Outcome(source, tuple(judged), (*person.notes, *_remarks(source, judged)), broke)


def _within(progress: Callable[[float], None], begin: float, of: float, share: float) -> None:
    progress(begin + of * share)


def _remarks(source: Source, trials: Sequence[Judged]) -> Iterator[str]:
    if any(not trial.has_gyro for trial in trials):
        yield f"{source.path}: no gyroscope; angular rates estimated from the turning of gravity"
    unknown = sum(trial.label.falls_from_s == -math.inf for trial in trials)
    if unknown:
        yield f"{source.path}: {unknown} falls without onset or impact; any alarm in their trials counts as found"
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
    work = functools.partial(evaluate_file, config=config, lead_in_s=lead_in_s, change=change)
    shares = RawArray("d", max(1, len(found)))  # each process writes its own file's, so nobody has to wait

    def tell() -> None:
        progress(round(sum(size * share for size, share in zip(sizes, shares, strict=False))), sum(sizes))

    tell()
    outcomes = _alone(found, work, shares, tell) if jobs == 1 else _together(found, sizes, jobs, work, shares, tell)
    return [outcomes[index] for index in range(len(found))]


def _alone(found: Sequence[Source], work: Work, shares: Shares, tell: Callable[[], None]) -> dict[int, Outcome]:
    outcomes = {}
    for index, source in enumerate(found):

        def heard(share: float, index: int = index) -> None:
            shares[index] = share
            tell()

        outcomes[index] = work(source, progress=heard)
        heard(1.0)
    return outcomes


def _together(
    found: Sequence[Source], sizes: Sequence[int], jobs: int, work: Work, shares: Shares, tell: Callable[[], None]
) -> dict[int, Outcome]:
    largest_first = sorted(range(len(found)), key=lambda index: -sizes[index])
    outcomes: dict[int, Outcome] = {}
    try:
        _in_processes(found, largest_first, jobs, work, shares, tell, outcomes)
    except BrokenProcessPool:  # one was killed, and nobody knows which file it had: from here on each has its own
        for index in largest_first:
            if index in outcomes:
                continue
            try:
                _in_processes(found, [index], 1, work, shares, tell, outcomes)
            except BrokenProcessPool:
                damage = f"{found[index].path}: its process was killed, perhaps for want of memory"
                outcomes[index] = Outcome(found[index], (), damage=damage)
    return outcomes


def _in_processes(
    found: Sequence[Source],
    order: Sequence[int],
    jobs: int,
    work: Work,
    shares: Shares,
    tell: Callable[[], None],
    outcomes: dict[int, Outcome],
) -> None:
    """Fills `outcomes`. Spawned, not forked: nothing of ours, such as a progress bar's thread, is in the way."""
    executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _share, (shares,))
    try:
        with _interrupts_wait():
            futures: dict[Future[Outcome], int] = {
                executor.submit(_one_of_many, work, found[index], index): index for index in order
            }
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, POLL_S, FIRST_COMPLETED)
            for future in finished:
                outcomes[futures[future]] = future.result()
                shares[futures[future]] = 1.0
            tell()
        executor.shutdown()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


_shares: list[Any] = []  # in a process of its own: what share of each file is done


def _share(shares: Shares) -> None:
    _shares[:] = [shares]


def _one_of_many(work: Work, source: Source, index: int) -> Outcome:
    def heard(share: float) -> None:
        _shares[0][index] = share

    return work(source, progress=heard)


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C is for the parent, which ends its children: they inherit that the signal is blocked. None is lost.

    A library's thread may still take the signal, and would interrupt this one while a child waits for its task.
    """
    resource_tracker.ensure_running()  # would unblock it again
    came: list[int] = []
    waits = threading.current_thread() is threading.main_thread()  # no other is interrupted
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if waits else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if waits:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if came:
        raise KeyboardInterrupt


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
