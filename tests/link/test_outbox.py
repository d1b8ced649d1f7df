import inspect
import itertools

import pytest
from support.events import an_event, made_id

from firmware.journal import Journal, StoredEvent
from firmware.link.outbox import IN_FLIGHT, MOST, OTHER_SENDINGS, POISON, PUBACK_TIMEOUT_S, RESERVED, Outbox

S = 1_000_000_000


def _stored(number: int, **changes: object) -> StoredEvent:
    return StoredEvent(number, an_event(number, **changes), 0, None)


def _due(outbox: Outbox, t_s: float) -> list[str]:
    return [entry.stored.event.id for entry in outbox.due(round(t_s * S))]


def test_a_fall_goes_before_everything_that_waited_longer() -> None:
    outbox = Outbox()
    outbox.add([_stored(number, type="fault") for number in (1, 2)] + [_stored(3), _stored(4, type="sos")], 0)
    assert _due(outbox, 0) == [made_id(number) for number in (3, 4, 1, 2)]


def _sent_s(outbox: Outbox, until_s: int) -> list[int]:
    """When event 1 is sent by a link that gets every answer at once."""
    sent_s = []
    for t_s in range(until_s):
        if _due(outbox, t_s):
            sent_s.append(t_s)
            outbox.sending(made_id(1), t_s * S)
            outbox.answered(made_id(1), t_s * S)
    return sent_s


def test_a_fall_that_nobody_accepts_is_told_for_ever_though_less_often_after_an_hour() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    sent_s = _sent_s(outbox, 2 * 86_400)
    assert sent_s[:7] == [0, 5, 20, 80, 140, 200, 260]
    gaps = {t_s: later_s - t_s for t_s, later_s in itertools.pairwise(sent_s)}
    assert {gap for t_s, gap in gaps.items() if 20 <= t_s < 3600} == {60}
    assert {gap for t_s, gap in gaps.items() if t_s >= 3600} == {300}
    assert outbox.expired() == []


def test_a_warning_that_nobody_accepts_is_told_ever_less_often_and_given_up_after_a_day() -> None:
    outbox = Outbox()
    outbox.add([_stored(1, type="fault", severity="warning")], 0)
    for _ in range(OTHER_SENDINGS):
        assert outbox.expired() == []
        (entry,) = outbox.due(10**18)
        outbox.sending(made_id(1), 0)
        outbox.answered(made_id(1), 0)
    assert entry.gap_s(0) == 900
    assert [event.id for event in outbox.expired()] == [made_id(1)]
    assert 0.9 < OTHER_SENDINGS * 900 / 86_400 < 1.1


def test_a_warning_is_not_given_up_while_no_broker_has_ever_taken_it() -> None:
    outbox = Outbox()
    outbox.add([_stored(1, type="fault", severity="warning")], 0)
    for _ in range(2 * OTHER_SENDINGS):
        outbox.sending(made_id(1), 0)
        outbox.answered(made_id(1), 0, taken=False)
    assert outbox.expired() == []


def test_what_earlier_links_have_sent_counts() -> None:
    outbox = Outbox()
    outbox.add([StoredEvent(1, an_event(1, severity="info"), OTHER_SENDINGS, "t")], 0)
    outbox.add([StoredEvent(2, an_event(2, severity="info"), 6, "t")], 0)
    assert [event.id for event in outbox.expired()] == [made_id(1)]
    outbox.sending(made_id(2), 0)
    outbox.answered(made_id(2), 0)
    assert made_id(2) not in _due(outbox, 899)


def test_an_accepted_event_is_never_sent_again() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    outbox.remove(made_id(1))
    outbox.remove(made_id(1))
    outbox.answered(made_id(1), S)
    assert _due(outbox, 1000) == []
    assert outbox.depth == 0


def test_a_person_can_have_heard_what_a_broker_has_taken_of_the_alarm_and_nothing_else() -> None:
    outbox = Outbox()
    outbox.add([_stored(1), _stored(2, alarm=made_id(1), phase="confirmed"), _stored(3)], 0)
    for number in (1, 3):
        outbox.sending(made_id(number), 0)
        outbox.answered(made_id(number), 0)
    assert outbox.taken(made_id(1)) == [made_id(1)]


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
    outbox.add([_stored(number, type="fault") for number in range(1, 101)], 0)
    first = _due(outbox, 0)
    assert len(first) == IN_FLIGHT
    for event_id in first:
        outbox.sending(event_id, 0)
    assert _due(outbox, 1) == []
    outbox.answered(first[0], S)
    assert len(_due(outbox, 1)) == 1


@pytest.mark.parametrize("backlog", ["fault", "fall"])
def test_no_backlog_that_a_silent_broker_leaves_unanswered_keeps_a_new_fall_waiting(backlog: str) -> None:
    outbox = Outbox()
    outbox.add([StoredEvent(number, an_event(number, type=backlog), 1, "t") for number in range(1, 101)], 0)
    for t_s in range(60):
        for event_id in _due(outbox, t_s):
            outbox.sending(event_id, t_s * S)
        outbox.add([_stored(200 + t_s)], t_s * S)
        assert _due(outbox, t_s) == [made_id(200 + t_s)]
        outbox.remove(made_id(200 + t_s))


def test_however_many_new_falls_there_are_a_silent_broker_gets_few() -> None:
    outbox = Outbox()
    outbox.add([_stored(number) for number in range(1, 101)], 0)
    assert len(_due(outbox, 0)) == IN_FLIGHT + RESERVED


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


def test_weeks_of_faults_that_nobody_takes_make_room_and_no_fall_does() -> None:
    outbox = Outbox(most=5)
    outbox.add([_stored(1), *(_stored(number, type="fault", severity="warning") for number in range(2, 9))], 0)
    outbox.add([_stored(9, type="sos")], 0)
    assert sorted(_due(outbox, 0)) == [made_id(number) for number in (1, 6, 7, 8, 9)]
    outbox.add([_stored(number) for number in range(10, 20)], 0)
    assert sorted(_due(outbox, 0)) == sorted(made_id(number) for number in (1, 9, *range(10, 20)))


def test_what_makes_room_while_it_is_under_way_is_gone_when_its_answer_comes() -> None:
    outbox = Outbox(most=1)
    outbox.add([StoredEvent(1, an_event(1, severity="info"), OTHER_SENDINGS - 1, "t")], 0)
    outbox.sending(made_id(1), 0)
    outbox.add([_stored(2)], 0)
    outbox.answered(made_id(1), S)
    assert (outbox.expired(), outbox.depth) == ([], 1)


def test_as_many_wait_here_as_in_the_journal() -> None:
    assert inspect.signature(Journal).parameters["keep_open"].default == MOST


def test_nothing_is_left_of_an_event_that_was_sent_often_enough_and_then_taken_out() -> None:
    outbox = Outbox()
    outbox.add([StoredEvent(1, an_event(1, severity="info"), OTHER_SENDINGS, "t")], 0)
    outbox.remove(made_id(1))
    assert (outbox.depth, outbox._spent) == (0, set())


def test_what_is_too_large_for_a_broker_is_told_at_once_without_its_details_and_else_later() -> None:
    outbox = Outbox()
    outbox.add([_stored(1)], 0)
    outbox.sending(made_id(1), 0)
    outbox.too_large(made_id(1), S)
    (entry,) = outbox.due(S)
    assert entry.minimal
    outbox.sending(made_id(1), S)
    outbox.too_large(made_id(1), S)
    assert _due(outbox, 1) == []
    (entry,) = outbox.due(6 * S)
    assert entry.minimal
    outbox.too_large(made_id(2), S)  # of one that was accepted meanwhile
