"""What the therapist says from afar is judged, kept and answered."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware import remote_settings
from firmware.config import Config
from firmware.core.messages import Value
from firmware.core.plan import PlanConfig
from firmware.guard.settings_keeper import SettingsKeeper
from firmware.ipc import RemoteSettings
from firmware.remote_settings import FILE, Kept


class Desk:
    def __init__(self, folder: Path) -> None:
        self.answers: list[tuple[str, dict[str, Value]]] = []
        self.plans: list[PlanConfig] = []
        config = replace(Config(), paths=replace(Config().paths, state_dir=folder))
        self._keeper = SettingsKeeper(config, lambda *answer: self.answers.append(answer), self.plans.append, print)

    def says(self, **values: Any) -> None:
        named = {name.replace("__", "."): value for name, value in values.items()}
        self._keeper.background.put(RemoteSettings("Dr. Gómez", named))
        self._keeper.background.turn()


def test_a_setting_is_kept_answered_and_the_plan_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.says(plan__fixed_min=12)
    assert remote_settings.read(tmp_path) == Kept("Dr. Gómez", {"plan.fixed_min": 12})
    assert desk.answers == [("applied", {"by": "Dr. Gómez", "plan.fixed_min": 12})]
    assert [plan.fixed_min for plan in desk.plans] == [12.0]


def test_settings_add_up_and_are_taken_back_also_by_the_next_run(tmp_path: Path) -> None:
    Desk(tmp_path).says(plan__fixed_min=12, lean__enabled=False)
    Desk(tmp_path).says(plan__fixed_min=None)
    assert remote_settings.read(tmp_path).values == {"lean.enabled": False}


@pytest.mark.parametrize(
    "values",
    [{"plan__cap_min": 31}, {"fall__countdown_s": 60}, {"sounder__volume": 0.1}, {"lean__enabled": 3}, {"x": 1}],
)
def test_what_is_refused_changes_nothing_not_even_what_was_said_with_it(tmp_path: Path, values: dict[str, Any]) -> None:
    desk = Desk(tmp_path)
    desk.says(**values, plan__start_min=6)
    ((phase, data),) = desk.answers
    assert phase == "refused"
    assert data["reason"]
    assert not (tmp_path / FILE).exists()
    assert desk.plans == []


def test_a_disk_that_takes_nothing_is_an_answer_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "away")
    desk.says(plan__start_min=6)
    assert desk.answers[0][0] == "refused"
    assert "No such file" in str(desk.answers[0][1]["reason"])


def test_a_damaged_file_is_replaced_by_what_is_said_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    Desk(tmp_path).says(plan__start_min=6)
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["values"] == {"plan.start_min": 6}
