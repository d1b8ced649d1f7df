"""A fall that may have been the device's alone: the alarm waits till that is known, and comes when it stays unknown."""

from typing import Protocol

from firmware.core.messages import Value

Evidence = dict[str, Value]
BEFORE_NS, SOFT_G = 700_000_000, 2.0


class Wear(Protocol):
    """`firmware.core.estimators.wear.Wear` fits."""

    @property
    def worn(self) -> bool | None: ...
    @property
    def free_until_ns(self) -> int: ...
    @property
    def handled_until_ns(self) -> int: ...
    @property
    def handled_since_ns(self) -> int | None: ...


class NotWorn:
    """Waits after a true free fall, and while a hand may have put the device down.

    An impact waits for a hand only when that was noticed 0.7 s before it: who falls is turned about later than that, in
    each of 2443 recorded falls (at most 0.99 of the 1.3 rad that tell a hand). A jolt below 2 g waits for any hand that
    was noticed before it.
    """

    def __init__(self) -> None:
        self._held: tuple[int, Evidence] | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is evidence that was not told yet."""
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
        age_s, waited_s = held["impact_age_s"], (now_ns - since_ns) * 1e-9
        until_ns, hand_ns = wear.free_until_ns, wear.handled_since_ns
        if hand_ns is not None:
            began_ns = since_ns - round(age_s * 1e9) if isinstance(age_s, float) else since_ns
            impact_g = held.get("impact_g")
            soft = isinstance(impact_g, float) and impact_g < SOFT_G
            if held["path"] == "posture" or began_ns - hand_ns >= (0 if soft else BEFORE_NS):
                until_ns = max(until_ns, wear.handled_until_ns)
        if now_ns <= until_ns:
            return None
        self._held = None
        return {**held, "impact_age_s": round(age_s + waited_s, 2)} if isinstance(age_s, float) else held
