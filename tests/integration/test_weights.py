"""The bundled model in the other forms that its weights may come in: shards, half precision."""
import json
import pickle

import numpy as np
import pytest

from conftest import ROOT
from test_model import BUNDLED, assert_close, read, write

TEXT = "def f(x):\n    return x + 1\n"


def hidden_states(ssmi, tmp_path, model):
    ssmi("embed", model, "--text", TEXT, "--logits", "--out", "out.safetensors")
    return {name: value for name, value in read(tmp_path / "out.safetensors").items()
            if name.startswith(("hidden", "final", "logits"))}


def write_folder(folder, files, weight_map=None):
    """A checkpoint folder of {file name: tensors}, with an index if there is a weight map."""
    folder.mkdir()
    (folder / "config.json").write_bytes((BUNDLED / "config.json").read_bytes())
    for name, tensors in files.items():
        write(folder / name, tensors)
    if weight_map is not None:
        index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def two_shards():
    tensors = read(BUNDLED / "model.safetensors")
    names = sorted(tensors)
    files = {"model-00001-of-00002.safetensors": {n: tensors[n] for n in names[::2]},
             "model-00002-of-00002.safetensors": {n: tensors[n] for n in names[1::2]}}
    return files, {name: file for file, part in files.items() for name in part}


def test_shards_give_the_same_bytes_as_one_file(ssmi, tmp_path):
    write_folder(tmp_path / "sharded", *two_shards())
    whole = hidden_states(ssmi, tmp_path, BUNDLED)
    sharded = hidden_states(ssmi, tmp_path, "sharded")
    assert set(whole) == set(sharded) and len(whole) == 9
    for name, value in whole.items():
        assert np.array_equal(value, sharded[name]), name


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_half_precision_weights_are_used_as_float32(ssmi, tmp_path, kind):
    """Weights rounded to half precision give exactly what the same rounded weights give as float32."""
    rounded, halves = {}, {}
    for name, value in read(BUNDLED / "model.safetensors").items():
        if kind == "F16":
            halves[name] = value.astype(np.float16)
            rounded[name] = halves[name].astype(np.float32)
        else:  # the upper half of a float32
            halves[name] = (value.view(np.uint32) >> 16).astype(np.uint16)
            rounded[name] = (halves[name].astype(np.uint32) << 16).view(np.float32)
    write_folder(tmp_path / "half", {"model.safetensors": halves})
    write_folder(tmp_path / "rounded", {"model.safetensors": rounded})
    listed = json.loads(ssmi("inspect", "half", "--json").stdout)
    assert {tensor["dtype"] for tensor in listed["tensors"]} == {kind}
    half, full = (hidden_states(ssmi, tmp_path, model) for model in ("half", "rounded"))
    for name, value in full.items():
        assert np.array_equal(value, half[name]), name
    bundled = hidden_states(ssmi, tmp_path, BUNDLED)
    assert not np.array_equal(bundled["hidden_states.1"], half["hidden_states.1"])


@pytest.mark.parametrize("break_index, message", [
    (lambda index: index.update({"classifier.bias": "../model.safetensors"}),
     "is not the name of a file in the folder"),
    (lambda index: index.update({"classifier.bias": "gone.safetensors"}), "gone.safetensors"),
    (lambda index: index.pop("classifier.bias"), "classifier.bias"),
    (lambda index: index.update({"extra": next(iter(index.values()))}), "extra"),
])
def test_an_index_that_does_not_fit_its_shards_is_refused(ssmi, tmp_path, break_index, message):
    files, weight_map = two_shards()
    break_index(weight_map)
    write_folder(tmp_path / "sharded", files, weight_map)
    assert message in ssmi("inspect", "sharded", expect=3).stderr


def test_missing_and_unexpected_tensors_are_named_together(ssmi, tmp_path):
    tensors = read(BUNDLED / "model.safetensors")
    tensors["head.weight"] = tensors.pop("classifier.weight")
    write_folder(tmp_path / "renamed", {"model.safetensors": tensors})
    error = ssmi("inspect", "renamed", expect=3).stderr
    assert "missing tensors: 'classifier.weight'" in error
    assert "unexpected tensors: 'head.weight'" in error


def test_a_pickle_of_something_else_is_refused_with_the_way_out(ssmi, tmp_path):
    write_folder(tmp_path / "pickled", {})
    (tmp_path / "pickled/pytorch_model.bin").write_bytes(pickle.dumps({"a": 1}, 2))
    error = ssmi("inspect", "pickled", expect=3).stderr
    assert "pytorch_model.bin: is a pickle that torch.save did not write" in error
    assert "torch.save(" in error


def test_golden_states_do_not_depend_on_threads(ssmi, tmp_path):
    reference = read(ROOT / "tests/golden/bimamba-typeseg/reference.safetensors")
    for threads in ("1", "2"):
        ssmi("embed", "bimamba-typeseg", "--ids",
             ROOT / "tests/golden/bimamba-typeseg/reference.safetensors", "--out", "t.safetensors",
             env={"OMP_NUM_THREADS": threads})
        found = read(tmp_path / "t.safetensors")
        for layer in range(7):
            assert_close(found[f"hidden_states.{layer}"], reference[f"hidden_states.{layer}"])
