"""The models that ship: their cards say what they are, and what they can do can be repeated."""
import hashlib
import json
import re

import numpy as np
import pytest

from conftest import ROOT
from test_model import read

TRAINED = sorted(folder.name for folder in (ROOT / "share/models").iterdir() if (folder / "README.md").exists())


def card(name):
    return (ROOT / "share/models" / name / "README.md").read_text()


def carded(name, metric):
    """Value, low and high of a metric as the card has them."""
    row = re.search(rf"^\| {metric} \| ([\d.]+) \[([\d.]+), ([\d.]+)\]", card(name), re.MULTILINE)
    return [float(number) for number in row.groups()]


def test_the_pairs_are_there():
    assert {"codessm-mini-hf", "mamba-mini"} <= set(TRAINED)
    for base in ("codessm-mini", "rocoder-mini"):
        assert {base, *(f"{base}-{kind}" for kind in ("types", "search", "continued"))} <= set(TRAINED)


@pytest.mark.parametrize("name", TRAINED)
def test_a_model_is_what_its_card_says(ssmi, name):
    weights = ROOT / "share/models" / name / "model.safetensors"
    assert weights.stat().st_size <= 6e6
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in card(name)
    described = json.loads(ssmi("inspect", name, "--json").stdout)
    assert f"- {described['parameters']:,} parameters" in card(name) and described["notes"] == []
    assert 1.5e6 <= described["parameters"] <= 2.5e6
    for tensor, value in read(weights).items():
        state = value.ndim == 1 or tensor.rpartition(".")[2] in ("A_re", "A_im", "C", "D", "log_step", "A_log")
        assert value.dtype == (np.float32 if state else np.float16), tensor


@pytest.mark.parametrize("kind, task, metric", [("types", "types", "f1_weighted"), ("search", "code-search", "mrr")])
@pytest.mark.parametrize("base", ["codessm-mini", "rocoder-mini"])
def test_the_cards_numbers_come_again(ssmi, validated, tmp_path, base, kind, task, metric):
    """Other processors round otherwise: a few answers of near ties may differ."""
    ssmi("eval", f"{base}-{kind}", "--task", task, "--out", "r.json", timeout=600)
    found = validated("eval", tmp_path / "r.json")["metrics"][metric]
    value, low, high = carded(f"{base}-{kind}", metric)
    assert found["value"] == pytest.approx(value, abs=0.005)
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


@pytest.mark.parametrize("base", ["codessm-mini", "rocoder-mini"])
def test_held_out_packages_are_known_better_than_by_the_table(ssmi, shared, base):
    corpus = shared / "data/corpus/python_train.jsonl.xz"
    report = json.loads(ssmi("eval", base, "--task", "mlm", "--data", corpus, "--max-pieces", 400, "--json",
                             timeout=600).stdout)
    accuracy = report["metrics"]["masked_accuracy"]
    assert report["data"]["held_out"] == ["python3-nltk", "python3-sphinx"]
    assert accuracy["low"] > accuracy["baseline"]


def test_a_command_without_a_model_takes_the_bundled_one(ssmi):
    named, unnamed = (ssmi("inspect", *name, "--json").stdout for name in (["codessm-mini"], []))
    assert named == unnamed
    assert "nothing is bundled for --task mlm" in ssmi("eval", "--task", "mlm", expect=2).stderr
