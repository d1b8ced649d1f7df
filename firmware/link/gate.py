"""How often somebody may say something to the device, and that an old word is not said again. Pure: time is handed in.

The broker's access rules decide who may speak at all. A flood that comes through them costs the guard nothing, and the
walker a few sounds.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from firmware.link.inbound import LARGEST_NUMBER, NAME_MAX, THIS_ALARM, Accept, Ack, Refused, Settings, Wish, Word

MOST_SENDERS = 64


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
        """The last number of each sender, who spoke last last."""
        return dict(self._numbers)

    def restore(self, numbers: Mapping[str, object]) -> None:
        """What was kept; whatever makes no sense is left out."""
        for by, number in list(numbers.items())[-MOST_SENDERS:]:
            if len(by) <= NAME_MAX and type(number) is int and 0 < number < LARGEST_NUMBER:
                self._numbers.setdefault(by, number)

    def admit(self, word: Word, now_ns: int) -> None:
        """Raise Refused for a word too many, or for one whose number does not rise."""
        if not self._buckets[type(word)].take(now_ns):
            raise Refused("too many")
        if isinstance(word, Accept) or word.number is None or (isinstance(word, Ack) and word.alarm != THIS_ALARM):
            return
        if word.number <= self._numbers.get(word.by, 0):
            raise Refused("old number")
        self._numbers[word.by] = word.number
        self._numbers.move_to_end(word.by)
        if len(self._numbers) > MOST_SENDERS:
            self._numbers.popitem(last=False)
