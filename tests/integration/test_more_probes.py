"""Probes of whole trees, ridge, learning curves, other sites of the pass, checkpoints by a pattern."""
import json
import shutil
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "share/models"
FEW = ["--max-functions", "150", "--pairs-per-label", "60", "--threads", "2"]


def rows(report, part="results", **wanted):
    return [row for row in report[part] if all(row[key] == value for key, value in wanted.items())]


def test_probes_of_trees(ssmi, validated, tmp_path):
    trees = ["--probes", "structural,ast", "--layers", "0,2", "--ranks", "4,32", "--twins", "1", "--max-leaves", "100",
             "--tree-functions", "100", "--max-functions", "300", "--threads", "2"]
    shown = ssmi("probe", *trees, "--out", "r.json").stdout
    report = validated("probe", tmp_path / "r.json")
    assert "structural: Spearman's correlation" in shown and "ast: F1 over constituents" in shown
    assert report["results"] == [] and report["data"]["probed"] == 100
    assert rows(report, "trees", control="positions")[0]["checkpoint"] is None
    for probe in ("structural", "ast"):
        own = [rows(report, "trees", probe=probe, control="none", layer=2, rank=rank)[0] for rank in (4, 32)]
        for row in own:
            assert (row["train"], row["validation"], row["test"]) == (70, 10, 20)
            assert sum(length["functions"] for length in row["by_length"]) == 20
            mean = sum(length["functions"] * length["value"] for length in row["by_length"]) / 20
            assert row["value"] == pytest.approx(mean) and row["low"] <= row["value"] <= row["high"]
            assert (row["precision"] is None) == (probe == "structural")
        twin = rows(report, "trees", probe=probe, control="twin-1", layer=2, rank=32)[0]
        assert own[1]["value"] > twin["value"]

    ssmi("probe", *trees, "--out", "again.json", "--quiet")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["trees"] == report["trees"]


def test_what_trees_cannot_be_asked_of(ssmi, tmp_path):
    few = ssmi("probe", "--probes", "ast", "--max-leaves", "5", "--max-functions", "20", "--out", "r.json", expect=3)
    assert "no function of 5 to 5 leaves" in few.stderr
    (tmp_path / "vectors").mkdir()
    vectors = ssmi("probe", "--probes", "ast", "--vectors", "vectors", "--out", "r.json", expect=2)
    assert "--probes ast: is asked of trees, not of vectors" in vectors.stderr
    pairs = ssmi("probe", "--probes", "ast", "--export", "folder", "--out", "r.json", expect=2)
    assert "--export: writes pairs" in pairs.stderr
    wide = ssmi("probe", "--probes", "structural", "--ranks", "500", "--layers", "0", "--no-controls", "--max-functions",
                "60", "--out", "r.json", expect=4)
    assert "rank 500: the vectors of " in wide.stderr and "codessm-mini have 192 numbers" in wide.stderr
    assert not (tmp_path / "r.json.partial").exists()


@pytest.mark.parametrize("option", [["--tasks", "dfg"], ["--ranks", "3"], ["--resume"], ["--site", "gate"]])
def test_vectors_take_no_options_of_models(ssmi, option):
    assert "excludes --vectors" in ssmi("probe", "--vectors", "v", *option, "--out", "r.json", expect=2).stderr


def test_ridge_and_learning_curve(ssmi, validated, tmp_path):
    shown = ssmi("probe", *FEW, "--probes", "linear,ridge", "--tasks", "dfg", "--layers", "2", "--twins", "1",
                 "--learning-curve", "--out", "r.json").stdout
    report = validated("probe", tmp_path / "r.json")
    linear, ridge = (rows(report, probe=probe, control="none")[0] for probe in ("linear", "ridge"))
    assert abs(linear["accuracy"] - ridge["accuracy"]) < 0.15 and ridge["linear"] is None
    assert len(rows(report, probe="ridge", control="twin-1")) == 1
    curve = rows(report, control="fewer_pairs")
    assert [row["train"] for row in curve] == sorted(row["train"] for row in curve)
    assert len(curve) == 4  # of 60 pairs a label 1/32 is less than two
    assert all(row["test"] == linear["test"] and row["train"] < linear["train"] for row in curve)
    assert curve[0]["accuracy"] < linear["accuracy"] + 0.1
    assert "linear on fewer training pairs" in shown


@pytest.mark.parametrize("model, site, code, message", [
    ("codessm-mini", "state_output", 0, ""),
    ("codessm-mini", "gate", 0, ""),
    ("codessm-mini", "mlp_output", 4, "has no site 'mlp_output'"),
    ("rocoder-mini", "mixer_output", 0, ""),
    ("mamba-mini", "conv_output", 0, ""),
    ("codessm-mini", "attention_probs", 2, "--site"),
])
def test_sites(ssmi, validated, tmp_path, model, site, code, message):
    run = ssmi("probe", model, *FEW, "--probes", "linear", "--tasks", "dfg", "--no-controls", "--site", site, "--out", "r.json",
               "--quiet", expect=code)
    assert message in run.stderr
    if code == 0:
        report = validated("probe", tmp_path / "r.json")
        assert report["run"]["config"]["site"] == site
        blocks = json.loads(ssmi("inspect", model, "--json").stdout)["layers"]
        assert [row["layer"] for row in report["results"]] == list(range(1, blocks + 1))
        of_residual = ssmi("probe", model, *FEW, "--probes", "linear", "--tasks", "dfg", "--no-controls", "--layers", "1",
                           "--out", "residual.json", "--quiet")
        assert of_residual.returncode == 0
        residual = json.loads((tmp_path / "residual.json").read_text())
        assert residual["results"][0]["confusion"] != report["results"][0]["confusion"]


def test_a_learning_curve_is_one_of_linear(ssmi):
    run = ssmi("probe", "--probes", "ridge", "--learning-curve", "--out", "r.json", expect=2)
    assert "--learning-curve: is one of linear" in run.stderr


def test_sites_begin_with_the_first_block(ssmi):
    run = ssmi("probe", "--site", "gate", "--layers", "0", "--out", "r.json", expect=4)
    assert "layer 0: codessm-mini has blocks 1 to 4" in run.stderr


def test_checkpoints_by_a_pattern(ssmi, validated, tmp_path):
    for step, name in (("step-90", "codessm-mini"), ("step-100", "codessm-mini-types")):
        shutil.copytree(MODELS / name, tmp_path / "run" / step)
    few = [*FEW, "--probes", "linear", "--tasks", "dfg", "--layers", "2", "--no-controls", "--quiet", "--out", "r.json"]
    ssmi("probe", "--checkpoints", "run/step-*", *few)
    report = validated("probe", tmp_path / "r.json")
    steps = ["run/step-90", "run/step-100"]
    assert [one["name"] for one in report["run"]["checkpoints"]] == steps
    assert [(one["base"], one["checkpoint"]) for one in report["comparisons"]] == [tuple(steps)]
    ssmi("probe", "codessm-mini", "--checkpoints", "run/step-*", *few)
    report = json.loads((tmp_path / "r.json").read_text())
    assert [one["name"] for one in report["run"]["checkpoints"]] == ["codessm-mini", *steps]
    ssmi("probe", steps[1], "--checkpoints", "run/step-*", *few)  # the base is one of them
    report = json.loads((tmp_path / "r.json").read_text())
    assert [one["name"] for one in report["run"]["checkpoints"]] == [steps[1], steps[0]]
    assert "matches nothing" in ssmi("probe", "--checkpoints", "walk/*", *few, expect=2).stderr
