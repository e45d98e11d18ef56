"""`ssmi train`: runs of the smallest models, broken off in every way."""
import json
import math
import random
import resource
import signal
import subprocess
import time

import pytest

from conftest import ROOT
from word_tokenizer import word_tokenizer

CONFIG = {
    "model": {"model_type": "codessm", "architectures": ["CodeSSMForMaskedLM"], "hidden_size": 16,
              "intermediate_size": 16, "num_hidden_layers": 1, "num_ssm": 4, "type_vocab_size": 1},
    "objective": "mlm", "steps": 60, "length": 16, "batch_tokens": 64, "learning_rate": 0.01,
    "state_learning_rate": 0.001, "final_learning_rate": 0.1, "warmup": 1, "weight_decay": 0.01,
    "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-8, "clip": 1.0, "checkpoint_every": 7,
    "validate_every": 20, "log_every": 5, "validation_tokens": 200, "seed": 3}


@pytest.fixture
def command(tmp_path):
    """The arguments of a run, whose files lie in tmp_path."""
    choose = random.Random(1)
    rows = [{"pkg": f"p{i % 40}", "text": " ".join(choose.choice(["a b c", "d e f"]) for _ in range(20))}
            for i in range(200)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    word_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return ["train", "--config", "config.json", "--data", "corpus.jsonl", "--tokenizer", "tokenizer.json",
            "--threads", "1", "--out"]


def last(folder, steps=60):
    checkpoint = folder / f"step-{steps:08}"
    return {path.name: path.read_bytes() for path in sorted(checkpoint.iterdir())}


def test_a_run_learns_and_its_checkpoints_open(ssmi, command, tmp_path):
    ssmi(*command, "run", "--set", "steps=400", "--set", "checkpoint_every=200")
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == list(range(5, 401, 5))
    checks = [line for line in log if "validation_loss" in line]
    assert [line["step"] for line in checks] == list(range(20, 401, 20))
    # Whoever knows how often words come, but not what is beside them, is at log 6 or above.
    assert checks[-1]["validation_loss"] < 0.75 * math.log(6)
    assert checks[-1]["validation_accuracy"] > 2 / 6
    assert {"loss", "gradient_norm", "learning_rate", "tokens", "tokens_per_second"} <= log[0].keys()
    described = json.loads(ssmi("inspect", "run/step-00000400", "--json").stdout)
    assert described["architecture"] == "codessm"
    ssmi("tokens", "run/step-00000400", stdin="a b c")
    ssmi("eval", "run/step-00000400", "--task", "mlm", "--data", "corpus.jsonl", "--out", "e.json")


def test_equal_runs_have_equal_bytes_and_another_seed_others(ssmi, command, tmp_path):
    ssmi(*command, "one")
    ssmi(*command, "two")
    ssmi(*command, "other", "--set", "seed=4")
    assert last(tmp_path / "one") == last(tmp_path / "two")
    assert last(tmp_path / "one") != last(tmp_path / "other")


def test_a_killed_run_goes_on_to_the_same_bytes(binary, ssmi, command, tmp_path):
    command[-1:-1] = ["--set", "steps=400"]
    ssmi(*command, "whole")
    delays = random.Random(5)
    kills = 0
    for _ in range(40):
        process = subprocess.Popen([binary, *command, "killed"], cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            assert process.wait(delays.uniform(0.15, 0.9)) == 0
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    else:
        ssmi(*command, "killed")
    assert kills > 0
    assert last(tmp_path / "killed", 400) == last(tmp_path / "whole", 400)


def test_terminated_it_leaves_a_checkpoint(binary, ssmi, command, tmp_path):
    long = ["--set", "steps=1500", "--set", "checkpoint_every=5000", "--set", "log_every=400"]
    process = subprocess.Popen([binary, *command, "run", *long], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "run/log.jsonl"
    for _ in range(600):
        if log.exists() and log.read_text().count("\n") > 2:
            break
        time.sleep(0.05)
    busy = ssmi(*command, "run", *long, expect=4).stderr
    assert "another process is at work there" in busy
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "the same command goes on" in said
    checkpoints = sorted(path.name for path in (tmp_path / "run").glob("step-*"))
    assert len(checkpoints) == 1
    assert (tmp_path / "run" / checkpoints[0] / "optimizer.safetensors").exists()
    ssmi(*command, "run", *long)
    ssmi(*command, "whole", *long)
    assert last(tmp_path / "run", 1500) == last(tmp_path / "whole", 1500)
    given = []
    for run in ("run", "whole"):
        lines = map(json.loads, (tmp_path / run / "log.jsonl").read_text().splitlines())
        given.append(sum(line.get("tokens", 0) for line in lines))
    assert given[0] == given[1] > 0


def test_a_full_disk_leaves_the_last_checkpoint(binary, ssmi, command, tmp_path):
    ssmi(*command, "run", "--set", "steps=7")
    (tmp_path / "run/run.json").unlink()  # the same run, only longer
    before = last(tmp_path / "run", 7)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    result = subprocess.run([binary, *command, "run"], cwd=tmp_path, preexec_fn=limit, text=True,
                            capture_output=True)
    assert result.returncode == 6, result.stderr
    assert "cannot write" in result.stderr or "disk" in result.stderr
    assert last(tmp_path / "run", 7) == before
    assert not list((tmp_path / "run").glob("*.partial*"))


@pytest.mark.parametrize("arguments, code, message", [
    (["--resume"], 4, "--resume: run holds no checkpoint to go on from"),
    (["--set", "step=3"], 2, "the configuration has no key 'step'"),
    (["--set", "batch_tokens=17"], 3, "expected a multiple of 'length'"),
    (["--set", "model.vocab_size=5"], 4, "'vocab_size' is 5, but the tokenizer has 11 tokens"),
    (["--set", "model.high_freqency=true"], 3, "config.json: model: key 'high_freqency' is not known"),
    (["--set", "model.intermediate_size=16000000", "--set", "model.hidden_size=16000000"], 5,
     "with gradients and the optimiser's state; this machine has"),
    (["--set", "warmup=60"], 3, "'warmup' is 60, expected fewer than 'steps', which is 60"),
    (["--set", "learning_rate=10", "--set", "weight_decay=1", "--set", "steps=400"], 1, "there is no checkpoint yet"),
    (["--data", "none.jsonl"], 6, "none.jsonl"),
    (["--set", "objective=lm"], 4, "sees the tokens behind the one it is at"),
    (["--tokenizer", "config.json"], 2, "expected a tokenizer.json or a folder with a tokenizer"),
])
def test_what_is_wrong_is_said(ssmi, command, tmp_path, arguments, code, message):
    arguments = [*command, "run", *arguments]
    for option in ("--data", "--tokenizer"):
        if arguments.count(option) > 1:
            at = arguments.index(option)
            del arguments[at:at + 2]
    assert message in ssmi(*arguments, expect=code).stderr
    assert "--resume" not in arguments or not (tmp_path / "run").exists()


def test_a_key_that_the_architecture_knows_can_be_added(ssmi, command, tmp_path):
    ssmi(*command, "run", "--set", "steps=2", "--set", "model.hidden_size=64", "--set", "model.high_frequency=true")
    assert json.loads((tmp_path / "run/step-00000002/config.json").read_text())["high_frequency"] is True


BIMAMBA = {"model_type": "bimamba", "norm": "layer_norm", "bidirectional": "shared_weights_sum", "use_bias": True,
           "use_x_proj_bias": True, "use_conv_bias": True, "conv_kernel": 4, "conv_padding": [1, 2],
           "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "state_size": 4,
           "time_step_rank": 1, "num_labels": 11, "layer_norm_epsilon": 1e-6, "time_step_floor_added": 1e-4}


def test_a_mamba_that_reads_both_ways_is_a_bimamba(ssmi, command, tmp_path):
    config = {**CONFIG, "steps": 2, "model": BIMAMBA}
    (tmp_path / "config.json").write_text(json.dumps(config))
    ssmi(*command, "run")
    ssmi("eval", "run/step-00000002", "--task", "mlm", "--data", "corpus.jsonl", "--out", "e.json")
    config["model"] = {"model_type": "mamba", "hidden_size": 16, "num_hidden_layers": 1, "bidirectional": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "is model_type: bimamba" in ssmi(*command, "mamba", expect=3).stderr


def test_the_configurations_of_the_repository_have_known_keys(ssmi, command):
    for path in sorted((ROOT / "configs/train").glob("*.json")):
        command[2] = path
        ssmi(*command, path.stem, "--set", "steps=1", "--set", "warmup=0", "--set", "length=16", "--set",
             "batch_tokens=16", "--set", "layers=1")


TUNING = {key: value for key, value in CONFIG.items() if key not in ("model", "objective")}


@pytest.fixture
def tuning(ssmi, command, tmp_path):
    """The arguments of a fine-tuning of a checkpoint of seven steps, but for task and data."""
    ssmi(*command, "base", "--set", "steps=7")
    (tmp_path / "tuning.json").write_text(json.dumps(TUNING))
    return ["finetune", "base/step-00000007", "--config", "tuning.json", "--threads", "1", "--out"]


def validations(folder):
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in log if "validation_loss" in line]


def test_code_search_is_learned_of_functions_and_of_answers(ssmi, tuning, tmp_path):
    rows = [{"doc": f"{x} {y} {x}", "code": f"{x} {x} {y} {y}"} for x in "abcdef" for y in "abcdef" if x != y] * 4
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ssmi(*tuning, "tuned", "--task", "code-search", "--data", "pairs.jsonl", "--set", "steps=100")
    losses = [line["validation_loss"] for line in validations(tmp_path / "tuned")]
    assert losses[-1] < 0.7 * losses[0]
    config = json.loads((tmp_path / "tuned/step-00000100/config.json").read_text())
    assert config["architectures"] == ["CodeSSMModel"]
    answers = [{**row, "label": 1} for row in rows] + [{"doc": "a", "code": "b", "label": 0}]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    (tmp_path / "once.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:len(rows) // 4]))
    result = ssmi(*tuning, "sqa", "--task", "sqa", "--data", "answers.json", "--set", "steps=3")
    assert "left out 91 of 121 rows" in result.stderr  # 30 titles, each four times
    ssmi(*tuning, "search", "--task", "code-search", "--data", "once.jsonl", "--set", "steps=3")
    assert last(tmp_path / "sqa", 3) == last(tmp_path / "search", 3)  # the same work on the same pairs
    assert json.loads((tmp_path / "sqa/run.json").read_text())["config"]["objective"] == "sqa"


def test_types_are_learned_and_judged(ssmi, tuning, tmp_path):
    rows = [{"code": f"def f(a, b):\n    return a if {word} else b\n",
             "targets": [["param", "a", "int"], ["param", "b", "str"]]} for word in "abcdef"] * 20
    (tmp_path / "types.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["--task", "types", "--data", "types.jsonl", "--classes", "2", "--set", "length=32", "--set",
                 "batch_tokens=128"]
    ssmi(*tuning, "tuned", *arguments)
    checkpoint = tmp_path / "tuned/step-00000060"
    assert json.loads((checkpoint / "config.json").read_text())["id2label"] == {
        "0": "int", "1": "str", "2": "other"}
    ssmi("eval", checkpoint, "--task", "types", "--data", "types.jsonl", "--out", "r.json")
    ssmi(*tuning, "scratch", *arguments, "--from-scratch")
    assert last(tmp_path / "scratch") != last(tmp_path / "tuned")


@pytest.mark.parametrize("model, name, code", [
    ("bimamba-typeseg", "bimamba", 0), ("mamba", "mamba", 4), ("mamba2", "mamba2", 4), ("falcon_mamba", "falcon_mamba", 4)])
def test_types_are_learned_by_a_classifier_of_tokens_alone(ssmi, tuning, tmp_path, model, name, code):
    if model != "bimamba-typeseg":
        config = {"model_type": model, "architectures": ["MambaForCausalLM"], "hidden_size": 16, "num_hidden_layers": 1,
                  "vocab_size": 11, "state_size": 4, "head_dim": 8, "num_heads": 4, "n_groups": 1}
        (tmp_path / "model.json").write_text(json.dumps(config))
        ssmi("init", "--config", "model.json", "--out", "causal")
        word_tokenizer().save(str(tmp_path / "causal/tokenizer.json"))
        model = "causal"
    row = {"code": "def f(a, b):\n    return a\n", "targets": [["param", "a", "int"], ["param", "b", "str"]]}
    (tmp_path / "types.jsonl").write_text((json.dumps(row) + "\n") * 30)
    tuning[1] = model
    said = ssmi(*tuning, "tuned", "--task", "types", "--data", "types.jsonl", "--set", "steps=2", expect=code).stderr
    assert code == 0 or f"the model ({name}) has no head that classifies tokens; known are those of bert" in said
    if code == 0:
        assert json.loads((tmp_path / "tuned/step-00000002/config.json").read_text())["num_labels"] == 3
    assert (tmp_path / "tuned").exists() == (code == 0)


@pytest.mark.parametrize("task, what", [
    ("code-search", {"doc": "a b", "code": "c d"}),
    ("types", {"code": "def f(a):\n    return a\n", "targets": [["param", "a", "int"]]})])
def test_what_models_are_judged_on_is_not_trained_on(ssmi, tuning, tmp_path, task, what):
    rows = [what] * 40 + [{"pkg": "python3-tornado", **what}, {"path": "lib/networkx/a1.py", **what}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["--task", task, "--data", "rows.jsonl", "--set", "steps=2"]
    assert "left out 2 rows of the packages that ssmi eval judges on" in ssmi(*tuning, "run", *arguments).stderr
    (tmp_path / "rows.jsonl").write_text(json.dumps(rows[-1]) + "\n")
    ssmi(*tuning, "none", *arguments, expect=3)


def test_more_of_the_same_starts_from_the_checkpoint(ssmi, tuning, tmp_path):
    rest = ["--task", "mlm", "--data", "corpus.jsonl", "--set", "learning_rate=0", "--set",
            "state_learning_rate=0", "--set", "steps=7"]
    ssmi(*tuning, "more", *rest)
    base, more = last(tmp_path / "base", 7), last(tmp_path / "more", 7)
    assert base["model.safetensors"] == more["model.safetensors"]
    assert json.loads(base["config.json"]) == json.loads(more["config.json"])


def test_a_head_that_stays_keeps_its_weights_and_another_is_refused(ssmi, tuning, tmp_path):
    config = tmp_path / "base/step-00000007/config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "num_labels": 7}))
    still = ["--task", "mlm", "--set", "learning_rate=0", "--set", "state_learning_rate=0", "--set", "steps=7"]
    ssmi(*tuning, "more", "--data", "corpus.jsonl", *still)
    assert last(tmp_path / "base", 7)["model.safetensors"] == last(tmp_path / "more", 7)["model.safetensors"]
    config.write_text(json.dumps({**json.loads(config.read_text()),
                                  "architectures": ["CodeSSMForTokenClassification"]}))
    ssmi("init", "--config", config, "--out", "other")
    word_tokenizer().save(str(tmp_path / "other/tokenizer.json"))
    tuning[1] = "other"
    error = ssmi(*tuning, "wrong", "--data", "corpus.jsonl", *still, expect=4).stderr
    assert "it is none that names tokens" in error


def test_another_run_in_the_folder_is_refused(ssmi, command, tmp_path):
    ssmi(*command, "run", "--set", "steps=7")
    error = ssmi(*command, "run", "--set", "steps=7", "--set", "seed=9", expect=4).stderr
    assert "holds another run: config/seed was 3, now 9" in error


def test_what_finetune_decides_cannot_be_set(ssmi, tuning, tmp_path):
    for value in ("objective=types", "model.hidden_size=4"):
        assert "has no key" in ssmi(*tuning, "x", "--task", "mlm", "--data", "corpus.jsonl", "--set", value,
                                    expect=2).stderr


def test_one_pair_a_step_teaches_nothing(ssmi, tuning, tmp_path):
    (tmp_path / "pairs.jsonl").write_text('{"doc": "a", "code": "b"}\n' * 40)
    one = ["--set", f"batch_tokens={TUNING['length']}"]
    assert "nothing to tell it from" in ssmi(*tuning, "x", "--task", "code-search", "--data", "pairs.jsonl", *one,
                                             expect=4).stderr


def test_a_corpus_of_one_package_trains_without_validation(ssmi, command, tmp_path):
    rows = [json.loads(line) for line in (tmp_path / "corpus.jsonl").read_text().splitlines()]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps({**row, "pkg": "one"}) + "\n" for row in rows))
    ssmi(*command, "run", "--set", "steps=20")
    assert validations(tmp_path / "run") == []


def test_windows_longer_than_a_model_has_positions_for_are_refused(ssmi, command, tmp_path):
    config = json.loads((tmp_path / "config.json").read_text())
    config["model"] = {"model_type": "roberta", "architectures": ["RobertaForMaskedLM"], "hidden_size": 16,
                       "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "max_position_embeddings": CONFIG["length"], "type_vocab_size": 1, "pad_token_id": 0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "the model has positions for" in ssmi(*command, "run", expect=4).stderr
