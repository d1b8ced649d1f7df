"""Who may import whom: the rules that keep the core pure, the guard small and the warning independent of the network.

Each rule is a function of one module and one of its imports, so that deliberate violations can be shown to be caught.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("firmware", "hal", "caregiver", "bench")

CORE_STDLIB = {"bisect", "collections", "dataclasses", "enum", "functools", "itertools", "math", "statistics", "typing"}
# From what decides last to what everybody may know. A module may import those below its own line.
CORE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("pipeline",),
    ("telemetry",),
    ("course",),
    ("guidance",),
    ("balance", "behind", "falling", "wearing"),
    ("moving",),
    ("config",),
    ("arbiter", "backward_test", "budget", "plan", "walk"),
    ("alerts", "tally"),
    ("detectors", "estimators", "walk_so_far"),
    ("messages", "models"),
)
# Packages from outside, and the only places that may know them.
HOMES = {
    "smbus2": ("hal.i2c",),
    "gpiozero": ("hal.pins", "hal.sim.pins", "bench"),  # a bench measures its DistanceSensor beside ours
    "lgpio": ("hal.pins",),
    "RPi": ("hal.pins",),
    "paho": ("firmware.link", "caregiver", "bench"),
    "mcap": ("firmware.recording",),
    "zstandard": ("firmware.recording",),
    "numpy": ("hal.sim.world.recorded", "firmware.evaluation", "firmware.reports.gait", "bench"),
    "skdh": ("firmware.reports.gait",),
    "matplotlib": ("firmware.evaluation", "firmware.reports", "bench"),
    "sklearn": ("bench",),
    "imufusion": ("bench",),
    "vqf": ("bench",),
    "rich": ("firmware.commands",),
    "amqtt": ("caregiver.broker",),
    "cryptography": ("firmware.pairing",),
}
PROCESSES = ("firmware.guard", "firmware.sounder", "firmware.link")
BUILDERS = ("firmware.cli", "firmware.commands", "firmware.virtual")
BUILT = ("hal.sim", "firmware.commands", "firmware.virtual", "firmware.cli")
NOT_IN_THE_GUARD = {
    "paho",
    "numpy",
    "matplotlib",
    "sklearn",
    "skdh",
    "rich",
    "mcap",
    "amqtt",
    "zstandard",
    "starlette",
    "uvicorn",
    "http",
    "asyncio",
    "ssl",
    "cryptography",
}


@dataclass(frozen=True, slots=True)
class Import:
    """`module` imports `name`; `lazy` when only a function does, or only the type checker."""

    module: str
    name: str
    lazy: bool = False


def inside(name: str, package: str | tuple[str, ...]) -> bool:
    packages = (package,) if isinstance(package, str) else package
    return any(name == p or name.startswith(f"{p}.") for p in packages)


def imports_of(module: str, source: str) -> list[Import]:
    """Every import of a module. `from hal import clock` counts as hal.clock, a relative import as "."."""
    found: list[Import] = []

    def visit(node: ast.AST, lazy: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(module, alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." if node.level else node.module or ""
            found.extend(Import(module, _target(base, alias.name), lazy) for alias in node.names)
        inner = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_types_only(node)
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(ast.parse(source), False)
    return found


def _target(base: str, name: str) -> str:
    """What `from base import name` loads: the module base.name where there is one, otherwise base."""
    path = ROOT.joinpath(*base.split("."), name)
    return f"{base}.{name}" if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() else base


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def complaints(found: Import) -> Iterator[str]:
    """Every rule that this import breaks."""
    module, name = found.module, found.name
    if name == ".":
        yield "imports are absolute"
    if inside(module, "hal") and inside(name, ("firmware", "caregiver")):
        yield "hal knows nothing of the firmware"
    if inside(module, "hal") and not inside(module, "hal.sim") and inside(name, "hal.sim"):
        yield "drivers know nothing of their simulation"
    if module == "hal.samples" and name not in ("dataclasses", "typing"):
        yield "samples are plain values"
    if inside(module, "caregiver") and inside(name, ("hal", "firmware.guard", "firmware.sounder", "firmware.journal")):
        yield "the caregiver's side knows only what comes over MQTT"
    if inside(module, "firmware.core"):
        yield from _core_complaints(module, name)
    for process in PROCESSES:
        if inside(module, process) and any(inside(name, other) for other in PROCESSES if other != process):
            yield "guard, sounder and link do not import each other"
    if (
        inside(module, "firmware")
        and not inside(module, BUILDERS)
        and module != "firmware.__main__"
        and inside(name, BUILT)
    ):
        yield "only the commands build things"
    for package, homes in HOMES.items():
        if inside(name, package) and not inside(module, homes):
            yield f"{package} is known only in {', '.join(homes)}"
    if inside(module, "firmware.recording") and inside(name, ("mcap", "zstandard")) and not found.lazy:
        yield "mcap is loaded only when something is recorded or read"


def _core_complaints(module: str, name: str) -> Iterator[str]:
    if name.partition(".")[0] in CORE_STDLIB or name == "hal.samples":
        return
    if not inside(name, "firmware.core"):
        yield "the core touches nothing"
        return
    here, there = _layer(module), _layer(name)
    if here is None or there is None:
        yield "every module of the core has its place in CORE_LAYERS"
    elif there < here:
        yield "the core flows one way"
    elif there == here and _stage(module) != "messages":
        yield "siblings in the core do not know each other"


def _stage(module: str) -> str:
    return module.split(".")[2] if module.count(".") >= 2 else ""


def _layer(module: str) -> int | None:
    return next((i for i, stages in enumerate(CORE_LAYERS) if _stage(module) in stages), None)


def modules() -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def all_imports() -> list[Import]:
    return [found for module, path in modules().items() for found in imports_of(module, path.read_text())]


def closure(starts: Iterable[str], *, lazy: bool) -> set[str]:
    """Everything that is loaded with these modules, names from outside the project included."""
    known = modules()
    loaded: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name in loaded:
            continue
        loaded.add(name)
        if name in known:
            found = imports_of(name, known[name].read_text())
            waiting += [item.name for item in found if lazy or not item.lazy]
    return loaded


def test_every_import_keeps_the_rules() -> None:
    broken = [f"{i.module} imports {i.name}: {rule}" for i in all_imports() for rule in complaints(i)]
    assert not broken, "\n".join(broken)


def test_the_rules_look_at_the_whole_tree() -> None:
    seen = {found.module for found in all_imports()}
    for module in (
        "hal.hcsr04",
        "hal.sim.pins",
        "firmware.core.pipeline",
        "firmware.core.detectors.fall",
        "firmware.cli",
    ):
        assert module in seen


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("hal.hcsr04", "import firmware.errors", "hal knows nothing"),
        ("hal.hcsr04", "from hal.sim.clock import SimClock", "drivers know nothing"),
        ("hal.hcsr04", "from hal import sim", "drivers know nothing"),
        ("hal.samples", "import math", "plain values"),
        ("hal.button", "def f():\n    import gpiozero.pins.lgpio", "gpiozero is known only"),
        ("hal.imu.mpu6050", "import smbus2", "smbus2 is known only"),
        ("firmware.core.pipeline", "import time", "touches nothing"),
        ("firmware.core.walk", "def f():\n    import random", "touches nothing"),
        ("firmware.core.walk", "from firmware.errors import ConfigError", "touches nothing"),
        ("firmware.core.walk", "from hal.clock import Clock", "touches nothing"),
        ("firmware.core.detectors.fall", "from firmware.core.detectors.sway import SwayConfig", "siblings"),
        ("firmware.core.detectors.fall", "from firmware.core.estimators.steps import Steps", "siblings"),
        ("firmware.core.detectors.fall", "from firmware.core.alerts import RULES", "one way"),
        ("firmware.core.messages", "from firmware.core.walk import Walk", "one way"),
        ("firmware.core.models.fall_later", "from firmware.core.detectors.fall import FallConfig", "one way"),
        ("firmware.core.surprise", "from firmware.core.messages import Tick", "its place"),
        ("firmware.guard.loop", "from firmware.link.outbox import Outbox", "do not import each other"),
        ("firmware.link.link", "import firmware.guard.loop", "do not import each other"),
        ("firmware.guard.loop", "from hal.sim.board import SimBoard", "only the commands build"),
        ("firmware.guard.loop", "import paho.mqtt.client", "paho is known only"),
        ("firmware.commands.replay", "def f():\n    from mcap.reader import make_reader", "mcap is known only"),
        ("firmware.core.walk", "from firmware.evaluation.scoring import wilson", "touches nothing"),
        ("firmware.commands.evaluate", "def f():\n    import numpy", "numpy is known only"),
        ("firmware.evaluation.stream", "from sklearn.ensemble import RandomForestClassifier", "sklearn is known only"),
        ("firmware.recording", "from mcap.writer import Writer", "only when something is recorded"),
        ("firmware.guard.loop", "from . import readers", "absolute"),
        ("caregiver.watch", "from hal.samples import PARTS", "only what comes over MQTT"),
    ],
)
def test_a_deliberate_violation_is_caught(module: str, source: str, rule: str) -> None:
    assert any(rule in complaint for found in imports_of(module, source) for complaint in complaints(found))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("firmware.core.pipeline", "from firmware.core.detectors.fall import FallDetector\nimport math"),
        ("firmware.core.arbiter", "from firmware.core.alerts import RULES"),
        (
            "firmware.core.detectors.fall",
            "from firmware.core.messages import Detection\nfrom hal.samples import Vector",
        ),
        ("firmware.recording", "def f():\n    from mcap.writer import Writer"),
        ("firmware.commands.run", "from hal.sim.board import SimBoard"),
        ("hal.sim.board", "from hal.hcsr04 import HcSr04"),
    ],
)
def test_what_is_allowed_is_not_complained_of(module: str, source: str) -> None:
    assert [list(complaints(found)) for found in imports_of(module, source)] == [[] for _ in imports_of(module, source)]


def test_the_guard_loads_no_network_no_numbers_library_and_no_screen() -> None:
    starts = [name for name in modules() if inside(name, "firmware.guard")] + ["firmware.commands.guard_process"]
    loaded = {name.partition(".")[0] for name in closure(starts, lazy=False)}
    assert "hal" in loaded
    assert not loaded & NOT_IN_THE_GUARD


def test_the_guard_loads_nothing_of_the_kind_later_either_but_the_recorder() -> None:
    starts = [name for name in modules() if inside(name, "firmware.guard")] + ["firmware.commands.guard_process"]
    loaded = {name.partition(".")[0] for name in closure(starts, lazy=True)}
    assert loaded & NOT_IN_THE_GUARD <= {"mcap", "zstandard"}


def test_neither_the_link_nor_the_sounder_loads_what_makes_certificates() -> None:
    starts = [name for name in modules() if inside(name, ("firmware.link", "firmware.sounder"))]
    loaded = closure([*starts, "firmware.commands.link_process", "firmware.commands.sounder_process"], lazy=True)
    assert "firmware.pairing.bundle" in loaded
    assert not any(inside(name, "cryptography") for name in loaded)


def test_a_hidden_way_to_the_network_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from b import x")
    (tmp_path / "b.py").write_text("import paho.mqtt.client")
    monkeypatch.setitem(globals(), "modules", lambda: {"a": tmp_path / "a.py", "b": tmp_path / "b.py"})
    assert "paho.mqtt.client" in closure(["a"], lazy=False)


def test_the_files_that_make_packages_are_empty() -> None:
    full = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py") if path.read_text()]
    assert not full


def test_tests_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_core_loads_nothing_that_waits_or_talks() -> None:
    code = "import sys, firmware.core.pipeline; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert "firmware" in loaded
    forbidden = {"socket", "smbus2", "gpiozero", "paho", "asyncio", "subprocess", "sqlite3", "logging", "numpy", "mcap"}
    assert not loaded & (forbidden | {"selectors", "multiprocessing", "queue", "random", "json", "ssl"})
