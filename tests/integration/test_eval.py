"""`ssmi eval` on tiny corpora, against a computation in Python from the same rows."""
import json
import math

import pytest

from word_tokenizer import word_tokenizer

CODESSM = {"model_type": "codessm", "architectures": ["CodeSSMForMaskedLM"], "vocab_size": 11,
           "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_ssm": 8,
           "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "pad_token_id": 0,
           "initializer_range": 0.5}
MAMBA = {"model_type": "mamba", "architectures": ["MambaForCausalLM"], "vocab_size": 11, "hidden_size": 16,
         "num_hidden_layers": 2, "state_size": 4, "conv_kernel": 4, "expand": 2, "time_step_rank": 2,
         "hidden_act": "silu", "layer_norm_epsilon": 1e-5, "use_bias": False, "use_conv_bias": True,
         "tie_word_embeddings": True, "pad_token_id": 0}


def model(ssmi, tmp_path, config=CODESSM, seed=1):
    folder = tmp_path / f"{config['model_type']}-{seed}"
    config_path = tmp_path / "config.json"
    config_path.write_text(json.dumps(config))
    ssmi("init", "--config", config_path, "--seed", seed, "--out", folder)
    word_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def corpus(path, rows):
    path.write_text("".join(json.dumps({"pkg": package, "text": text}) + "\n" for package, text in rows))
    return path


# Of sha256sum of 0:NAME two comes before one; neither fits in 5 %, "two" is smaller.
ROWS = [("one", "a b c a b c a b c"), ("two", "a b c d e"), ("one", "d e f d e f"), ("two", "b c")]


def test_a_report_is_complete_and_repeats(ssmi, tmp_path, validated):
    data = corpus(tmp_path / "c.jsonl", ROWS)
    folder = model(ssmi, tmp_path)
    command = ["eval", folder, "--task", "mlm", "--data", data, "--length", 4, "--out", "r.json"]
    table = ssmi(*command).stdout
    first = validated("eval", tmp_path / "r.json")
    ssmi(*command, "--batch-tokens", 1, "--threads", 1)
    again = validated("eval", tmp_path / "r.json")
    assert first["data"]["held_out"] == ["two"]
    assert first["data"]["documents"] == 2
    assert first["data"]["tokens"] == 7 + 4  # with markers
    assert first["data"]["pieces"] == 3  # 4 + 3, 4
    assert first["data"]["baseline_tokens"] == 11 + 8
    for name in ("masked_accuracy", "perplexity"):
        metric, other = first["metrics"][name], again["metrics"][name]
        assert metric["low"] <= metric["value"] <= metric["high"]
        assert metric["count"] == other["count"] >= 3  # at least one a piece
        assert metric["value"] == pytest.approx(other["value"], rel=1e-5)
        assert name in table
    ssmi(*command)
    third = validated("eval", tmp_path / "r.json")
    first.pop("timing"), third.pop("timing")
    assert first == third


def test_next_tokens_beside_a_table(ssmi, tmp_path, validated):
    folder = model(ssmi, tmp_path, MAMBA)
    fit = corpus(tmp_path / "fit.jsonl", [("one", "a b c d e f")] * 30 + [("two", "a b")])
    data = corpus(tmp_path / "data.jsonl", [("tornado", "a b c d e f"), ("x", "c d f")])
    report = json.loads(ssmi("eval", folder, "--task", "lm", "--data", data, "--fit", fit, "--json").stdout)
    validated("eval", json.dumps(report))
    accuracy = report["metrics"]["accuracy"]
    assert accuracy["count"] == 7 + 4
    # Of <s> a b c d e f </s> all; of <s> c d f </s> behind `<s> c` comes b or d of c alone: d; then
    # e for `c d`; `d f` was never seen, f alone says </s>. After <s> comes a, not c.
    assert accuracy["baseline"] == pytest.approx((7 + 2) / 11)
    assert report["data"]["held_out"] == []
    assert report["data"]["rows_excluded"] == 0  # evaluating on it is what held-out packages are for
    # A model of random weights is near to naming nothing.
    assert report["metrics"]["perplexity"]["value"] == pytest.approx(11, rel=0.5)
    assert math.isfinite(report["metrics"]["perplexity"]["baseline"])


def test_what_does_not_fit_is_refused(ssmi, tmp_path):
    folder = model(ssmi, tmp_path)
    data = corpus(tmp_path / "c.jsonl", ROWS)
    alone = corpus(tmp_path / "alone.jsonl", ROWS[:1])

    def refused(code, message, *arguments):
        assert message in ssmi("eval", folder, *arguments, expect=code).stderr

    refused(4, "sees the tokens behind", "--task", "lm", "--data", data)
    refused(4, "a single package", "--task", "mlm", "--data", alone)
    refused(6, "none.jsonl", "--task", "mlm", "--data", "none.jsonl")
    refused(2, "--data", "--task", "mlm")
    refused(2, "is read; write the output elsewhere", "--task", "mlm", "--data", data,
            "--out", folder / "model.safetensors")
    (tmp_path / "bad.jsonl").write_text('{"text": "a"}\n{"text": 1}\n')
    refused(3, "bad.jsonl:2: 'text' should be a string", "--task", "mlm", "--data", "bad.jsonl")
    result = ssmi("eval", "bimamba-typeseg", "--task", "mlm", "--data", data, expect=4)
    assert "needs a mask token" in result.stderr


def test_the_bundled_functions_packages_never_fit(ssmi, tmp_path):
    folder = model(ssmi, tmp_path)
    data = corpus(tmp_path / "c.jsonl", ROWS + [("python3-tornado", "a a a"), ("networkx", "a")])
    result = ssmi("eval", folder, "--task", "mlm", "--data", data, "--json")
    assert json.loads(result.stdout)["data"]["rows_excluded"] == 2
    assert "left out 2 of 6 rows for their package" in result.stderr


def test_functions_are_found_by_their_docstrings(ssmi, tmp_path, validated):
    folder = model(ssmi, tmp_path)
    rows = [{"doc": f"{name} c", "code": f"def {name}():\n    c = 1\n    return c\n"} for name in "abdef"]
    rows.append({"doc": "c", "code": "def a(:"})
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ssmi("eval", folder, "--task", "code-search", "--data", "s.jsonl", "--length", 3, "--out", "r.json")
    report = validated("eval", tmp_path / "r.json")
    assert report["data"]["pairs"] == 6
    assert report["data"]["unparsed"] == 1
    # <s> x c </s> are four tokens, <s> c </s> three; the functions have more, but for `def a(:`.
    assert report["data"]["cut_short"] == 5 + 6 + 6
    assert report["metrics"]["mrr"]["count"] == 6
    # Of the words in `a c` two functions have `a`, with `c` but one; `def a(:` has no c: it ties with none.
    assert report["metrics"]["mrr"]["baseline"] == pytest.approx((5 * 1 + 1 / 6) / 6)
    # Without names all five are alike, and all have neither a nor c but in `arg`.
    assert report["metrics"]["mrr_obfuscated"]["baseline"] < report["metrics"]["mrr"]["baseline"]
    again = ssmi("eval", folder, "--task", "code-search", "--data", "s.jsonl", "--fit", "x", expect=2)
    assert "--fit" in again.stderr


ANSWERS = {
    "tabs.tsv": "1\t2\ta thing\tdef a():\\n    c\t0\n3\t4\tb c\tb\t0\n5\t6\tf\te\t0\n7\t8\tf\td\t0\n",
    "array.json": json.dumps([{"idx": 1, "doc": "d", "code": "never", "label": 0},
                              {"idx": 2, "doc": "a thing", "code": "def a():\n    c", "label": 1},
                              {"idx": 3, "doc": "b c", "code": "b", "label": 1},
                              {"idx": 4, "doc": "d", "code": "b", "label": 1},
                              {"idx": 5, "doc": "f", "code": "e", "label": 1}], indent=1),
    "lines.jsonl": "".join(json.dumps({"doc": title, "code": code}) + "\n" for title, code in
                           [("a thing", "def a():\n    c"), ("b c", "b"), ("f", "e")])}
LEFT_OUT = {"tabs.tsv": (4, 0, 1, 0), "array.json": (5, 1, 0, 1), "lines.jsonl": (3, 0, 0, 0)}


def test_answers_are_found_by_titles_whatever_their_format(ssmi, tmp_path, validated):
    folder = model(ssmi, tmp_path)
    reports = {}
    for name, text in ANSWERS.items():
        (tmp_path / name).write_text(text)
        result = ssmi("eval", folder, "--task", "sqa", "--data", name, "--length", 3, "--out", "r.json")
        report = validated("eval", tmp_path / "r.json")
        data = report["data"]
        assert LEFT_OUT[name] == tuple(data.pop(key) for key in (
            "rows", "wrong", "repeated_titles", "repeated_codes"))
        assert ("left out" in result.stderr) == (sum(LEFT_OUT[name][1:]) > 0)
        assert (data["pairs"], report["metrics"]["mrr"]["count"]) == (3, 3)
        # <s> a thing </s>, <s> b c </s> and <s> def a ( .. are more than three tokens.
        assert data["cut_short"] == 3
        # `a` is of one code; `b` is all of its code, `c` one word in three of another; f is nowhere: all tie.
        assert report["metrics"]["mrr"]["baseline"] == pytest.approx((1 + 1 + 1 / 3) / 3)
        assert list(report["metrics"]) == ["mrr"]
        reports[name] = {key: report[key] for key in ("data", "metrics", "baseline")}
    assert reports["tabs.tsv"] == reports["array.json"] == reports["lines.jsonl"]
    (tmp_path / "bad.tsv").write_text("1\t2\ta\tb\t0\n1\ta\tb\n")
    refused = ssmi("eval", folder, "--task", "sqa", "--data", "bad.tsv", expect=3).stderr
    assert "bad.tsv:2: expected five tab separated fields" in refused


def test_answers_of_stackoverflow(ssmi, shared, tmp_path):
    folder = model(ssmi, tmp_path)
    for name, pairs, baseline in [("python.dev.tsv", 100, 0.37383), ("staqc_dev.json", 388, 0.25749)]:
        path = shared / "data/search" / name
        report = json.loads(ssmi("eval", folder, "--task", "sqa", "--data", path, "--json", "--length", 8).stdout)
        assert report["data"]["pairs"] == pairs
        # The same in Python (a Counter a text, an inverted index).
        assert report["metrics"]["mrr"]["baseline"] == pytest.approx(baseline, abs=2e-4)


def test_types_are_judged_by_a_token_classifier(ssmi, tmp_path, validated):
    labels = ["int", "str", "other"]
    folder = model(ssmi, tmp_path, {**CODESSM, "architectures": ["CodeSSMForTokenClassification"],
                                    "id2label": dict(enumerate(labels)), "num_labels": 3})
    rows = [{"code": "def f ( a , b ) :\n c = a", "targets": [["param", "a", "int"], ["param", "b", "List"]]},
            {"code": "def e ( d ) :\n pass", "targets": [["param", "d", "int"], ["return", "e", "str"],
                                                        ["return", "none", "str"]]}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ssmi("eval", folder, "--task", "types", "--data", "t.jsonl", "--out", "r.json")
    report = validated("eval", tmp_path / "r.json")
    assert report["data"]["labels"] == labels
    assert (report["data"]["targets"], report["data"]["unplaced"]) == (5, 1)
    metrics = report["metrics"]
    assert {metric["count"] for metric in metrics.values()} == {4}
    # Of int, other, int, str always int: half right; F1 of int 2 * 2 / (4 + 2), of the others 0.
    assert metrics["accuracy"]["baseline"] == pytest.approx(0.5)
    assert metrics["f1_macro"]["baseline"] == pytest.approx(2 / 3 / 3)
    assert metrics["f1_weighted"]["baseline"] == pytest.approx(2 / 3 * 2 / 4)
    assert metrics["accuracy"]["value"] in (0, 0.25, 0.5, 0.75, 1)
    result = ssmi("eval", folder, "--task", "types", "--data", "t.jsonl", "--split-seed", "1", expect=2)
    assert "--split-seed: is of --task mlm and lm" in result.stderr
    result = ssmi("eval", "bimamba-typeseg", "--task", "types", "--data", "t.jsonl", expect=4)
    assert "none of the 35 labels is 'other'" in result.stderr


TYPER = {**CODESSM, "architectures": ["CodeSSMForTokenClassification"],
         "id2label": {"0": "int", "1": "other"}, "num_labels": 2}


@pytest.mark.parametrize("task, config, row", [
    ("mlm", CODESSM, {"pkg": "{}", "text": "a b c d e f a b {}"}),
    ("lm", MAMBA, {"pkg": "{}", "text": "a b c d e f a b {}"}),
    ("code-search", CODESSM, {"doc": "{} c", "code": "def {} ( ) :\n c = 1"}),
    ("types", TYPER, {"code": "def f ( {} , c ) :\n pass", "targets": [["param", "c", "int"]]})])
def test_another_checkpoint_is_judged_on_the_same_items(ssmi, tmp_path, validated, task, config, row):
    text = "".join(json.dumps(row).replace("{}", word) + "\n" for word in "abdef")
    (tmp_path / "d.jsonl").write_text(text)
    folders = [model(ssmi, tmp_path, config, seed) for seed in (1, 2)]
    command = ["eval", folders[0], "--task", task, "--data", "d.jsonl", "--out", "r.json"]
    alone = {}
    for folder in folders:
        ssmi("eval", folder, *command[2:])
        alone[folder] = validated("eval", tmp_path / "r.json")["metrics"]
    printed = ssmi(*command, "--against", folders[1]).stdout
    report = validated("eval", tmp_path / "r.json")
    assert "difference" in printed and report["run"]["against"]["name"] == str(folders[1])
    for name, metric in report["metrics"].items():
        against = metric.pop("against")
        assert metric == alone[folders[0]][name]
        assert against["value"] == alone[folders[1]][name]["value"]
        assert against["difference"] == pytest.approx(metric["value"] - against["value"])
        assert against["low"] <= against["difference"] <= against["high"]
    ssmi(*command, "--against", folders[0])
    for metric in validated("eval", tmp_path / "r.json")["metrics"].values():
        assert metric["against"] == {"value": metric["value"], "difference": 0, "low": 0, "high": 0}


def test_who_cannot_be_asked_the_same_is_refused(ssmi, tmp_path):
    data = corpus(tmp_path / "c.jsonl", ROWS)
    mlm = ["eval", model(ssmi, tmp_path), "--task", "mlm", "--data", data, "--against"]
    assert "has another tokenizer" in ssmi(*mlm, "bimamba-typeseg", expect=4).stderr
    (tmp_path / "t.jsonl").write_text(json.dumps({"code": "def f ( a ) :\n b", "targets": [["param", "a", "int"]]}))
    one, other = (model(ssmi, tmp_path, {**TYPER, "id2label": {"0": name, "1": "other"}}, seed)
                  for seed, name in ((3, "int"), (4, "str")))
    types = ["eval", one, "--task", "types", "--data", "t.jsonl", "--against", other]
    assert "has other labels than" in ssmi(*types, expect=4).stderr
