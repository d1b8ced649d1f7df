"""Boosted trees as plain Python: what scikit-learn has learned becomes a file of conditional expressions.

The file imports nothing; `score` gives the log-odds that `decision_function` of the model gives. One tree is one
expression, so a score costs one comparison a level and no call.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

CONSTANTS = tuple[str, float]


def data_hash(files: Iterable[Path]) -> str:
    """One short hash over the names and contents of files, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(files, key=lambda file: (file.parent.name, file.name)):
        total.update(f"{path.parent.name}/{path.name}".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def source(
    model: "HistGradientBoostingClassifier",
    names: Sequence[str],
    *,
    what: str,
    made_by: Sequence[str],
    constants: Sequence[CONSTANTS] = (),
) -> str:
    """The text of a module.

    Args:
        model: fitted, of two classes, on numbers alone that were all finite.
        names: of the features, in their order; the module keeps them as `FEATURES`.
        what: one line that says what the score means.
        made_by: lines that say which command made it, of which data, with which seed.
        constants: names and values that belong to the model, such as its limits.
    """
    trees = [stages[0].nodes for stages in model._predictors]
    used = sorted({int(node["feature_idx"]) for nodes in trees for node in nodes if not node["is_leaf"]})
    lines = [f'"""{what}', "", "Generated, not written: change the program that makes it.", *made_by, '"""', ""]
    lines += ["# fmt: off", "# ruff: noqa: E501", "", "FEATURES = (", *(f'    "{name}",' for name in names), ")"]
    lines += [f"{name} = {value!r}" for name, value in constants]
    lines += ["", "", "def score(f: tuple[float, ...]) -> float:"]
    lines += ['    """Log-odds; `f` holds `FEATURES` in their order, all of them finite."""']
    lines += [f"    x{index} = f[{index}]" for index in used]
    lines += [f"    s = {float(model._baseline_prediction.ravel()[0])!r}"]
    lines += [f"    s += {_expression(nodes, 0)}" for nodes in trees]
    lines += ["    return s", ""]
    return "\n".join(lines)


def _expression(nodes: Any, index: int) -> str:
    node = nodes[index]
    if node["is_leaf"]:
        return f"{float(node['value']):.12g}"
    low, high = _expression(nodes, int(node["left"])), _expression(nodes, int(node["right"]))
    if "if" in low:
        low = f"({low})"
    return f"{low} if x{int(node['feature_idx'])} <= {float(node['num_threshold'])!r} else {_wrapped(high)}"


def _wrapped(expression: str) -> str:
    return f"({expression})" if "if" in expression else expression
