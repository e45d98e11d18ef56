"""What the probes find, against references: scikit-learn for logistic regression and the online code built
on it, and for the probes of trees their losses, predictions and scores in NumPy and SciPy."""
import json
import subprocess
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

CLASSES = 4


@pytest.fixture(scope="module")
def probe(binary):
    """Runs tests/tools/probe_cases."""

    def run(**cases):
        text = json.dumps(cases, default=lambda value: value.tolist())
        return json.loads(subprocess.run([binary.parent / "probe_cases"], input=text, check=True,
                                         capture_output=True, text=True).stdout)

    return run


def labelled(rng, rows, columns, pull):
    y = rng.integers(0, CLASSES, rows)
    x = rng.standard_normal((rows, columns))
    x[np.arange(rows), y] += pull
    return x, y


def fitted(x, y, l2):
    """scikit-learn minimises the sum of losses over C plus half the squared weights. Of two classes it has the
    difference of their weights alone, whose square is twice the sum of both squares."""
    strength = l2 / 2 if len(set(y)) == 2 else l2
    return LogisticRegression(C=1 / (len(y) * strength), tol=1e-10, max_iter=10_000).fit(x, y)


@pytest.mark.parametrize("rows, columns, pull, l2", [(300, 20, 1.0, 1e-2), (500, 40, 0.3, 1e-1),
                                                     (200, 60, 2.0, 1e-3), (120, 100, 1.0, 1e-4)])
def test_logistic_regression_is_at_its_optimum(probe, rows, columns, pull, l2):
    x, y = labelled(np.random.default_rng(columns), rows, columns, pull)
    found = probe(linear={"x": x, "y": y, "classes": CLASSES, "l2": l2})["linear"]
    fit = fitted(x, y, l2)
    objective = l2 / 2 * np.sum(fit.coef_**2) - np.mean(fit.predict_log_proba(x)[np.arange(rows), y])
    assert found["converged"]
    assert found["objective"] == pytest.approx(objective, abs=1e-6)


def test_description_length(probe):
    """Voita and Titov's online code; a portion that has seen one class alone knows no other."""
    l2, rows = 1e-2, 640
    x, y = labelled(np.random.default_rng(5), rows, 10, 1.5)
    found = probe(code={"x": x, "y": y, "classes": CLASSES, "l2": [l2], "seed": 3})["code"]
    order = np.array(found["order"])
    assert sorted(order) == list(range(rows))
    x, y = ((x - x.mean(0)) / x.std(0))[order], y[order]
    ends = sorted({rows * share // 10_000 for share in (10, 20, 40, 80, 160, 320, 625, 1250, 2500, 5000, 10_000)})
    ends = [end for end in ends if end > 0]
    bits = ends[0] * np.log2(CLASSES)
    for known, end in zip(ends, ends[1:]):
        p = np.zeros((end - known, CLASSES))
        if len(set(y[:known])) == 1:
            p[:, y[0]] = 1
        else:
            fit = fitted(x[:known], y[:known], l2)
            p[:, fit.classes_] = fit.predict_proba(x[known:end])
        p = (known * p + 1 / CLASSES) / (known + 1)
        bits -= np.log2(p[np.arange(end - known), y[known:end]]).sum()
    assert found["bits"] == pytest.approx(bits, abs=1e-3)
    assert bits < rows * np.log2(CLASSES)


LABELS, UNARY, EDGES = 4, 3, 12


def grown(rng, leaves):
    """A binary tree as heights, labels, unary labels and distances of leaves, and vectors in which it lies:
    which edges lead to a leaf, by their label, turned and disturbed."""
    spans, paths = [(0, leaves)], np.zeros((leaves, EDGES))
    heights, labels = np.zeros(leaves - 1, int), np.zeros(leaves - 1, int)
    distances = np.zeros((leaves, leaves))
    order = []
    while spans:
        first, end = spans.pop()
        if end - first == 1:
            continue
        at = int(rng.integers(first + 1, end))
        order.append((first, at, end))
        label = int(rng.integers(LABELS))
        labels[at - 1] = label
        paths[first:at, label] += 1
        paths[at:end, LABELS + label] += 1
        for side in (slice(first, at), slice(at, end)):
            other = slice(at, end) if side.start == first else slice(first, at)
            distances[side, other] += 2
        distances[first:end, first:end] += 1 - np.eye(end - first)
        spans += [(first, at), (at, end)]
    tops = np.zeros(leaves, int)
    for first, at, end in reversed(order):
        heights[at - 1] = tops[first:end].max() + 1
        tops[first:end] = heights[at - 1]
    unary = rng.integers(UNARY, size=leaves)
    paths[np.arange(leaves), 2 * LABELS + unary] += 1
    return {"x": paths + 0.05 * rng.standard_normal(paths.shape), "distances": distances,
            "heights": heights, "labels": labels, "unary": unary}


@pytest.fixture(scope="module")
def trees():
    rng = np.random.default_rng(11)
    return {part: [grown(rng, int(rng.integers(5, 14))) for _ in range(count)]
            for part, count in (("train", 120), ("validation", 30), ("test", 20))}


def squared_distances(b, x):
    z = np.float64(x) @ b.T
    return ((z[:, None] - z[None, :]) ** 2).sum(2)


def test_structural_probe(probe, trees):
    found = probe(structural={"rank": 6, **trees})["structural"]
    b = np.array(found["projection"])

    def loss(b, part):
        return np.mean([np.abs(squared_distances(b, t["x"]) - t["distances"]).mean() for t in trees[part]])

    assert found["validation_loss"] == pytest.approx(loss(b, "validation"), rel=1e-5)
    for value, tree in zip(found["values"], trees["test"]):
        guess = squared_distances(b, tree["x"])
        others = ~np.eye(len(guess), dtype=bool)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a leaf as far from all others
            rows = [spearmanr(np.float32(guess[i])[others[i]], tree["distances"][i][others[i]]).statistic
                    for i in range(len(guess))]
        assert value == pytest.approx(np.nan_to_num(rows).mean(), abs=1e-5)

    # Another optimiser from another start: what it reaches on the same training functions.
    def objective(flat):
        b, total, gradient = flat.reshape(6, EDGES), 0.0, np.zeros((6, EDGES))
        for tree in trees["train"]:
            x = tree["x"]
            off = squared_distances(b, x) - tree["distances"]
            sign = np.sign(off) / off.size
            total += np.abs(off).mean()
            gradient += 4 * b @ x.T @ (np.diag(sign.sum(1)) - sign) @ x
        return total / len(trees["train"]), gradient.ravel() / len(trees["train"])

    other = minimize(objective, np.random.default_rng(1).normal(size=6 * EDGES) * 0.3, jac=True,
                     method="L-BFGS-B", options={"maxiter": 500})
    assert loss(b, "validation") <= 1.05 * loss(other.x.reshape(6, EDGES), "validation")


def test_ast_probe(probe, trees):
    found = probe(ast={"rank": 8, "labels": LABELS, "unary": UNARY, **trees})["ast"]
    b, c, u = (np.array(found[name]) for name in ("projection", "labels", "unary"))

    def scores(tree):
        z = tree["x"] @ b.T
        step = np.diff(z, axis=0)
        return (step**2).sum(1), step @ c.T, z @ u.T

    def cross_entropy(scores, target):
        return -log_softmax(scores, axis=1)[np.arange(len(target)), target].mean()

    def loss(tree):
        heights, labels, unary = scores(tree)
        pairs = [max(0, 1 - (heights[i] - heights[j])) for i in range(len(heights)) for j in range(len(heights))
                 if tree["heights"][i] > tree["heights"][j]]
        return (np.mean(pairs) if pairs else 0) + cross_entropy(labels, tree["labels"]) + cross_entropy(
            unary, tree["unary"])

    assert found["validation_loss"] == pytest.approx(np.mean([loss(tree) for tree in trees["validation"]]), rel=1e-4)
    right = []
    for said, tree in zip(found["predicted"], trees["test"]):
        heights, labels, unary = scores(tree)
        np.testing.assert_allclose(said["heights"], heights, rtol=1e-3, atol=1e-4)
        assert said["labels"] == labels.argmax(1).tolist() and said["unary"] == unary.argmax(1).tolist()
        right += (unary.argmax(1) == tree["unary"]).tolist()
    assert np.mean(right) > 0.9  # the unary label lies in the vectors plainly
    assert np.abs(b @ b.T - np.eye(8)).max() < 0.5
