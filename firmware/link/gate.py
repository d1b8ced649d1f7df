"""How often somebody may say something to the device, and that an old word is not said again. Pure: time is handed in.

The broker's access rules decide who may speak at all, but nobody tells the link who did: `by` is what the sender wrote.
A flood that comes through them costs the guard nothing, and the walker a few sounds.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from firmware.link.inbound import LARGEST_NUMBER, NAME_MAX, THIS_ALARM, Accept, Ack, Refused, Settings, Wish, Word

MOST_SENDERS = 64
AHEAD_MS = 24 * 3600 * 1000  # so much a sender's clock may be ahead of ours


@dataclass(slots=True)
class _Bucket:
    """Holds `burst` words, and fills up with `rate_per_s`."""

    rate_per_s: float
    burst: float
    left: float
    t_ns: int = 0

    def take(self, now_ns: int) -> bool:
        self.left = min(self.burst, self.left + (now_ns - self.t_ns) / 1e9 * self.rate_per_s)
        self.t_ns = now_ns
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Gate:
    """`admit` every word that was understood; `numbers` is to be kept over a restart, and given to `restore`."""

    def __init__(self) -> None:
        self._buckets = {  # a day's backlog is accepted at once; people are slow, and a sound lasts
            Accept: _Bucket(100.0, 5000.0, 5000.0),
            Ack: _Bucket(5.0, 50.0, 50.0),
            Wish: _Bucket(0.2, 5.0, 5.0),
            Settings: _Bucket(0.1, 5.0, 5.0),
        }
        self._numbers: OrderedDict[str, int] = OrderedDict()

    @property
    def numbers(self) -> dict[str, int]:
        """The last number of each sender (settings have their own), who spoke last last."""
        return dict(self._numbers)

    def restore(self, numbers: Mapping[str, object]) -> None:
        """What was kept; whatever makes no sense is left out."""
        for by, number in list(numbers.items())[-MOST_SENDERS:]:
            if len(by.partition("\n")[0]) <= NAME_MAX and type(number) is int and 0 < number < LARGEST_NUMBER:
                self._numbers.setdefault(by, number)

    def admit(self, word: Word, now_ns: int, today_ms: int | None = None) -> None:
        """Raise Refused for a word too many, or for one whose number does not rise, or has run ahead of `today_ms`.

        That is Unix time by a clock that was set; None: not known. Otherwise one word with the largest number, in
        somebody's name, would silence her for ever.
        """
        if not self._buckets[type(word)].take(now_ns):
            raise Refused("too many")
        if isinstance(word, Accept) or word.number is None or (isinstance(word, Ack) and word.alarm != THIS_ALARM):
            return
        most = LARGEST_NUMBER if today_ms is None else today_ms + AHEAD_MS
        if word.number > most:
            raise Refused("number ahead")
        sender = _sender(word.by, settings=isinstance(word, Settings))
        if word.number <= self._numbers.get(sender, 0) <= most:
            raise Refused("old number")
        self._numbers[sender] = word.number
        self._numbers.move_to_end(sender)
        if len(self._numbers) > MOST_SENDERS:
            self._numbers.popitem(last=False)


def _sender(by: str, *, settings: bool) -> str:
    """A caregiver may write the therapist's name into an answer, but it is not what her settings are counted by."""
    return f"{by}\nsettings" if settings else by  # no name has a line break
