"""ssmi probe on several checkpoints: the differences it reports."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[2] / "share/models"
THREE = ["codessm-mini", "codessm-mini-types", "codessm-mini-continued"]

SMALL = ["--probes", "linear", "--no-controls", "--max-functions", "120", "--pairs-per-label", "200", "--layers", "0,2",
         "--tasks", "siblings,dfg", "--quiet"]


def probed(binary, folder, *checkpoints):
    subprocess.run([binary, "probe", *checkpoints, *SMALL, "--out", "report.json"], cwd=folder, check=True)
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def report(binary, tmp_path_factory):
    return probed(binary, tmp_path_factory.mktemp("compare"), *THREE)


def accuracy(report, checkpoint, task, layer):
    """Mean over the draws of the rows."""
    values = [row["accuracy"] for row in report["results"]
              if (row["checkpoint"], row["task"], row["layer"]) == (checkpoint, task, layer)]
    assert len(values) == report["run"]["config"]["draws"] == 5
    return sum(values) / len(values)


def test_report_obeys_its_schema(report, validated):
    validated("probe", json.dumps(report))


def test_differences_are_those_of_the_rows(report):
    for comparison in report["comparisons"]:
        for one in comparison["layers"]["differences"]:
            before, after = (accuracy(report, comparison[side], one["task"], one["layer"]) for side in ("base", "checkpoint"))
            assert one["base_accuracy"] == pytest.approx(before)
            assert one["difference"] == pytest.approx(after - before)
            assert one["low"] <= one["difference"] <= one["high"]


def test_all_are_held_against_the_first_and_against_more_pretraining(report):
    pairs = [(comparison["base"], comparison["checkpoint"]) for comparison in report["comparisons"]]
    assert pairs == [("codessm-mini", "codessm-mini-types"), ("codessm-mini", "codessm-mini-continued"),
                     ("codessm-mini-continued", "codessm-mini-types")]
    assert all(comparison["layers"]["size"] == 4 for comparison in report["comparisons"])


def test_a_weight_file_is_known_by_its_folder_and_what_is_not_compared_is_said(ssmi, tmp_path):
    names = [str(MODELS / name / "model.safetensors") for name in THREE]
    few = ["--no-controls", "--max-functions", "60", "--pairs-per-label", "40", "--layers", "2", "--tasks", "dfg", "--out", "r.json"]
    ssmi("probe", *names, *few, "--probes", "linear", "--draws", "2")
    report = json.loads((tmp_path / "r.json").read_text())
    assert [(one["base"], one["checkpoint"]) for one in report["comparisons"]][2] == (names[2], names[1])
    said = ssmi("probe", *names[:2], *few, "--probes", "ridge").stderr
    assert "checkpoints are compared by linear alone" in said
    assert json.loads((tmp_path / "r.json").read_text())["comparisons"] == []


def test_relations_stand_in_order_at_the_chosen_layers(report):
    for comparison in report["comparisons"]:
        relations = comparison["relations"]["differences"]
        assert comparison["relations"]["size"] == len(relations) > 0
        assert [one["difference"] for one in relations] == sorted(one["difference"] for one in relations)
        for one in relations:
            assert one["pairs"] >= 30 and one["relation"].startswith(f"{one['task']} ")
            assert one["layer"] == comparison["chosen_layers"][one["task"]] != 0


def summary_row(report, entry):
    """The row that an entry of the summary or of `relations` is about."""
    row, = (row for row in report["results"] if row["probe"] == "linear" and row["control"] == "none" and row["draw"] == 0 and
            all(row[key] == entry[key] for key in ("checkpoint", "task", "layer")))
    return row


def test_groups_of_pairs_are_those_of_the_chosen_layer(report):
    chosen = {(entry["checkpoint"], entry["task"]): entry["layer"] for entry in report["summary"]}
    labels = 0
    for one in report["relations"]:
        assert one["layer"] == chosen[one["checkpoint"], one["task"]] and one["pairs"] >= 30
        row = summary_row(report, one)
        name = one["relation"].removeprefix(f"{one['task']} ")
        if name in row["per_label_accuracy"]:
            labels += 1
            assert one["accuracy"] == pytest.approx(row["per_label_accuracy"][name])
            assert one["pairs"] == sum(row["confusion"][list(row["per_label_accuracy"]).index(name)])
    assert labels >= 12  # of three checkpoints, two and three labels


def test_mistakes_stand_in_their_code(report):
    rows = [row for row in report["results"] if row["draw"] == 0]
    assert rows and all("mistakes" not in row for row in report["results"] if row["draw"] > 0)
    for row in rows:
        probabilities = [mistake["probability"] for mistake in row["mistakes"]]
        assert 0 < len(probabilities) <= 10 and probabilities == sorted(probabilities, reverse=True)
        for mistake in row["mistakes"]:
            assert mistake["label"] != mistake["predicted"] and {mistake["label"], mistake["predicted"]} <= set(row["per_label_accuracy"])
            for token in (mistake["first"], mistake["second"]):
                first_line = token["text"].splitlines()[0].removesuffix("...").encode()
                assert token["source"].encode()[token["column"]:].startswith(first_line), token


def test_a_checkpoint_does_not_differ_from_its_copy(binary, tmp_path):
    shutil.copytree(MODELS / "codessm-mini", tmp_path / "copy")
    comparison, = probed(binary, tmp_path, "codessm-mini", "copy")["comparisons"]
    for one in comparison["layers"]["differences"] + comparison["relations"]["differences"]:
        assert (one["difference"], one["low"], one["high"], one["p_holm"]) == (0, 0, 0, 1)


def test_one_checkpoint_is_drawn_for_once_and_compared_with_none(binary, tmp_path):
    report = probed(binary, tmp_path, "codessm-mini")
    assert report["comparisons"] == []
    assert {row["draw"] for row in report["results"]} == {0}


def test_the_first_draw_does_not_depend_on_how_many_there_are(binary, tmp_path, report):
    alone = probed(binary, tmp_path, "codessm-mini")
    mine = [row for row in report["results"] if row["checkpoint"] == "codessm-mini" and row["draw"] == 0]
    assert alone["results"] == mine


def test_a_killed_comparison_goes_on_draw_by_draw(binary, tmp_path, report):
    command = [binary, "probe", *THREE, *SMALL, "--out", "report.json"]
    process = subprocess.Popen(command, cwd=tmp_path)
    partial = tmp_path / "report.json.partial"
    while not partial.exists() or partial.read_text().count("\n") < 8:  # the run, seven steps
        assert process.poll() is None
    process.kill()
    process.wait()
    kept = partial.read_text()
    assert json.loads(kept.splitlines()[2])["step"].endswith("/1")
    subprocess.run([*command, "--resume"], cwd=tmp_path, check=True)
    resumed = json.loads((tmp_path / "report.json").read_text())
    assert resumed["results"] == report["results"]
    assert resumed["comparisons"] == report["comparisons"]
