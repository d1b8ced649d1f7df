"""Which MQTT to speak. 5 wherever it can be; 3.1.1 says "taken" for what a broker refuses.

A broker that knows 3.1.1 alone refuses 5, hangs up on it, or meets it with silence. Over TLS only a plain refusal
counts: on a slow or hostile line anything may be late or cut off, and nobody may talk us into the weaker one.
"""

AUTO = "auto"
CHOICES = (AUTO, "5", "3.1.1")
OTHER = {"5": "3.1.1", "3.1.1": "5"}
PATIENCE_S, MOST_PATIENCE_S = 1.5, 12.0  # for an answer to the first word; twice as long after each silence
AGAIN_S = 4.0  # where both were tried it is not the protocol: slowly then


class Choice:
    """`wanted` is what to speak; each method tells it what happened, at `now_s` on a monotonic clock."""

    def __init__(self, configured: str, *, secure: bool) -> None:
        self._fixed, self._secure = configured != AUTO, secure
        self.wanted = configured if self._fixed else "5"
        self._tried = {self.wanted}
        self._patience_s = PATIENCE_S
        self._started_s = 0.0

    def started(self, protocol: str, now_s: float) -> None:
        """A client was made that speaks it."""
        self.wanted, self._started_s = protocol, now_s
        self._tried.add(protocol)

    def let_in(self, protocol: str) -> None:
        """However late, and whatever was wanted meanwhile."""
        self.wanted, self._tried, self._patience_s = protocol, {protocol}, PATIENCE_S

    def lost(self) -> None:
        """The broker that comes back may be another one."""
        if not self._fixed:
            self.wanted, self._tried = "5", {"3.1.1"}

    def refused(self, protocol: str) -> None:
        """The broker has said that it does not know this one."""
        if not self._fixed:
            self.wanted = OTHER[protocol]

    def hung_up(self, protocol: str) -> None:
        """It took the connection and ended it without a word."""
        if not self._secure:
            self.refused(protocol)

    def silent(self, protocol: str, silent_s: float) -> None:
        """It took the connection, and has said nothing for so long."""
        if self._fixed or self._secure or self.wanted != protocol or silent_s < self._patience_s:
            return
        self.wanted = OTHER[protocol]
        self._patience_s = min(2 * self._patience_s, MOST_PATIENCE_S)

    def may_switch(self, now_s: float) -> bool:
        """At once where the wanted one was not tried yet."""
        return self.wanted not in self._tried or now_s - self._started_s >= AGAIN_S
