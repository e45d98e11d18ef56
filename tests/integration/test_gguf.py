"""GGUF files, written by the reference's package, give what the same weights give as safetensors."""
import json
import lzma

import gguf
import numpy as np
import parity_cases as parity
import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from conftest import ROOT
from gguf_files import TYPES, add_tokenizer, finish, write_gguf
from test_model import read, write
from tokenizer_reference import check_equal, functions, random_texts

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+"
          r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def golden(case):
    folder = parity.GOLDEN / case
    return json.loads((folder / "config.json").read_text()), read(folder / "model.safetensors")


def embed(ssmi, folder, model, ids, *options):
    write(folder / "ids.safetensors", {"input_ids": ids})
    ssmi("embed", model, "--ids", "ids.safetensors", "--out", "out.safetensors", *options)
    return read(folder / "out.safetensors")


@pytest.mark.parametrize("case", ["llama", "llama-linear", "llama-old", "qwen2", "starcoder2",
                                  "starcoder2-untied"])
def test_float32_gives_the_reference(ssmi, tmp_path, case):
    reference = parity.Reference(case)
    write_gguf(tmp_path / "m.gguf", *golden(case))
    ids, mask = parity.padded_on_both_sides(reference.rows)
    write(tmp_path / "ids.safetensors", {"input_ids": ids, "attention_mask": mask})
    logits = ["--logits"] if "logits" in reference.tensors else []
    ssmi("embed", "m.gguf", "--ids", "ids.safetensors", "--out", "out.safetensors", *logits)
    worst = parity.errors(reference, 2 * list(range(len(reference.rows))),
                          read(tmp_path / "out.safetensors"), mask)
    assert worst["hidden states"] <= parity.BOUND and worst["logits"] <= parity.BOUND


@pytest.mark.parametrize(("case", "kind"), [*(("llama", kind) for kind in TYPES),
                                            ("qwen2", "Q5_1")])
def test_every_type_gives_what_its_values_give(ssmi, tmp_path, case, kind):
    config, tensors = golden(case)
    values = write_gguf(tmp_path / "m.gguf", config, tensors, kind)
    assert kind == "F32" or any(np.any(values[name] != tensors[name]) for name in tensors)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/config.json").write_text(json.dumps(config))
    write(tmp_path / "folder/model.safetensors", values)
    ids = np.arange(1, 25)[None].astype(np.int64)
    found = embed(ssmi, tmp_path, "m.gguf", ids)
    expected = embed(ssmi, tmp_path, "folder", ids)
    assert set(found) == set(expected) and "hidden_states.2" in found
    for name, value in expected.items():
        assert np.array_equal(found[name], value), name


def test_inspect_says_how_the_tensors_are_stored(ssmi, tmp_path, validated):
    config, tensors = golden("llama")
    write_gguf(tmp_path / "m.gguf", config, tensors, "Q8_0")
    report = validated("inspect", ssmi("inspect", "m.gguf", "--json").stdout)
    assert report["architecture"] == "llama" and report["analyses"] == ["probe"]
    assert report["parameters"] == sum(tensor.size for tensor in tensors.values())
    stored = {tensor["name"]: tensor["dtype"] for tensor in report["tensors"]}
    assert stored["model.layers.0.self_attn.q_proj.weight"] == "Q8_0"
    assert stored["model.layers.0.mlp.down_proj.weight"] == "F32"  # rows of 48
    assert "GGUF: tensors are stored as 7 F32, 13 Q8_0" in report["notes"][0]


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


DIGITS = pre_tokenizers.Digits(individual_digits=True)
FAMILIES = {  # the steps of each family's tokenizer.json
    "gpt-2": [byte_level(use_regex=True)],
    "smollm": [DIGITS, byte_level(use_regex=True)],
    "starcoder": [DIGITS, byte_level(use_regex=True)],
    "llama-bpe": [split(LLAMA3), byte_level()],
    "qwen2": [split(LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")), byte_level()],
    "deepseek-coder": [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
                       split("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), DIGITS, byte_level()],
}


@pytest.fixture(scope="session")
def texts():
    with lzma.open(ROOT / "share/data/python-functions.jsonl.xz", "rt", encoding="utf-8") as file:
        return functions(file)


def trained(family, texts):
    out = Tokenizer(models.BPE(ignore_merges=family == "llama-bpe"))
    out.pre_tokenizer = pre_tokenizers.Sequence(FAMILIES[family])
    if family == "qwen2":
        out.normalizer = normalizers.NFC()
    out.train_from_iterator([text.decode() for text in texts[::20]], trainers.BpeTrainer(
        vocab_size=900, special_tokens=["<|endoftext|>", "<s>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    out.add_tokens(["self.", "    "])
    return out


@pytest.mark.parametrize("family", FAMILIES)
def test_tokenizers_give_the_ids_of_the_reference(binary, tmp_path, texts, family):
    reference = trained(family, texts)
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    add_tokenizer(writer, reference, family)
    finish(writer)
    check_equal(binary.parent / "tokenize", tmp_path, reference, random_texts(4000) + texts[::50])


def test_a_marker_before_the_text_and_text_through_the_model(ssmi, validated, tmp_path, texts):
    reference = trained("smollm", texts)
    config, tensors = golden("llama")
    rows = len(reference.get_vocab())
    rng = np.random.default_rng(1)
    tensors["embed_tokens.weight"] = rng.standard_normal((rows, 32)).astype(np.float32)
    write_gguf(tmp_path / "m.gguf", config, tensors, "Q4_0",
               lambda writer: add_tokenizer(writer, reference, "smollm", bos=1))
    text = "def f(self):\n    return self.x<|endoftext|>12"
    expected = [1, *reference.encode(text).ids]
    tokens = validated("tokens", ssmi("tokens", "m.gguf", "--json", stdin=text).stdout)
    assert tokens["ids"] == expected and "self." in tokens["tokens"]
    by_text = ("embed", "m.gguf", "--text", text, "--logits", "--out", "text.safetensors")
    assert "tensors are stored as" in ssmi(*by_text).stderr
    found = read(tmp_path / "text.safetensors")
    assert found["logits"].shape == (1, len(expected), rows)
    ids = embed(ssmi, tmp_path, "m.gguf", np.array([expected]))
    assert np.array_equal(ids["hidden_states.2"], found["hidden_states.2"])


def refused(ssmi, tmp_path, *messages, command="inspect"):
    result = ssmi(command, "m.gguf", expect=3)
    for message in ("m.gguf", *messages):
        assert message in result.stderr


CHANGES = [
    ("block_count", 3, "missing tensors: 'model.layers.2."),
    ("embedding_length", 64, "has shape [96, 32], m.gguf says [96, 64]"),
    ("attention.head_count", 0, "should be an integer from 1"),
    ("attention.head_count", 3, "does not divide among 3 heads"),
    ("attention.head_count", 32, "has 32 rows of 4096 bytes in all, expected whole pairs of 32 heads"),
    ("attention.key_length", 10, "says [40, 32]"),
    ("attention.value_length", 4, "'llama.attention.value_length' is 4, only 8 is supported"),
    ("rope.dimension_count", 4, "'llama.rope.dimension_count' is 4, only 8 is supported"),
    ("attention.sliding_window", 5, "'llama.attention.sliding_window' is not known"),
    ("expert_count", 8, "has 8 experts"),
]


@pytest.mark.parametrize(("key", "value", "message"), CHANGES)
def test_metadata_that_do_not_fit_are_refused(ssmi, tmp_path, key, value, message):
    def change(writer):
        writer.kv_data[0].pop(f"llama.{key}", None)
        writer.add_uint32(f"llama.{key}", value)

    write_gguf(tmp_path / "m.gguf", *golden("llama"), more=change)
    refused(ssmi, tmp_path, message)


def test_other_scalings_of_positions_are_refused(ssmi, tmp_path):
    write_gguf(tmp_path / "m.gguf", *golden("llama"),
               more=lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.YARN))
    refused(ssmi, tmp_path, "'llama.rope.scaling.type' is 'yarn', supported are none and linear")


@pytest.mark.parametrize(("name", "message"), [
    ("rope_freqs.weight", "rotary frequencies of its own"),
    ("blk.0.attn_q_norm.weight", "unexpected tensors: 'blk.0.attn_q_norm.weight'"),
    ("model.norm.weight", "is 'model.norm.weight' a second time")])
def test_other_tensors_are_refused(ssmi, tmp_path, name, message):
    write_gguf(tmp_path / "m.gguf", *golden("llama"),
               more=lambda writer: writer.add_tensor(name, np.ones(4, np.float32)))
    refused(ssmi, tmp_path, message)


def test_other_architectures_are_refused_by_name(ssmi, tmp_path):
    write_gguf(tmp_path / "m.gguf", *golden("llama"), architecture="mamba")
    refused(ssmi, tmp_path, "'mamba', of which are read: llama, qwen2, starcoder2")
    (tmp_path / "f.jsonl").write_text('{"code": "x = 1"}\n')
    for command in (["probe", "m.gguf", "--data", "f.jsonl"], ["spectrum", "m.gguf"]):
        assert "'mamba'" in ssmi(*command, "--out", "r", expect=3).stderr


def test_parts_of_a_model_and_adapters_are_refused(ssmi, tmp_path):
    write_gguf(tmp_path / "m.gguf", *golden("llama"),
               more=lambda writer: writer.add_uint16("split.count", 2))
    refused(ssmi, tmp_path, "is one of 2 parts of a model", "--merge")
    write_gguf(tmp_path / "m.gguf", *golden("llama"), more=lambda writer: writer.add_type("adapter"))
    refused(ssmi, tmp_path, "holds 'adapter', expected a model")


def test_other_types_are_refused_by_name(ssmi, tmp_path):
    kind = gguf.GGMLQuantizationType.Q4_K
    write_gguf(tmp_path / "m.gguf", *golden("llama"), more=lambda writer: writer.add_tensor(
        "output.weight", np.zeros((96, 144), np.uint8), raw_dtype=kind))
    refused(ssmi, tmp_path, "tensor 'output.weight' is stored as Q4_K; read are F32, F16, BF16")


def test_a_file_cut_short_is_refused(ssmi, tmp_path):
    write_gguf(tmp_path / "m.gguf", *golden("llama"))
    whole = (tmp_path / "m.gguf").read_bytes()
    for size in (10, 500, 1500, len(whole) // 2, len(whole) - 40):
        (tmp_path / "m.gguf").write_bytes(whole[:size])
        refused(ssmi, tmp_path)


def with_tokenizer(path, change):
    writer = gguf.GGUFWriter(path, "llama")
    add_tokenizer(writer, Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])), "gpt-2")
    change(writer)
    finish(writer)


@pytest.mark.parametrize(("key", "value", "message"), [
    ("pre", "gpt-5", "as 'gpt-5' does ('tokenizer.ggml.pre'), of which are known: deepseek-coder,"),
    ("pre", None, "metadata 'tokenizer.ggml.pre' is missing"),
    ("model", "llama", "its tokenizer is 'llama', of which only 'gpt2'"),
    ("tokens", ["a", "b"], "'tokenizer.ggml.token_type' has 3 elements, expected one for each of 2"),
    ("merges", ["a b", "b b"], "merge 1 needs token 'bb', which the vocabulary lacks"),
    ("add_space_prefix", True, "'tokenizer.ggml.add_space_prefix' is true"),
    ("add_bos_token", True, "'tokenizer.ggml.bos_token_id' is missing"),
])
def test_other_tokenizers_are_refused_by_name(ssmi, tmp_path, key, value, message):
    def change(writer):
        name = f"tokenizer.ggml.{key}"
        writer.kv_data[0].pop(name, None)
        if isinstance(value, list):
            writer.add_array(name, value)
        elif value is not None:
            writer.add_key_value(name, value, gguf.GGUFValueType.get_type(value))

    with_tokenizer(tmp_path / "m.gguf", change)
    refused(ssmi, tmp_path, message, command="tokens")


def test_a_folder_with_one_gguf_file_is_that_file(ssmi, tmp_path):
    config, tensors = golden("llama")
    (tmp_path / "d").mkdir()
    write_gguf(tmp_path / "d/m.gguf", config, tensors)
    by_folder = ssmi("inspect", "d").stdout
    assert by_folder == ssmi("inspect", "d/m.gguf").stdout
    (tmp_path / "d/config.json").write_text("no JSON, and of no use to a GGUF file")
    assert ssmi("inspect", "d").stdout == by_folder
    (tmp_path / "d/config.json").unlink()
    (tmp_path / "d/n.gguf").write_bytes((tmp_path / "d/m.gguf").read_bytes())
    assert "'m.gguf', 'n.gguf'; name the one" in ssmi("inspect", "d", expect=3).stderr


def test_like_makes_a_folder_with_the_configuration(ssmi, tmp_path):
    write_gguf(tmp_path / "m.gguf", *golden("qwen2"))
    ssmi("init", "--like", "m.gguf", "--seed", 1, "--out", "twin")
    config = json.loads((tmp_path / "twin/config.json").read_text())
    expected, _ = golden("qwen2")
    for key in ("model_type", "hidden_size", "num_key_value_heads", "vocab_size", "architectures"):
        assert config[key] == expected[key]
