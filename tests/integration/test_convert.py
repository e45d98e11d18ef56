"""`ssmi convert`: any checkpoint as safetensors, in the precision asked for."""
import json

import numpy as np

from gguf_files import write_gguf
from parity_cases import GOLDEN
from test_model import BUNDLED, read, write
from word_tokenizer import word_tokenizer


def states(ssmi, tmp_path, model):
    ssmi("embed", model, "--text", "def f(x):\n    return x\n", "--logits", "--out", "out.safetensors")
    return {name: value for name, value in read(tmp_path / "out.safetensors").items()
            if name.startswith(("hidden", "final", "logits"))}


def test_float32_changes_nothing(ssmi, tmp_path):
    printed = ssmi("convert", BUNDLED, "--out", "same").stdout
    assert "same: bimamba with 1364035 parameters, 5.5 MB in float32" in printed
    for name, value in states(ssmi, tmp_path, BUNDLED).items():
        assert np.array_equal(value, states(ssmi, tmp_path, "same")[name]), name


def test_float16_rounds_matrices_alone(ssmi, tmp_path):
    ssmi("convert", BUNDLED, "--out", "half", "--dtype", "float16")
    whole, half = (read(folder / "model.safetensors") for folder in (BUNDLED, tmp_path / "half"))
    assert set(whole) == set(half)
    for name, value in whole.items():
        kept = value.ndim == 1 or "A_log" in name or name.endswith(".D")
        assert half[name].dtype == (np.float32 if kept else np.float16), name
        assert np.array_equal(half[name], value if kept else value.astype(np.float16)), name


def test_the_tokenizer_comes_along(ssmi, tmp_path):
    ssmi("convert", GOLDEN / "roberta", "--out", "bare")
    assert {p.name for p in (tmp_path / "bare").iterdir()} == {"config.json", "model.safetensors"}
    word_tokenizer().save(str(tmp_path / "bare/tokenizer.json"))
    (tmp_path / "bare/tokenizer_config.json").write_text("{}")
    ssmi("convert", "bare", "--out", "copy", "--dtype", "bfloat16")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "bare" / name).read_bytes()


def test_the_config_says_the_new_precision(ssmi, tmp_path):
    ssmi("convert", BUNDLED, "--out", "named")
    config = json.loads((tmp_path / "named/config.json").read_text())
    (tmp_path / "named/config.json").write_text(json.dumps({**config, "torch_dtype": "float32"}))
    ssmi("convert", "named", "--out", "half", "--dtype", "bfloat16")
    made = json.loads((tmp_path / "half/config.json").read_text())
    assert made == {**config, "torch_dtype": "bfloat16"}


def test_a_value_beyond_float16_is_refused(ssmi, tmp_path):
    ssmi("convert", BUNDLED, "--out", "large")
    tensors = read(tmp_path / "large/model.safetensors")
    name = next(n for n, value in tensors.items() if value.ndim == 2 and "A_log" not in n)
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = 7e4
    write(tmp_path / "large/model.safetensors", tensors)
    error = ssmi("convert", "large", "--out", "half", "--dtype", "float16", expect=4).stderr
    assert f"'{name}' has values beyond 65504" in error and not (tmp_path / "half").exists()
    ssmi("convert", "large", "--out", "half", "--dtype", "bfloat16")


def test_nothing_is_written_over(ssmi, tmp_path):
    ssmi("convert", BUNDLED, "--out", "there")
    assert "exists already" in ssmi("convert", BUNDLED, "--out", "there", expect=6).stderr


def test_a_gguf_file_becomes_a_folder(ssmi, tmp_path):
    folder = GOLDEN / "llama"
    config = json.loads((folder / "config.json").read_text())
    write_gguf(tmp_path / "m.gguf", config, read(folder / "model.safetensors"))
    assert "tokenizer stays in the GGUF file" in ssmi("convert", "m.gguf", "--out", "made").stderr
    ids = np.array([[3, 5, 7, 11]], dtype=np.int64)
    write(tmp_path / "ids.safetensors", {"input_ids": ids})
    found = []
    for model in ("m.gguf", "made"):
        ssmi("embed", model, "--ids", "ids.safetensors", "--out", "out.safetensors")
        found.append(read(tmp_path / "out.safetensors"))
    for name, value in found[0].items():
        assert np.array_equal(value, found[1][name]), name
