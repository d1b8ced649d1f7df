"""Judges and keeps what the therapist sets from afar, off the loop, and answers each word with an event."""

from collections.abc import Callable, Sequence

from firmware import remote_settings
from firmware.config import Config
from firmware.core.messages import Value
from firmware.core.plan import PlanConfig
from firmware.errors import ConfigError
from firmware.guard.background import Background
from firmware.ipc import RemoteSettings
from firmware.remote_settings import NOBODY, Kept

Tell = Callable[[str, dict[str, Value]], None]


class SettingsKeeper:
    """`background.run` is its thread; under simulated time `background.turn` is called instead.

    `config` is that of the file alone. `tell` gets "applied" or "refused" and what was set by whom, `replan` the plan
    for the next walk. Everything else that was set holds from the next start on, never in the middle of a walk.
    """

    def __init__(
        self, config: Config, tell: Tell, replan: Callable[[PlanConfig], None], complain: Callable[[str], None]
    ) -> None:
        self._config, self._tell, self._replan = config, tell, replan
        self._kept: Kept | None = None
        self.background: Background[RemoteSettings] = Background(self._write, complain)

    def _write(self, items: Sequence[RemoteSettings]) -> None:
        for item in items:
            data: dict[str, Value] = {"by": item.by, **{name: _value(value) for name, value in item.values.items()}}
            try:
                plan = self._keep(item)
            except ConfigError as error:
                self._tell("refused", {**data, "reason": str(error)})
            except OSError as error:
                self._tell("refused", {**data, "reason": f"{error.filename}: {error.strerror}"})
            else:
                self._tell("applied", data)
                self._replan(plan)

    def _keep(self, word: RemoteSettings) -> PlanConfig:
        state_dir = self._config.paths.state_dir
        before = self._kept or _usable(self._config)
        kept = Kept(word.by, remote_settings.together(before.values, word.values))
        plan = remote_settings.applied(self._config, kept.values, "settings").plan
        remote_settings.keep(state_dir, kept)
        self._kept = kept
        return plan


def _usable(config: Config) -> Kept:
    """What was kept, unless it is damaged or does not go with the configuration file any more."""
    try:
        kept = remote_settings.read(config.paths.state_dir)
        remote_settings.applied(config, kept.values, remote_settings.FILE)
    except (ConfigError, OSError):
        return NOBODY
    return kept


def _value(value: object) -> Value:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
