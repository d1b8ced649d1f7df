"""A fall that may have been the device's alone: the alarm waits until that is known, and comes when it stays unknown."""

from typing import Protocol

from firmware.core.messages import Value

Evidence = dict[str, Value]


class Wear(Protocol):
    """`firmware.core.estimators.wear.Wear` fits."""

    @property
    def worn(self) -> bool | None: ...
    @property
    def free_until_ns(self) -> int: ...
    @property
    def handled_until_ns(self) -> int: ...


class NotWorn:
    """An impact waits only after a true free fall; a posture after it, or after a hand turned the device about."""

    def __init__(self) -> None:
        self._held: tuple[int, Evidence] | None = None

    @property
    def waiting(self) -> bool:
        return self._held is not None

    def restart(self) -> Evidence | None:
        """The sensor is lost: what waited is told, for nothing more will be learned."""
        held, self._held = self._held, None
        return None if held is None else held[1]

    def judge(self, now_ns: int, wear: Wear, evidence: Evidence | None) -> Evidence | None:
        """`evidence` of now or of a moment ago, as soon as it is to be told."""
        if wear.worn is False:
            self._held = None
            return None
        if evidence is not None and self._held is None:
            self._held = now_ns, evidence
        if self._held is None:
            return None
        since_ns, held = self._held
        until_ns = wear.free_until_ns
        if held["path"] == "posture":
            until_ns = max(until_ns, wear.handled_until_ns)
        if now_ns <= until_ns:
            return None
        self._held = None
        age_s, waited_s = held["impact_age_s"], (now_ns - since_ns) * 1e-9
        return {**held, "impact_age_s": round(age_s + waited_s, 2)} if isinstance(age_s, float) else held
