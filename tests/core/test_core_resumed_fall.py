"""An alarm that an earlier run of the guard left open must neither hide the next fall nor stay for ever."""

from core_scenes import Wearer

from firmware.core.messages import Hazard, Resume, Severity, WalkState


def resumed(severity: Severity, age_s: float = 3700.0) -> Wearer:
    wearer = Wearer()
    wearer.send(Resume(wearer.t_ns, False, Hazard.FALL, severity, age_s))
    return wearer


def test_who_stands_upright_ends_an_old_alarm_and_gets_ready() -> None:
    wearer = resumed(Severity.LONG_LIE)
    wearer.stand(15)
    assert wearer.severities(Hazard.FALL) == [Severity.LONG_LIE, Severity.RECOVERED]
    assert wearer.pipeline._course.state is WalkState.READY


def test_who_falls_again_is_a_new_alarm() -> None:
    wearer = resumed(Severity.CONFIRMED, age_s=100.0)
    wearer.stand(4).walk(4).fall(lies_s=33)
    alerts = wearer.alerts(Hazard.FALL)
    assert [alert.severity for alert in alerts] == [
        Severity.CONFIRMED,
        Severity.RECOVERED,
        Severity.SUSPECTED,
        Severity.CONFIRMED,
    ]
    assert alerts[2].alarm == alerts[3].alarm != alerts[0].alarm


def test_who_lies_on_is_never_taken_for_standing() -> None:
    wearer = resumed(Severity.CONFIRMED, age_s=100.0)
    wearer.live(60, pitch_deg=lambda _: -88.0)
    assert Severity.RECOVERED not in wearer.severities(Hazard.FALL)
