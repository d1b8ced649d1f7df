"""Whether the device can do what it is worn for: without a known upright it sees no fall and no sway."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadinessConfig:
    """How long the device may be worn without knowing the upright."""

    patience_s: float = 20.0  # to put it on and stand still
    steps: int = 4  # in a row: somebody who walks thinks that she is guarded

    def __post_init__(self) -> None:
        for key, low, high in (("patience_s", 5.0, 60.0), ("steps", 2, 10)):
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"readiness: {key} ({getattr(self, key)}) must lie between {low} and {high}")


NOT_READY = "not ready: stand still and upright for a second"


class Readiness:
    """Says why the device is not ready, once somebody could rely on it."""

    def __init__(self, config: ReadinessConfig) -> None:
        self._config = config
        self._since_ns: int | None = None
        self._reason = ""

    def update(self, now_ns: int, upright_known: bool, imu_ok: bool, steps_in_a_row: int, tilted: str = "") -> str:
        """Empty, or what the walker has to do; stays so until the upright is known and the device is not `tilted`."""
        if upright_known and not tilted:
            self._reason, self._since_ns = "", None  # should it be lost again, she has as long as at first
        elif imu_ok:
            if self._since_ns is None:
                self._since_ns = now_ns
            waited_s = (now_ns - self._since_ns) * 1e-9
            if waited_s > self._config.patience_s or steps_in_a_row >= self._config.steps:
                self._reason = f"{NOT_READY}; {tilted}" if tilted else NOT_READY
        return self._reason
