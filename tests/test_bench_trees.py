"""Trees as plain Python give what scikit-learn gives."""

import pytest

np = pytest.importorskip("numpy")
ensemble = pytest.importorskip("sklearn.ensemble")

from bench._trees import source  # noqa: E402


# joblib asks the machine for its physical cores, and says so where a machine does not tell.
@pytest.mark.filterwarnings("ignore:Could not find the number of physical cores")
def test_the_generated_file_scores_as_the_model_does() -> None:
    dice = np.random.default_rng(1)
    x = dice.normal(size=(3000, 12))
    y = x[:, 0] * x[:, 1] + x[:, 2] > 0.2
    model = ensemble.HistGradientBoostingClassifier(max_iter=30, max_depth=4, early_stopping=False, random_state=1)
    model.fit(x, y)
    names = [f"feature_{index}" for index in range(12)]
    text = source(model, names, what="A test.", made_by=["By: a test"], constants=[("LIMIT", 0.5)])
    module: dict[str, object] = {}
    exec(compile(text, "generated", "exec"), module)
    assert "import" not in text
    assert module["FEATURES"] == tuple(names)
    assert module["LIMIT"] == 0.5
    score = module["score"]
    assert callable(score)
    fresh = dice.normal(size=(500, 12)) * 2
    ours = [score(tuple(map(float, row))) for row in fresh]
    assert ours == pytest.approx(list(model.decision_function(fresh)), abs=1e-9)
