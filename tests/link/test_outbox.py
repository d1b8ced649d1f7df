from support.events import an_event, made_id

from firmware.journal import StoredEvent
from firmware.link.outbox import IN_FLIGHT, POISON, PUBACK_TIMEOUT_S, Outbox

S = 1_000_000_000


def _stored(number: int, **changes: object) -> StoredEvent:
    return StoredEvent(number, an_event(number, **changes), 0, None)


def _due(outbox: Outbox, t_s: float) -> list[str]:
    return [entry.stored.event.id for entry in outbox.due(round(t_s * S))]


def test_a_fall_goes_before_everything_that_waited_longer() -> None:
    outbox = Outbox()
    outbox.add([_stored(number, type="fault") for number in (1, 2)] + [_stored(3), _stored(4, type="sos")], 0)
    assert _due(outbox, 0) == [made_id(number) for number in (3, 4, 1, 2)]


def test_what_nobody_accepts_is_sent_again_after_5_15_60_and_60_seconds() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    sent_s = []
    for t_s in range(300):
        if _due(outbox, t_s):
            sent_s.append(t_s)
            outbox.sending(made_id(1), t_s * S)
            outbox.answered(made_id(1), t_s * S)
    assert sent_s == [0, 5, 20, 80, 140, 200, 260]


def test_an_accepted_event_is_never_sent_again() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    outbox.accepted(made_id(1))
    outbox.accepted(made_id(1))
    outbox.answered(made_id(1), S)
    assert _due(outbox, 1000) == []
    assert outbox.depth == 0


def test_a_broker_that_never_answers_is_asked_again() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    outbox.sending(made_id(1), 0)
    assert _due(outbox, PUBACK_TIMEOUT_S - 0.1) == []
    assert _due(outbox, PUBACK_TIMEOUT_S) == [made_id(1)]


def test_everything_is_due_again_after_a_lost_connection() -> None:
    outbox = Outbox()
    outbox.add([_stored(1), _stored(2)], 0)
    for number in (1, 2):
        outbox.sending(made_id(number), 0)
    outbox.answered(made_id(2), 0)
    outbox.disconnected(S)
    assert _due(outbox, 1) == [made_id(1), made_id(2)]


def test_a_broker_gets_little_at_a_time() -> None:
    outbox = Outbox()
    outbox.add([_stored(number) for number in range(1, 101)], 0)
    first = _due(outbox, 0)
    assert len(first) == IN_FLIGHT
    for event_id in first:
        outbox.sending(event_id, 0)
    assert _due(outbox, 1) == []
    outbox.answered(first[0], S)
    assert len(_due(outbox, 1)) == 1


def test_an_event_that_ends_every_connection_is_told_without_its_details() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    for number in range(POISON):
        (entry,) = outbox.due(number * S)
        assert not entry.minimal
        outbox.sending(made_id(1), number * S)
        outbox.disconnected((number + 1) * S)
    assert outbox.due(POISON * S)[0].minimal


def test_the_age_of_the_oldest_waiting_event_is_known() -> None:
    outbox = Outbox()
    assert outbox.oldest_s(5 * S) == 0.0
    outbox.add([_stored(1)], 2 * S)
    outbox.add([_stored(2)], 4 * S)
    assert outbox.oldest_s(5 * S) == 3.0
