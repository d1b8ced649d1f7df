"""Which MQTT is spoken: 5 wherever it can be, and no slow line talks us out of it."""

import pytest

from firmware.link.protocol import AGAIN_S, MOST_PATIENCE_S, PATIENCE_S, Choice


def auto(*, secure: bool = False) -> Choice:
    choice = Choice("auto", secure=secure)
    choice.started("5", 0.0)
    return choice


@pytest.mark.parametrize("secure", [False, True])
def test_a_broker_that_refuses_5_is_asked_with_3_1_1_at_once_and_then_slowly(secure: bool) -> None:
    choice = auto(secure=secure)
    choice.refused("5")
    assert (choice.wanted, choice.may_switch(0.1)) == ("3.1.1", True)
    choice.started("3.1.1", 1.0)
    choice.refused("3.1.1")
    assert (choice.wanted, choice.may_switch(1.1), choice.may_switch(1.0 + AGAIN_S)) == ("5", False, True)


def test_over_tls_neither_silence_nor_a_cut_line_is_a_refusal() -> None:
    choice = auto(secure=True)
    choice.hung_up("5")
    choice.silent("5", 3600.0)
    assert choice.wanted == "5"


def test_without_tls_a_broker_that_hangs_up_or_is_silent_is_asked_with_the_other() -> None:
    hung_up, silent = auto(), auto()
    hung_up.hung_up("5")
    silent.silent("5", PATIENCE_S - 0.1)
    assert (hung_up.wanted, silent.wanted) == ("3.1.1", "5")
    silent.silent("5", PATIENCE_S)
    assert silent.wanted == "3.1.1"


@pytest.mark.parametrize("answers_after_s", [0.1, 1.4, 1.6, 2.9, 4.0, 8.0, 11.9])
def test_a_slow_line_is_waited_for_in_the_end_and_the_connection_then_stays(answers_after_s: float) -> None:
    choice, now_s, connections = auto(), 0.0, 1
    while True:
        protocol, silent_s = choice.wanted, 0.0
        while choice.wanted == protocol and silent_s < answers_after_s:
            silent_s += 0.05
            choice.silent(protocol, silent_s)
        now_s += silent_s
        if choice.wanted == protocol or not choice.may_switch(now_s):
            choice.let_in(protocol)  # its answer came first
            break
        connections += 1
        choice.started(choice.wanted, now_s)
    assert connections <= 5
    for _ in range(1000):
        choice.silent(protocol, 0.0)
        now_s += 0.05
        assert choice.wanted == protocol


def test_an_answer_that_comes_when_another_was_wanted_already_counts() -> None:
    choice = auto()
    choice.silent("5", PATIENCE_S)
    choice.let_in("5")
    assert choice.wanted == "5"


def test_patience_has_an_end_and_begins_anew_with_each_broker() -> None:
    choice = auto()
    for _ in range(20):
        choice.silent(choice.wanted, MOST_PATIENCE_S)
        choice.started(choice.wanted, 0.0)
    wanted = choice.wanted
    choice.silent(wanted, MOST_PATIENCE_S - 0.1)
    assert choice.wanted == wanted
    choice.let_in(wanted)
    choice.silent(wanted, PATIENCE_S)
    assert choice.wanted != wanted


def test_the_broker_that_comes_back_is_asked_with_5_first() -> None:
    choice = auto()
    choice.refused("5")
    choice.started("3.1.1", 0.0)
    choice.let_in("3.1.1")
    choice.lost()
    assert (choice.wanted, choice.may_switch(0.0)) == ("5", True)


@pytest.mark.parametrize("configured", ["5", "3.1.1"])
def test_what_the_configuration_says_is_spoken_whatever_happens(configured: str) -> None:
    choice = Choice(configured, secure=False)
    choice.started(configured, 0.0)
    choice.refused(configured)
    choice.hung_up(configured)
    choice.silent(configured, 3600.0)
    choice.lost()
    assert choice.wanted == configured
