"""Tasks of single tokens, and of a use and its definition, on the bundled model and functions."""
import csv
import json
import subprocess

import pytest

TASKS = ("node_type", "parent_type", "depth", "role", "definition")
TOKENS = TASKS[:4]


@pytest.fixture(scope="module")
def run(binary, tmp_path_factory):
    """The folder of a run that exported, with its report."""
    folder = tmp_path_factory.mktemp("tokens")
    subprocess.run([binary, "probe", "codessm-mini", "--tasks", ",".join(TASKS), "--probes", "linear", "--layers", "0,2",
                    "--max-functions", "400", "--pairs-per-label", "160", "--twins", "1", "--threads", "1", "--quiet",
                    "--export", "made", "--out", "r.json"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def report(run, validated):
    return validated("probe", run / "r.json")


def row(report, **wanted):
    found, = (one for one in report["results"] if all(one[key] == value for key, value in wanted.items()))
    return found


def test_every_task_has_its_controls_but_no_gap_of_one_token(report):
    for task in TASKS:
        for control in ("majority", "texts"):
            row(report, task=task, control=control)
        gaps = [one for one in report["results"] if one["task"] == task and one["control"] == "texts_and_gap"]
        assert len(gaps) == (task not in TOKENS)
        for control in ("none", "shuffled", "control_task", "twin-1"):
            assert row(report, task=task, control=control, layer=2)["linear"]["converged"]
    for entry in report["summary"]:
        assert (entry["texts_and_gap"] is None) == (entry["task"] in TOKENS)
    assert list(row(report, task="role", control="texts")["per_label_accuracy"]) == ["definition", "parameter", "attribute", "call", "use"]
    depths = list(row(report, task="depth", control="texts")["per_label_accuracy"])
    assert depths == sorted(depths, key=int) and 2 < len(depths) <= 12


def test_the_embedding_knows_types_and_shuffled_labels_say_nothing(report):
    chance = 1 / len(row(report, task="node_type", control="texts")["per_label_accuracy"])
    learned = row(report, task="node_type", control="none", layer=0)
    assert learned["low"] > chance + 0.3
    shuffled = row(report, task="node_type", control="shuffled", layer=0)
    assert abs(shuffled["accuracy"] - chance) < 0.15
    # The control task's labels are of texts, many of them unseen: of types the embedding would learn nearly all.
    assert chance + 0.2 < row(report, task="node_type", control="control_task", layer=0)["accuracy"] < 0.9
    # What a name does is not in its text.
    assert row(report, task="role", control="none", layer=2)["accuracy"] > row(report, task="role", control="texts")["accuracy"]


def test_groups_of_tokens_have_no_gap(report):
    for task in TOKENS:
        groups = {one["relation"].removeprefix(task + " ") for one in report["relations"] if one["task"] == task}
        labels = set(row(report, task=task, control="texts")["per_label_accuracy"])
        assert groups and not any("away" in group for group in groups)
        assert all(group in labels or group.endswith("leaves long") for group in groups)
    for one in report["results"]:
        for mistake in one.get("mistakes", []):
            assert ("second" in mistake) == (one["task"] not in TOKENS)
            if one["task"] == "definition":
                assert mistake["first"]["text"] == mistake["second"]["text"]


@pytest.mark.parametrize("task", TASKS)
def test_exported_tokens_are_those_that_were_probed(binary, run, report, task):
    labels = list(row(report, task=task, control="texts")["per_label_accuracy"])
    probed = row(report, task=task, control="none", layer=2)
    with open(run / f"made/{task}-pairs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == probed["train"] + probed["test"]
    test = [one["label"] for one in rows if one["part"] == "test"]
    assert [test.count(label) for label in labels] == [sum(counts) for counts in probed["confusion"]]
    assert all((one["second"] == "") == (task in TOKENS) for one in rows)
    vectors = f"made/codessm-mini/{task}-layer-2.safetensors"
    subprocess.run([binary, "probe", "--vectors", vectors, "--probes", "linear", "--no-controls", "--quiet", "--out",
                    f"{task}.json"], cwd=run, check=True)
    again, = json.loads((run / f"{task}.json").read_text())["results"]
    assert (again["train"], again["test"]) == (probed["train"], probed["test"])
    assert again["accuracy"] == pytest.approx(probed["accuracy"], abs=0.12)  # another part chooses l2
    assert len(again["per_label_accuracy"]) == len(labels)


def test_too_few_tokens_and_other_languages_are_said(ssmi, tmp_path):
    (tmp_path / "f.py").write_text("def f(x):\n    return x\n")
    assert "no two labels of 500 tokens" in ssmi("probe", "--data", "f.py", "--tasks", "depth", "--out", "r.json", expect=3).stderr
    (tmp_path / "f.go").write_text("package p\nfunc f(x int) int { return x }\n")
    for task in ("role", "definition"):
        assert "not for Go" in ssmi("probe", "--data", "f.go", "--tasks", task, "--out", "r.json", expect=4).stderr


def test_tables_show_a_dash_for_the_gap(ssmi):
    output = ssmi("probe", "--tasks", "role", "--probes", "linear", "--layers", "1", "--twins", "0",
                  "--pairs-per-label", "40", "--max-functions", "80", "--threads", "1", "--out", "r.json").stdout
    assert "codessm-mini, role (160 training and 40 test tokens)" in output
    assert "texts and gap -\n" in output and "its text alone" in output
