"""scripts/train_vocabulary on a small corpus: what it learns from, and that ssmi reads it."""
import json
import subprocess
import sys

import pytest

from conftest import ROOT
from test_eval import CODESSM

CODE = "def area(width, height=2):\n    if width != height:\n        return width * height\n    return area(1, 23)\n"


@pytest.fixture
def learnt(tmp_path):
    """learnt(NAME) trains on the same corpus; "held" is held out: no other group fits in 5 %, and it
    is the smallest."""
    rows = [{"pkg": "one", "text": CODE * 20}, {"pkg": "two", "text": CODE.replace("area", "extent") * 20},
            {"pkg": "held", "text": "zzgrault " * 100}, {"pkg": "python3-tornado", "text": "qqgarply " * 100}]
    corpus = tmp_path / "c.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(name):
        out = tmp_path / name / "tokenizer.json"
        result = subprocess.run([sys.executable, ROOT / "scripts/train_vocabulary", corpus, out, "--entries", "400"],
                                check=True, capture_output=True, text=True)
        return out, result.stderr

    return run


def test_a_vocabulary_repeats_and_knows_no_held_out_word(learnt, ssmi, tmp_path):
    (first, said), (second, _) = learnt("first"), learnt("second")
    assert first.read_bytes() == second.read_bytes()
    assert said.strip().endswith("held out: held")
    names = json.loads(first.read_text())["model"]["vocab"]
    assert [names[name] for name in ("<pad>", "<s>", "</s>", "<mask>", "<unk>")] == [0, 1, 2, 3, 4]
    assert "Ġwidth" in names and "Ġreturn" in names
    assert not any("grault" in name or "garply" in name for name in names)


def test_no_token_reaches_over_two_leaves(learnt, ssmi, tmp_path):
    out, _ = learnt("model")
    (out.parent / "config.json").write_text("{}")
    code = "def area(width, h=12):\n        return f(width)[h-1] != -h**2 or area(area())\n"
    tokens = json.loads(ssmi("tokens", out.parent, "-", "--json", stdin=code).stdout)
    (tmp_path / "code.py").write_text(code)
    leaves = json.loads(ssmi("parse", "code.py", "--json").stdout)["leaves"]
    for begin, end in tokens["spans"]:
        touched = [leaf for leaf in leaves if leaf["begin"] < end and begin < leaf["end"]]
        assert len(touched) <= 1, code[begin:end]
    # The depth of a block is a token, and the last space goes to the word.
    assert "\n       " in tokens["tokens"] and " return" in tokens["tokens"]
    assert [tokens["tokens"][i] for i, (a, b) in enumerate(tokens["spans"]) if code[a:b] in "12" and a < b] == \
        ["1", "2", "1", "2"]


def test_the_script_holds_out_what_ssmi_does(ssmi, tmp_path):
    rows = [{"pkg": f"package {i}", "text": "x = 1\n" * (1 + i * i % 17)} for i in range(40)]
    rows += [{"path": "a.py", "text": "y = 2"}, {"text": "z = 3"}, {"pkg": "networkx", "text": "n"}, {"text": ""}]
    corpus = tmp_path / "c.jsonl"
    corpus.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**CODESSM, "vocab_size": 300}))
    ssmi("init", "--config", config, "--out", "model")
    for seed in ("0", "5"):
        said = subprocess.run([sys.executable, ROOT / "scripts/train_vocabulary", corpus,
                               tmp_path / "model/tokenizer.json", "--entries", "270", "--split-seed", seed],
                              check=True, capture_output=True, text=True).stderr
        report = json.loads(ssmi("eval", "model", "--task", "mlm", "--data", corpus, "--split-seed", seed, "--json",
                                 "--length", 32).stdout)
        assert len(report["data"]["held_out"]) > 1
        assert said.strip().split("held out: ")[1] == ", ".join(report["data"]["held_out"])
