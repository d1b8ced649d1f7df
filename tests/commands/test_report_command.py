"""The report: one page that stands alone, says what is not known, and shows the weeks that were missed."""

import json
import math
import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from support.records import record
from support.walk_device import Device

from firmware import walks
from firmware.commands import records as looked_up
from firmware.core.plan import PlanConfig
from firmware.reports import charts, norms, weeks
from firmware.reports.charts import COLOURS


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(looked_up, "SYNCED_MARK", tmp_path)
    return Device(tmp_path, capsys)


def eight_weeks() -> list[walks.Record]:
    return [replace(one, simulated=False) for one in weeks.simulated(PlanConfig(), weeks.ups_and_downs)]


class Page(HTMLParser):
    """What a page refers to, names and shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ids, self.references, self.open = list[str](), list[str](), list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "link", "img", "path", "use", "rect", "line"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "data", "action"):
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag, f"{tag} closes {self.open[-3:]}"


def reported(device: Device, tmp_path: Path, *arguments: str) -> str:
    path = tmp_path / "page.html"
    code, out, err = device("report", "--out", str(path), *arguments)
    assert (code, out.partition(":")[0].strip(), err) == (0, f"wrote {path}", "")
    return path.read_text()


def test_a_report_stands_alone_and_fetches_nothing(device: Device, tmp_path: Path) -> None:
    text = reported(device, tmp_path, "--simulated")
    page = Page(text)
    assert page.open == []
    assert all(reference.startswith("#") for reference in page.references)
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "url(" not in text.replace("url(#", "")
    assert page.tags.count("svg") == 10


def test_a_report_says_from_when_the_backward_test_is_timed(device: Device, tmp_path: Path) -> None:
    words = "from her first movement, not from the word “go”"
    assert words in reported(device, tmp_path, "--simulated")
    assert words not in reported(device, tmp_path), "there is no test to explain"


def test_a_report_follows_the_readers_light_or_dark_screen_and_prints(device: Device, tmp_path: Path) -> None:
    text = reported(device, tmp_path, "--simulated")
    drawn = text[text.index("<main>") :]
    for word, colour in COLOURS.items():
        assert drawn.count(colour) == drawn.count(f"var(--{word}, {colour})") > 0
        assert text.count(f"--{word}: ") == 3  # light, dark, print
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_a_report_tells_the_walk_the_weeks_the_norms_and_their_sources(device: Device, tmp_path: Path) -> None:
    device.walked(*eight_weeks())
    text = reported(device, tmp_path)
    for said in ("401 m ± 48 m", "0.63 m/s", "6.0 ± 2.0 deg (Lee 2014)", "6.7 ± 2.2 deg (Lee 2014)", "0.91 times"):
        assert said in text
    for source in ("Fritz 2013", "Polo-Ferrero 2025", "Kapan 2025", "Lee 2014", "never a diagnosis"):
        assert source in text
    assert "The walk of 2026-02-27" in text
    assert "Simulated" not in text
    week = "2026-02-23", "3", "30", "0.63", "0.98", "6.4", "7.2", "1.7"
    assert "".join(f"<td>{cell}</td>" for cell in week) in text


def test_any_walk_can_be_reported_and_an_unknown_one_is_refused(device: Device, tmp_path: Path) -> None:
    device.walked(*eight_weeks())
    assert "The walk of 2026-01-07" in reported(device, tmp_path, "--walk", "3")
    assert "The walk of 2026-01-07" in reported(device, tmp_path, "--walk", eight_weeks()[2].id)
    for wrong in ("2", "99", "x"):  # the second is a test
        code, _, err = device("report", "--walk", wrong)
        assert (code, f"--walk {wrong}: no such walk" in err) == (2, True)


def test_a_device_without_walks_has_a_report_that_says_so(device: Device, tmp_path: Path) -> None:
    text = reported(device, tmp_path)
    assert "No walk is kept yet." in text
    assert "5 minutes" in text
    assert not {"svg", "table"} & set(Page(text).tags), "nothing empty is drawn"
    out = device("report", "--out", str(tmp_path / "page.html"))[1]
    assert out.endswith(": no walk is kept yet, so it tells only the plan\n")


def test_a_week_without_a_walk_is_seen_in_the_table_and_in_every_chart_of_the_weeks(
    device: Device, tmp_path: Path
) -> None:
    device.walked(*eight_weeks())
    text = reported(device, tmp_path)
    assert f"<td>2026-02-02</td><td>0</td><td>0</td>{'<td></td>' * 5}" in text
    drawn = [figure for figure in text.split("<figure")[1:] if "backward walk test" not in figure.split("</b>")[0]]
    assert len(drawn) == 9
    assert all("1 week without a walk" in figure for figure in drawn)


def test_months_without_a_walk_are_one_row_and_a_gap_that_leaves_room(device: Device, tmp_path: Path) -> None:
    device.walked(record(1, date="2025-01-06"), record(2, date="2026-01-05"))
    text = reported(device, tmp_path)
    assert "<td>2025-01-13 to 2025-12-29</td><td>0</td>" in text
    assert "51 weeks without a walk" in text


@pytest.mark.parametrize(
    ("dates", "at"),
    [
        (("2026-01-05", "2026-01-11", "2026-01-12"), [0, 1, 2]),  # Monday, Sunday, Monday
        (("2026-01-11", "2026-01-19"), [0, 2]),
        (("2026-01-05", "2026-03-30"), [0, 1 + charts.MOST_GAP]),
        (("2026-03-30", "2026-01-05"), [0, 1]),  # a clock that was put back
        ((), []),
    ],
)
def test_every_week_without_a_walk_leaves_one_place_free(dates: tuple[str, ...], at: list[int]) -> None:
    assert charts.places([record(number, date=day) for number, day in enumerate(dates)]) == at


def test_a_walk_without_a_known_day_makes_no_gap() -> None:
    day_unknown = record(2, date="2026-06-01", clock="unsynced")
    assert charts.places([record(1), day_unknown, record(3, date="2026-06-01")]) == [0, 1, 2]


def test_curves_of_the_plan_differ_in_more_than_colour_and_end_where_a_week_is_missed() -> None:
    days = [0.0, 2.0, 14.0]
    figure = charts.plan_curves([(name, days, [5.0, 5.0, 6.0]) for name in "abc"])
    steps = [line for line in figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
    assert len({line.get_linestyle() for line in steps}) == 3
    xs = [float(x) for x in np.asarray(steps[0].get_xdata())]
    assert xs[:3] == pytest.approx([1.0, 1 + 2 / 7, 2.0])
    assert math.isnan(xs[3])


def test_what_is_not_known_is_said_and_never_drawn_as_nothing(device: Device, tmp_path: Path) -> None:
    unknown = dict.fromkeys(record(1).data)
    device.walked(record(1, **unknown), record(2, clock="unsynced", **unknown))
    text = reported(device, tmp_path)
    assert "the clock was not to be trusted" in text
    assert text.count("not known") > 15
    assert Page(text).tags.count("svg") == 1


def test_a_hostile_record_cannot_write_into_the_page(device: Device, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    device.walked(record(1, mode=evil), record(2, kind="backward_test", duration_s=None, reason=evil))
    assert "<script" not in reported(device, tmp_path)


def test_strange_letters_in_a_record_are_shown_as_question_marks(device: Device, tmp_path: Path) -> None:
    strange = record(1, kind="backward_test", duration_s=None, reason="\ud800\x1b[31m\x9b2J\x07").body()
    (device.state / walks.FILE).write_text(json.dumps(strange) + "\n")
    assert "void: ??[31m" in reported(device, tmp_path)


def test_a_report_that_cannot_be_written_leaves_the_older_one(device: Device, tmp_path: Path) -> None:
    code, _, err = device("report", "--out", str(tmp_path / "absent" / "page.html"))
    assert (code, "cannot be written: No such file or directory" in err) == (2, True)


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [(3.5, "up to 3.5 s"), (3.6, "3.5 to 5.5 s"), (5.5, "3.5 to 5.5 s"), (8.0, "5.5 to 8.15 s"), (9.0, "over 8.15 s")],
)
def test_a_test_is_placed_among_the_published_limits(duration_s: float, words: str) -> None:
    assert norms.band_words(duration_s) == words


def test_a_report_replaces_nothing_that_is_no_plain_file(device: Device, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "page.html")
    for place in (pipe, link, tmp_path, Path("/")):
        code, _, err = device("report", "--simulated", "--out", str(place))
        assert code == 2, place
        assert "expected the name of a plain file" in err
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_a_number_that_no_walk_can_have_costs_itself_alone(device: Device) -> None:
    device.walked(record(1))
    path = device.state / walks.FILE
    line = path.read_text().strip()
    path.write_text(line + "\n" + line.replace('"steps":', '"steps":1' + "0" * 400 + ',"old_steps":') + "\n")
    assert device("walks")[0] == 0
    assert device("walks", "--csv")[0] == 0
    assert device("report", "--out", str(device.state / "page.html"))[0] == 0
