"""Who has an alarm, and how far each of them has come, as the journal keeps it."""

import sqlite3
from dataclasses import dataclass

HOW = ("seen", "on_my_way", "at_scene")  # what a person says of an alarm; each says more than the one before
MOST = 20  # of one alarm: more than these change nothing for her


@dataclass(frozen=True, slots=True)
class Responder:
    """A person who has an alarm: `how` is one of HOW, and `t` (RFC 3339) is when that was said."""

    by: str
    how: str
    t: str


def furthest(responders: list[Responder]) -> Responder | None:
    """Who is nearest to her; of several, who was so first. None: nobody has the alarm."""
    return max(responders, key=lambda each: HOW.index(each.how), default=None)


def read(db: sqlite3.Connection, alarm: str) -> list[Responder]:
    """In the order in which they first said so. What rotted on the disk is "seen", the least."""
    sql = "SELECT by, how, t FROM responders WHERE alarm = ? ORDER BY number"
    rows = db.execute(sql, (alarm,)).fetchall()
    return [Responder(str(by), how if how in HOW else HOW[0], str(t)) for by, how, t in rows]


def put(db: sqlite3.Connection, alarm: str, responder: Responder) -> None:
    """`how` never goes back; who comes after MOST others is not noted."""
    said = {each.by: HOW.index(each.how) for each in read(db, alarm)}
    values = (responder.how, responder.t, alarm, responder.by)
    if responder.by not in said:
        if len(said) < MOST:
            db.execute("INSERT INTO responders (how, t, alarm, by) VALUES (?, ?, ?, ?)", values)
    elif HOW.index(responder.how) > said[responder.by]:
        db.execute("UPDATE responders SET how = ?, t = ? WHERE alarm = ? AND by = ?", values)
