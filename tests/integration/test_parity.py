"""ssmi gives the numbers of transformers, whatever the batch and the padding."""
import json
import re

import numpy as np
import parity_cases as parity
import pytest
from conftest import ROOT
from test_model import read, write

FAMILIES = {"bert", "falcon_mamba", "gpt2", "gpt_neox", "llama", "mamba", "mamba2", "qwen2",
            "roberta", "rocoder", "starcoder2"}


def options_of(reference):
    return [*(["--logits"] if "logits" in reference.tensors else []),
            *(["--attentions"] if reference.is_attentive else [])]


def check(worst):
    assert worst["hidden states"] <= parity.BOUND
    assert worst["logits"] <= parity.BOUND
    assert worst["probabilities"] <= parity.PROBABILITY_BOUND


@pytest.mark.parametrize("case", parity.CASES)
def test_rows_padded_on_both_sides_give_the_reference(ssmi, tmp_path, case):
    reference = parity.Reference(case)
    ids, mask = parity.padded_on_both_sides(reference.rows)
    output = parity.embed(ssmi, tmp_path, case, ids, mask, *options_of(reference))
    check(parity.errors(reference, 2 * list(range(len(reference.rows))), output, mask))


@pytest.mark.parametrize("case", [case for case in parity.CASES
                                  if parity.Reference(case).is_attentive])
def test_attention_without_probabilities_gives_the_reference(ssmi, tmp_path, case):
    """LibTorch's fused attention, rows of equal length in one call."""
    reference = parity.Reference(case)
    ids, mask = parity.padded_on_both_sides(reference.rows)
    output = parity.embed(ssmi, tmp_path, case, ids, mask)
    check(parity.errors(reference, 2 * list(range(len(reference.rows))), output, mask))


@pytest.mark.parametrize("case", ["bert", "roberta-sequence", "rocoder", "gpt2-lm", "neox", "llama",
                                  "qwen2-window", "starcoder2", "mamba", "mamba-original", "mamba2",
                                  "falcon-mamba-lm"])
def test_a_row_alone_gives_the_reference(ssmi, tmp_path, case):
    reference = parity.Reference(case)
    row = max(range(len(reference.rows)), key=lambda r: len(reference.rows[r]))
    ids = reference.rows[row][None]
    output = parity.embed(ssmi, tmp_path, case, ids, np.ones_like(ids), *options_of(reference))
    check(parity.errors(reference, [row], output, np.ones_like(ids)))


def test_probabilities_of_data_lie_in_the_packed_file(ssmi, tmp_path):
    """The byte tokenizer's ids, so that rows of texts can be given as ids too."""
    config = json.loads((parity.GOLDEN / "bert/config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"tokenizer": "bytes",
                                                               "vocab_size": 130}))
    ssmi("init", "--config", "config.json", "--seed", 1, "--out", "model")
    (tmp_path / "data.jsonl").write_text('{"code": "x=1"}\n{"code": "f(x)"}\n')
    ssmi("embed", "model", "--data", "data.jsonl", "--attentions", "--out", "packed.safetensors")
    packed = read(tmp_path / "packed.safetensors")
    for row, text in enumerate(("x=1", "f(x)")):
        ssmi("embed", "model", "--text", text, "--attentions", "--out", "alone.safetensors")
        alone = read(tmp_path / "alone.safetensors")
        for layer in (1, 2):
            found = packed[f"attentions.{layer}.{row}"]
            assert np.abs(found.sum(-1) - 1).max() <= 1e-6
            assert np.array_equal(found, alone[f"attentions.{layer}.0"])


def test_an_architecture_without_attention_has_no_probabilities(ssmi):
    result = ssmi("embed", "bimamba-typeseg", "--text", "x", "--attentions", "--out", "e.safetensors",
                  expect=4)
    assert "a bimamba has no site 'attention_probs'" in result.stderr


CHANGES = [
    ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "of type 'yarn'"),
    ("llama", {"num_key_value_heads": 3}, "a multiple of 'num_key_value_heads', which is 3"),
    ("llama", {"head_dim": 16}, "has shape [32, 32], config.json says [64, 32]"),
    ("neox", {"rope_parameters": {"partial_rotary_factor": 0.2}}, "rotary positions of 3 of"),
    ("qwen2-window", {"layer_types": ["full_attention"]}, "a list of 2 types"),
    ("qwen2-window", {"layer_types": ["full_attention", "chunked_attention"]}, "chunked_attention"),
    ("bert", {"num_attention_heads": 5}, "expected a multiple of 'num_attention_heads', which is 5"),
    ("bert", {"hidden_act": "xielu"}, "'hidden_act' is 'xielu', which is not known; known are: gelu"),
    ("bert", {"is_decoder": True}, "'is_decoder' is true"),
    ("bert", {"position_embedding_type": "relative_key"}, "only 'absolute' is supported"),
    ("roberta", {"pad_token_id": 40}, "positions begin at 41"),
    ("rocoder", {"rotary_value": True}, "'rotary_value' is true"),
    ("gpt2", {"n_layer": 3}, "missing tensors: 'transformer.h.2."),
]


@pytest.mark.parametrize(("case", "change", "message"), CHANGES)
def test_a_config_that_does_not_fit_is_refused(ssmi, tmp_path, case, change, message):
    config = json.loads((parity.GOLDEN / case / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    weights = (parity.GOLDEN / case / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    assert message in ssmi("inspect", ".", expect=3).stderr


def test_a_row_longer_than_the_positions_is_refused(ssmi, tmp_path):
    """RoBERTa's table of 24 has positions for 22 tokens."""
    ids = np.full((1, 23), 5, np.int64)
    write(tmp_path / "ids.safetensors", {"input_ids": ids})
    result = ssmi("embed", parity.GOLDEN / "roberta", "--ids", "ids.safetensors", "--out", "o", expect=4)
    assert "a row has 23 tokens, the model has positions for 22" in result.stderr


def test_all_architectures_are_there():
    kinds = {json.loads((parity.GOLDEN / case / "config.json").read_text()).get("model_type")
             for case in parity.CASES}
    assert kinds - {None} == FAMILIES
    lengths = {len(row) for case in parity.CASES for row in parity.Reference(case).rows}
    assert {1, 2} <= lengths and max(lengths) > 4


def test_the_table_lists_every_case():
    table = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([^`]+)` \|", table, re.M)
    assert listed == parity.CASES


def test_norms_named_as_the_first_bert_checkpoints_do(ssmi, tmp_path):
    source, old = parity.GOLDEN / "bert-masked-lm", tmp_path / "old"
    old.mkdir()
    (old / "config.json").write_bytes((source / "config.json").read_bytes())
    tensors = read(source / "model.safetensors")
    renamed = {name.replace("LayerNorm.weight", "LayerNorm.gamma")
               .replace("LayerNorm.bias", "LayerNorm.beta"): value
               for name, value in tensors.items()}
    changed = len(set(renamed) - set(tensors))
    assert changed > 4
    write(old / "model.safetensors", renamed)
    outputs = []
    for folder in (source, old):
        write(tmp_path / "ids.safetensors", {"input_ids": np.array([[5, 7, 3]])})
        result = ssmi("embed", folder, "--ids", "ids.safetensors", "--logits", "--out", "o.st")
        outputs.append((tmp_path / "o.st").read_bytes())
    assert f"read gamma and beta as weight and bias in {changed} tensors" in result.stderr
    assert outputs[0] == outputs[1]


def moved(**keys):
    """rope_parameters out of a config and `keys`, some of its values, into it."""
    def edit(config):
        config.pop("rope_parameters")
        config.update(keys)
    return edit


@pytest.mark.parametrize("case, edit", [
    ("llama-linear", moved(rope_parameters={"rope_type": "linear", "factor": 4.0}, rope_theta=10000)),
    ("llama-linear", moved(rope_scaling={"type": "linear", "factor": 4.0, "rope_theta": 10000.0},
                           rope_parameters={"rope_type": "default", "rope_theta": 7.0},
                           rope_theta=9.0)),
    ("llama-linear", moved(rope_scaling={}, rope_parameters={"rope_type": "linear", "factor": 4.0},
                           rotary_pct=0.5, rotary_emb_base=3)),
    ("neox", moved(rope_parameters={"rope_type": "default"}, rotary_pct="share",
                   rotary_emb_base="base", rope_theta=3.0, partial_rotary_factor=1.0))])
def test_the_rotary_keys_that_the_reference_reads_decide(ssmi, tmp_path, case, edit):
    """As transformers' convert_rope_params_to_dict: rope_scaling, if it is not empty, before
    rope_parameters before the keys beside them."""
    source = parity.GOLDEN / case
    config = json.loads((source / "config.json").read_text())
    old = config["rope_parameters"]
    edit(config)
    names = {"share": old.get("partial_rotary_factor"), "base": old["rope_theta"]}
    config = {key: names.get(value, value) if isinstance(value, str) else value
              for key, value in config.items()}
    folder = tmp_path / "moved"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes())
    write(tmp_path / "ids.safetensors", {"input_ids": np.arange(2, 21)[None]})
    outputs = []
    for model in (source, folder):
        ssmi("embed", model, "--ids", "ids.safetensors", "--out", "out.safetensors")
        outputs.append((tmp_path / "out.safetensors").read_bytes())
    assert outputs[0] == outputs[1]


def test_a_llama_of_which_a_part_rotates_is_refused(ssmi, tmp_path):
    source = parity.GOLDEN / "llama"
    config = json.loads((source / "config.json").read_text()) | {"partial_rotary_factor": 0.5}
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes())
    result = ssmi("inspect", folder, expect=3)
    assert "'partial_rotary_factor' lets" in result.stderr


@pytest.mark.parametrize("case, change, tensors", [
    ("bert-prefixed", {"architectures": ["BertForQuestionAnswering"]}, ["qa_outputs.weight"]),
    ("roberta-masked-lm", {"architectures": ["RobertaForCausalLM"]}, []),
    ("gpt2-lm", {"architectures": ["GPT2DoubleHeadsModel"]}, ["multiple_choice_head.summary.weight"]),
    ("bert-prefixed", {"architectures": []}, [])])
def test_a_model_with_a_head_that_is_not_known_is_read_without_it(ssmi, tmp_path, case, change, tensors):
    source, other = parity.GOLDEN / case, tmp_path / "other"
    other.mkdir()
    config = json.loads((source / "config.json").read_text()) | change
    (other / "config.json").write_text(json.dumps(config))
    extra = {name: np.zeros((2, 32), np.float32) for name in tensors}
    write(other / "model.safetensors", read(source / "model.safetensors") | extra)
    write(tmp_path / "ids.safetensors", {"input_ids": np.array([[5, 7, 3]])})
    states = []
    for folder in (source, other):
        result = ssmi("embed", folder, "--ids", "ids.safetensors", "--out", "o.st")
        states.append(read(tmp_path / "o.st"))
    if change["architectures"]:
        assert f"no head: that of a '{change['architectures'][0]}' is not known" in result.stderr
    for name, values in states[0].items():
        np.testing.assert_array_equal(states[1][name], values)


def test_the_keys_that_gpt2_shares_with_others(ssmi, tmp_path):
    source, other = parity.GOLDEN / "gpt2", tmp_path / "other"
    other.mkdir()
    config = json.loads((source / "config.json").read_text())
    for own, shared in [("n_embd", "hidden_size"), ("n_layer", "num_hidden_layers"),
                        ("n_head", "num_attention_heads"), ("n_positions", "max_position_embeddings")]:
        config[shared] = config.pop(own)
    (other / "config.json").write_text(json.dumps(config))
    (other / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes())
    write(tmp_path / "ids.safetensors", {"input_ids": np.array([[5, 7, 3]])})
    outputs = []
    for folder in (source, other):
        ssmi("embed", folder, "--ids", "ids.safetensors", "--out", "o.st")
        outputs.append((tmp_path / "o.st").read_bytes())
    assert outputs[0] == outputs[1]
