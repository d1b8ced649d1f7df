"""How the tests call `rearguard authority`."""

from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]
