"""Exact separability against the linear programs of SciPy (HiGHS), on 1,002 random pairs of clouds."""

import json
import subprocess

import numpy as np
import pytest
from scipy.optimize import linprog


def touching_clouds(rng, n, m, d):
    """Hulls that share exactly one point: a corner of b lies inside a face of a."""
    a = rng.standard_normal((n, d))
    a[:, 0] = -np.abs(a[:, 0])
    face = min(n, d)
    a[:face, 0] = 0
    b = rng.standard_normal((m, d))
    b[:, 0] = np.abs(b[:, 0]) + 0.01
    b[0] = rng.dirichlet(np.ones(face)) @ a[:face]
    return a, b


def make_case(rng, kind):
    d = int(rng.integers(1, 31))
    n, m = (int(k) for k in rng.integers(1, 61, size=2))
    a, b = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    if kind == "shifted":  # from clearly overlapping to clearly separable
        b += rng.uniform(0, 3) * rng.standard_normal(d)
    elif kind == "barely":  # a gap of 1e-3 to 1e-8 of the scale
        a[:, 0], b[:, 0] = -np.abs(a[:, 0]), np.abs(b[:, 0]) + 10.0 ** rng.uniform(-8, -3)
        a[0, 0] = 0
        turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
        a, b = a @ turn, b @ turn
    elif kind == "touching":
        a, b = touching_clouds(rng, n, m, d)
    elif kind == "lattice":  # duplicates, collinear points, shared points
        a, b = rng.integers(-2, 3, (n, d)) * 1.0, rng.integers(-2, 3, (m, d)) * 1.0
    elif kind == "flat":  # both in a subspace of one or two dimensions
        basis = rng.standard_normal((int(rng.integers(1, 3)), d))
        shift = rng.uniform(0, 4)
        a = rng.standard_normal((n, len(basis))) @ basis
        b = (rng.standard_normal((m, len(basis))) + shift) @ basis
    scale = 10.0 ** rng.uniform(-6, 6)
    return a * scale, b * scale


def gap(a, b):
    """The largest t such that plane.p - offset >= t on a, <= -t on b with |plane_j| <= 1."""
    d = a.shape[1]
    rows = [np.hstack([-a, np.ones((len(a), 1)), np.ones((len(a), 1))]),
            np.hstack([b, -np.ones((len(b), 1)), np.ones((len(b), 1))])]
    found = linprog(np.r_[np.zeros(d + 1), -1], A_ub=np.vstack(rows), b_ub=np.zeros(len(a) + len(b)),
                    bounds=[(-1, 1)] * d + [(None, None), (None, 1)], method="highs",
                    options={"primal_feasibility_tolerance": 1e-10,
                             "dual_feasibility_tolerance": 1e-10})
    assert found.status == 0, found.message
    return -found.fun


KINDS = ["plain", "shifted", "barely", "touching", "lattice", "flat"]


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(20260301)
    return [(kind, *make_case(rng, kind)) for kind in KINDS for _ in range(167)]


@pytest.fixture(scope="module")
def verdicts(binary, cases):
    text = json.dumps({"cases": [{"a": a.tolist(), "b": b.tolist()} for _, a, b in cases]})
    run = subprocess.run([binary.parent / "separability_cases"], input=text, text=True, check=True,
                         capture_output=True)
    return json.loads(run.stdout)


def test_verdicts_agree_with_linear_programs(cases, verdicts):
    assert len(verdicts) == len(cases) == 1002
    seen = set()
    for (kind, a, b), found in zip(cases, verdicts):
        mean = np.vstack([a, b]).mean(axis=0)
        radius = found["radius"] or 1.0
        largest = gap((a - mean) / radius, (b - mean) / radius)
        assert found["verdict"] != "undecided", kind
        seen.add((kind, found["verdict"]))
        # HiGHS is good to about 1e-9: closer cases are left to the certificates below.
        if largest > 1e-8:
            assert found["verdict"] == "separable", (kind, largest)
        if kind in ("plain", "shifted", "lattice") and largest < 1e-9:
            assert found["verdict"] == "overlapping", (kind, largest)
    assert {verdict for _, verdict in seen} == {"separable", "overlapping"}
    assert ("barely", "overlapping") not in seen
    assert ("touching", "separable") not in seen


def test_every_verdict_carries_its_proof(cases, verdicts):
    for (kind, a, b), found in zip(cases, verdicts):
        mean = np.vstack([a, b]).mean(axis=0)
        tolerance = 1e-10 * found["radius"]
        rounding = 1e-14 * found["radius"]
        if found["verdict"] == "separable":
            plane = np.array(found["plane"])
            assert abs(np.linalg.norm(plane) - 1) < 1e-12
            between = ((a - mean) @ plane).min() - ((b - mean) @ plane).max()
            assert between > tolerance - rounding, kind
        else:
            support, weight = np.array(found["support"]), np.array(found["weight"])
            assert (weight >= 0).all()
            first = support < len(a)
            for side in (first, ~first):
                assert abs(weight[side].sum() - 1) < 1e-12
            difference = (weight[first] @ (a - mean)[support[first]]
                          - weight[~first] @ (b - mean)[support[~first] - len(a)])
            assert np.linalg.norm(difference) <= tolerance + rounding, kind
