"""What the neighbours say becomes inputs; what they should not say does not."""

from firmware.core.messages import Acknowledgement, Command
from firmware.guard.inbox import PER_TURN, RemoteInbox, SounderInbox, WorkInbox
from firmware.ipc import RemoteSettings, SounderReport, encode_report
from hal.samples import SensorFault

Body = dict[str, object]


def mailbox(*bodies: Body) -> list[Body]:
    return list(bodies)


def test_broken_buzzer_is_a_fault() -> None:
    box = mailbox(encode_report(SounderReport("buzzer", "OutputFault", "stays low")))
    inbox = SounderInbox(lambda: box.pop(0) if box else None, 0)
    assert inbox.take(5) == [SensorFault(5, "buzzer", "OutputFault", "stays low")]
    assert inbox.take(6) == []


def test_sounder_that_says_nothing_for_a_second_is_a_fault_until_it_speaks() -> None:
    box: list[Body] = []
    inbox = SounderInbox(lambda: box.pop(0) if box else None, 0)
    assert inbox.take(900_000_000) == []
    (fault,) = inbox.take(1_100_000_000)
    assert isinstance(fault, SensorFault)
    assert fault.kind == "SounderSilent"
    box.append(encode_report(SounderReport()))
    assert inbox.take(1_200_000_000) == []


def test_acknowledgement_reaches_the_alarm_it_names_and_no_other() -> None:
    box = mailbox(
        {"v": 1, "kind": "ack", "alarm": "known", "state": "acknowledged", "by": "Ann"},
        {"v": 1, "kind": "ack", "alarm": "of another boot", "state": "accepted", "by": "Ann"},
    )
    inbox = RemoteInbox(lambda: box.pop(0) if box else None, {"known": 4}.get, print)
    assert inbox.take(9) == [Acknowledgement(9, 4, "acknowledged", "Ann")]


def test_commands_that_would_weaken_the_guard_do_not_exist() -> None:
    box: list[Body] = [{"v": 1, "kind": "command", "name": name} for name in ("end", "locate", "silence", "start")]
    inbox = RemoteInbox(lambda: box.pop(0) if box else None, lambda _: None, print)
    assert inbox.take(1) == [Command(1, "locate")]
    assert inbox.rejected == 3


def test_settings_go_past_the_core_to_whoever_judges_them_and_hostile_ones_nowhere() -> None:
    heard: list[RemoteSettings] = []
    sets: list[object] = [{"plan.start_min": 6}, {}, [], {"a": "text"}, {"a": [1]}, {"a": 10**400}, {"a": float("nan")}]
    sets.append({str(number): 1 for number in range(21)})
    box: list[Body] = [{"v": 1, "kind": "settings", "by": "Ann", "values": values} for values in sets]
    inbox = RemoteInbox(lambda: box.pop(0) if box else None, lambda _: None, heard.append)
    assert inbox.take(1) + inbox.take(2) == []
    assert heard == [RemoteSettings("Ann", {"plan.start_min": 6})]
    assert inbox.rejected == 7


class Work:
    turns = 0


def test_writer_that_does_not_come_back_is_a_fault_until_it_does() -> None:
    work = Work()
    inbox = WorkInbox(work, 0)
    assert inbox.take(2_900_000_000) == []
    (fault,) = inbox.take(3_100_000_000)
    assert isinstance(fault, SensorFault)
    assert fault.part == "journal"
    work.turns = 1
    assert inbox.take(3_200_000_000) == []
    assert inbox.take(6_100_000_000) == []


def test_flood_costs_a_few_reads_a_turn() -> None:
    reads: list[int] = []

    def flood() -> Body:
        reads.append(1)
        return {"kind": "x"}

    RemoteInbox(flood, lambda _: None, print).take(1)
    assert len(reads) == PER_TURN
