"""The probe command on the bundled model: reports, controls, determinism, resume, refusals."""
import json
import math
import os
import pty
import re
import shutil
import signal
import statistics
import subprocess
import time

import pytest

from conftest import ROOT

SMALL = ["--max-functions", "120", "--pairs-per-label", "60", "--layers", "0,2", "--twins", "1",
         "--threads", "2"]


def rows(report, **wanted):
    return [row for row in report["results"] if all(row[k] == v for k, v in wanted.items())]


def without_timing(path):
    report = json.loads(path.read_text())
    del report["timing"]
    return json.dumps(report)


@pytest.fixture(scope="module")
def report_text(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    subprocess.run([binary, "probe", *SMALL, "--out", "r.json", "--quiet"], cwd=folder, check=True)
    return (folder / "r.json").read_text()


def test_report_has_every_probe_with_its_controls(report_text, validated):
    report = validated("probe", report_text)
    model = "codessm-mini"
    for task in ("distance", "siblings", "dfg"):
        for control in ("majority", "texts", "texts_and_gap"):
            assert len(rows(report, task=task, control=control, checkpoint=None, layer=None)) == 1
        for control in ("none", "shuffled", "twin-1"):
            mine = {"task": task, "control": control, "checkpoint": model}
            assert len(rows(report, probe="linear", layer=0, **mine)) == 1
            assert len(rows(report, probe="linear", layer=2, **mine)) == 1
            assert len(rows(report, probe="directprobe", layer=2, **mine)) == 1
            assert not rows(report, probe="directprobe", layer=0, **mine)
        for layer in (0, 2):
            learned, by_heart, chance = (rows(report, task=task, control=control, layer=layer, probe="linear")[0]
                                         for control in ("none", "control_task", "shuffled"))
            for row in (learned, by_heart):
                code = row["train"] * math.log2(len(row["per_label_accuracy"]))
                assert row["linear"]["compression"] == pytest.approx(code / row["linear"]["bits"])
            assert chance["linear"]["bits"] is None
    # Labels that follow from the leaves' types can be learned, those that follow from nothing cannot.
    mean = {control: statistics.mean(row["accuracy"] for row in rows(report, control=control, probe="linear"))
            for control in ("control_task", "shuffled")}
    assert mean["control_task"] > mean["shuffled"] + 0.1
    for row in report["results"]:
        total = sum(map(sum, row["confusion"]))
        right = sum(row["confusion"][i][i] for i in range(len(row["confusion"])))
        assert total == row["test"] and abs(right / total - row["accuracy"]) < 1e-12
        assert row["low"] <= row["accuracy"] <= row["high"]
        assert row["linear"] is None or row["linear"]["converged"]
    assert all(row["train"] == 240 and row["test"] == 60 for row in rows(report, task="distance"))
    majority = rows(report, task="distance", control="majority")[0]
    assert majority["accuracy"] == pytest.approx(0.2)
    dropped = report["data"]["dropped"]
    assert report["data"]["functions"] == 1767
    assert sum(dropped.values()) + report["data"]["probed"] == report["data"]["functions"]


def test_equal_runs_give_equal_reports(report_text, ssmi, tmp_path):
    (tmp_path / "first.json").write_text(report_text)
    ssmi("probe", *SMALL, "--out", "second.json", "--quiet")
    assert without_timing(tmp_path / "first.json") == without_timing(tmp_path / "second.json")
    ssmi("probe", *SMALL, "--seed", "2", "--tasks", "dfg", "--probes", "linear", "--out", "third.json")
    third = json.loads((tmp_path / "third.json").read_text())
    assert third["data"]["pairs_sha256"] != json.loads(report_text)["data"]["pairs_sha256"]


def test_a_killed_run_resumes_to_the_same_report(report_text, binary, tmp_path, ssmi):
    (tmp_path / "whole.json").write_text(report_text)
    command = [binary, "probe", *SMALL, "--out", "r.json", "--quiet"]
    partial = tmp_path / "r.json.partial"
    process = subprocess.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not partial.exists() or partial.read_text().count("\n") < 3:  # the run, two steps
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    for more in ([], ["--resume"], ["--seed", "2"]):
        other = ssmi("probe", *SMALL, *more, "--out", "r.json", expect=4)
        assert "another process is at work there" in other.stderr
    process.kill()
    process.wait()
    assert not (tmp_path / "r.json").exists()
    kept = partial.read_text().count("\n")
    with partial.open("a") as file:
        file.write('{"step": "torn')  # as if killed within a write
    whole = partial.read_text()
    partial.write_text(whole.replace('"accuracy":0.', '"accuracy":1.', 1))
    assert "a line is damaged" in ssmi("probe", *SMALL, "--out", "r.json", "--resume", expect=3).stderr
    partial.write_text(whole)
    wrong = ssmi("probe", *SMALL, "--seed", "9", "--out", "r.json", "--resume", expect=4)
    assert "seed was 1, now 9" in wrong.stderr
    assert "an unfinished run is there" in ssmi("probe", *SMALL, "--out", "r.json", expect=2).stderr
    result = ssmi("probe", *SMALL, "--out", "r.json", "--resume")
    assert f"{kept - 1} steps" in result.stderr
    assert not partial.exists()
    assert without_timing(tmp_path / "r.json") == without_timing(tmp_path / "whole.json")


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_its_code_and_keeps_the_steps(binary, tmp_path, sent, code):
    process = subprocess.Popen([binary, "probe", *SMALL, "--out", "r.json"], cwd=tmp_path,
                               stderr=subprocess.PIPE, text=True)
    partial = tmp_path / "r.json.partial"
    deadline = time.monotonic() + 60
    while not partial.exists() or partial.read_text().count("\n") < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(sent)
    assert process.wait(timeout=60) == code
    assert partial.exists() and not (tmp_path / "r.json").exists()


def test_the_table_and_the_sentence_are_for_people(ssmi):
    output = ssmi("probe", "--tasks", "dfg", "--probes", "linear", "--layers", "1", "--twins", "0",
                  "--pairs-per-label", "40", "--max-functions", "80", "--out", "r.json").stdout
    assert "codessm-mini, dfg (96 training and 24 test pairs)" in output
    assert "Shown: block 1 of codessm-mini" in output
    assert "Report: r.json" in output


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_what_is_read_is_not_written_over(ssmi, tmp_path, name):
    shutil.copytree(ROOT / "share/models/codessm-mini", tmp_path / "model")
    before = (tmp_path / "model" / name).read_bytes()
    few = ["--max-functions", "20", "--probes", "linear", "--out", f"model/{name}"]
    assert "is read; write the output elsewhere" in ssmi("probe", "model", *few, expect=2).stderr
    assert "is read" in ssmi("embed", "model", "--text", "a = 1", "--out", f"model/{name}", expect=2).stderr
    assert (tmp_path / "model" / name).read_bytes() == before


def test_lists_are_sets_and_end_before_names(ssmi, tmp_path, validated):
    ssmi("probe", "--layers", "2,1,2", "--tasks", "dfg,dfg", "bimamba-typeseg", "--probes", "linear",
         "--no-controls", "--pairs-per-label", "40", "--max-functions", "60", "--quiet", "--out",
         "r\udcff.json")
    report = validated("probe", tmp_path / "r\udcff.json")  # a name that is not UTF-8
    assert [row["layer"] for row in report["results"]] == [1, 2]


def test_a_function_too_large_to_parse_is_counted(ssmi, tmp_path, validated):
    rows = [{"code": f"def f{i}(x):\n    if x:\n        y = x\n    return y\n"} for i in range(40)]
    rows += [{"code": "x = [" + "1," * 6000 + "]"}, {"code": "#" * (9 << 20)}]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for tokens, reason in (("2048", "too_long"), ("20000000", "too_complex")):
        ssmi("probe", "--data", "f.jsonl", "--tasks", "distance", "--probes", "linear", "--layers", "1",
             "--no-controls", "--pairs-per-label", "20", "--max-tokens", tokens, "--out", "r.json")
        assert validated("probe", tmp_path / "r.json")["data"]["dropped"][reason] == 2


def test_published_variants_run(ssmi, tmp_path, validated):
    ssmi("probe", "--split", "pair", "--input", "tokens", "--reference-keywords", "--tasks", "distance",
         "--probes", "linear", "--layers", "1", "--no-controls", "--pairs-per-label", "60",
         "--max-functions", "60", "--out", "r.json", "--json")
    report = validated("probe", tmp_path / "r.json")
    assert [row["control"] for row in report["results"]] == ["none"]
    assert report["run"]["config"]["split"] == "pair"


@pytest.mark.parametrize("arguments, code, message", [
    (["--layers", "9"], 4, "layers 0 (embedding) to 4"),
    (["nonesuch"], 6, "no such checkpoint folder"),
    (["--data", "gone.jsonl"], 6, "gone.jsonl"),
    (["--data", "empty.jsonl"], 3, "empty.jsonl"),
    (["--data", "broken.jsonl"], 3, "broken.jsonl:2"),
    (["--data", "few.jsonl"], 3, "give no pairs"),
    (["--data", "other.jsonl"], 3, "code"),
    (["--tasks", "colour"], 2, "colour"),
    (["--pairs-per-label", "0"], 2, "pairs-per-label"),
    (["--out", "no/such/folder/r.json"], 6, "no/such/folder"),
    (["--out", "."], 6, "is a folder"),
    (["bimamba-typeseg", "bimamba-typeseg"], 2, "is given twice"),
    (["--layers", "0", "--probes", "directprobe"], 4, "not asked of the embedding layer"),
    (["--pairs-per-label", "9000000000000000000"], 2, "pairs-per-label"),
    (["--seed", "-1"], 2, "seed"),
])
def test_what_cannot_be_done_is_said(ssmi, tmp_path, arguments, code, message):
    row = json.dumps({"code": "def f(x):\n    return x\n"}) + "\n"
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "broken.jsonl").write_text(row + '{"code": ')
    (tmp_path / "few.jsonl").write_text(row)
    (tmp_path / "other.jsonl").write_text('{"text": "x"}\n')
    out = [] if "--out" in arguments else ["--out", "r.json"]
    assert message in ssmi("probe", *arguments, *out, expect=code).stderr


def test_progress_is_a_line_that_rewrites_itself_on_a_terminal(binary, tmp_path):
    try:
        terminal, end = pty.openpty()
    except OSError as error:  # a root without /dev/pts
        pytest.skip(f"no terminal to be had: {error}")
    process = subprocess.Popen([binary, "probe", *SMALL, "--out", "r.json"], cwd=tmp_path, stderr=end,
                               stdout=subprocess.DEVNULL)
    os.close(end)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    assert b"\r\x1b[K" in shown
    assert re.search(rb"forward codessm-mini: \d+/\d+ functions \(\d+\.\d/s, \d+s left\)", shown)
    assert b"passes over" in shown
