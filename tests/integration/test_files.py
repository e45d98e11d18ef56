"""Weight files of every kind: those that PyTorch writes, read bit for bit, and those of other
people, listed or refused with the right message."""
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from test_model import BUNDLED, read, write

WRITE = """
import collections, sys, warnings
warnings.simplefilter("ignore")
import torch
torch.manual_seed(0)
x = torch.randn(6, 4)
embedding = torch.nn.Embedding(5, 3)
head = torch.nn.Linear(3, 5, bias=False)
head.weight = embedding.weight  # tied: one storage under two names
tied = torch.nn.ModuleDict({"embedding": embedding, "head": head, "norm": torch.nn.BatchNorm1d(3)})
tensors = {str(dtype)[6:]: (x * 9).to(dtype) for dtype in [
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int16,
    torch.int32, torch.int64, torch.complex64]}
tensors.update({str(dtype)[6:]: (x * 9).abs().to(dtype) for dtype in [torch.uint8, torch.bool]})
tensors.update(scalar=torch.tensor(1.5), empty=torch.zeros(0, 3), transposed=x.t(), part=x[1:3],
               column=x[:, 1], every_other=x[::2, ::3], permuted=torch.randn(2, 3, 4).permute(2, 0, 1),
               expanded=x[:1].expand(2, 4), parameter=torch.nn.Parameter(x))
new = dict(tensors, uint16=x.abs().to(torch.uint16), float8=x.to(torch.float8_e4m3fn))
save = torch.save
save(new, "dict.pt")
save(collections.OrderedDict(new), "protocol4.pt", pickle_protocol=4)
save(tensors, "old.pt", _use_new_zipfile_serialization=False)
save(tensors, "old4.pt", _use_new_zipfile_serialization=False, pickle_protocol=4)
save(tied.state_dict(), "module_state.pt")
save(dict(tied.named_parameters()), "parameters.pt")
save({"epoch": 3, "rate": 1e-3, "state_dict": tied.state_dict(), "best": None,
      "optimizer": {"state": {0: {"exp_avg": x}}, "param_groups": [{"betas": (0.9, 0.999)}]}},
     "training.ckpt")
save(tied, "module.pth")
save({"w": torch.zeros(2, dtype=torch.complex128)}, "complex128.pt")
save({"w": torch.zeros(1).expand(1000)}, "expanded.pt")
save(x, "tensor.pt")
save({"w": x.to_sparse()}, "sparse.pt")
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), "script.pt")
"""

# Prints what PyTorch reads: name, type and shape of each tensor, and its bytes in hexadecimal.
READ = """
import json, sys, torch
def content(tensor):
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist()).hex()
tensors = torch.load(sys.argv[1], weights_only=False)  # ours
tensors = tensors.get("state_dict", tensors)
print(json.dumps({name: [list(t.shape), content(t)] for name, t in tensors.items()}))
"""


@pytest.fixture(scope="session")
def torch_python():
    """torch_python(code, *arguments, cwd) runs Python with the PyTorch that ssmi is built with."""
    found = list((ROOT / "build/deps/python/lib").glob("python3*/site-packages"))
    if not found:
        pytest.skip("no PyTorch in build/deps")
    environment = dict(os.environ, PYTHONPATH=str(found[0]))

    def run(code, *arguments, cwd):
        return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=cwd,
                              env=environment, check=True, capture_output=True, text=True,
                              timeout=120).stdout

    try:
        run("import torch", cwd=ROOT)
    except subprocess.CalledProcessError:
        pytest.skip("this Python cannot import the PyTorch in build/deps")
    return run


@pytest.fixture(scope="session")
def written(torch_python, tmp_path_factory):
    """A folder of files that PyTorch wrote."""
    folder = tmp_path_factory.mktemp("torch")
    torch_python(WRITE, cwd=folder)
    return folder


def as_safetensors(binary, source, target):
    """The tensors that our reader finds: {name: (dtype, shape, bytes)}."""
    subprocess.run([binary.parent / "as_safetensors", source, target], check=True, timeout=60)
    data = target.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: (t["dtype"], t["shape"], data[8 + size:][slice(*t["data_offsets"])])
            for name, t in header.items()}


@pytest.mark.parametrize("name", ["dict.pt", "protocol4.pt", "old.pt", "old4.pt", "module_state.pt",
                                  "parameters.pt", "training.ckpt"])
def test_what_pytorch_writes_is_read_bit_for_bit(binary, torch_python, written, tmp_path, name):
    expected = json.loads(torch_python(READ, written / name, cwd=tmp_path))
    found = as_safetensors(binary, written / name, tmp_path / "m.safetensors")
    assert set(found) == set(expected) and len(found) >= 2
    for tensor, (shape, data) in expected.items():
        assert found[tensor][1] == shape, tensor
        assert found[tensor][2].hex() == data, tensor


def test_every_element_type_has_its_name(binary, written, tmp_path):
    found = as_safetensors(binary, written / "dict.pt", tmp_path / "m.safetensors")
    names = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "int8": "I8",
             "int16": "I16", "int32": "I32", "int64": "I64", "complex64": "C64", "uint8": "U8",
             "bool": "BOOL", "uint16": "U16", "float8": "F8_E4M3"}
    assert {name: found[name][0] for name in names} == names


@pytest.mark.parametrize("name, message", [
    ("module.pth", "holds a pickled Python object 'torch.nn.modules.container.ModuleDict'"),
    ("module.pth", "weights_only=False"),
    ("complex128.pt", "holds a torch.ComplexDoubleStorage, whose element type is not read"),
    ("expanded.pt", "tensor 'w' is expanded: 1000 elements in a storage of 1"),
    ("tensor.pt", "holds no dict, expected a state dict"),
    ("sparse.pt", "holds a pickled Python object 'torch._utils._rebuild_sparse_tensor'"),
    ("script.pt", "is a TorchScript program"),
])
def test_what_is_no_state_dict_is_refused(ssmi, written, name, message):
    assert message in ssmi("inspect", written / name, expect=3).stderr


def test_the_way_to_convert_a_module_converts_it(ssmi, torch_python, written, tmp_path):
    shutil.copy(written / "module.pth", tmp_path / "module.pth")
    error = ssmi("inspect", "module.pth", expect=3).stderr
    command = error[error.index('python -c "') + len('python -c "'):error.rindex('"')]
    torch_python(command, cwd=tmp_path)
    assert "embedding.weight" in ssmi("inspect", "weights.pt").stdout


def test_a_training_checkpoint_says_what_was_taken(ssmi, written, validated):
    report = validated("inspect", ssmi("inspect", written / "training.ckpt", "--json").stdout)
    assert report["notes"] == ["training.ckpt: took 'state_dict' of a training checkpoint, left out: "
                               "'epoch', 'rate', 'best', 'optimizer'"]


SAVE_BUNDLED = """
import json, struct, sys, torch
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
header.pop("__metadata__", None)
body = bytearray(data[8 + size:])
tensors = {name: torch.frombuffer(body, dtype=torch.float32, count=(t["data_offsets"][1] -
    t["data_offsets"][0]) // 4, offset=t["data_offsets"][0]).reshape(t["shape"]).clone()
    for name, t in header.items()}
names = sorted(tensors)
torch.save(tensors, "pytorch_model.bin", _use_new_zipfile_serialization=sys.argv[2] == "new")
index = {}
for number in (0, 1):
    part = {name: tensors[name] for name in names[number::2]}
    torch.save(part, f"part-{number}.bin")
    index.update({name: f"part-{number}.bin" for name in part})
json.dump({"weight_map": index}, open("pytorch_model.bin.index.json", "w"))
"""


@pytest.mark.parametrize("kind", ["new", "old"])
def test_a_model_from_pytorch_files_computes_the_same(ssmi, torch_python, tmp_path, kind):
    """The bundled model as pytorch_model.bin, and as two shards, gives the same states."""
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copy(BUNDLED / "config.json", whole)
    torch_python(SAVE_BUNDLED, BUNDLED / "model.safetensors", kind, cwd=whole)
    shutil.copytree(whole, tmp_path / "sharded")
    (tmp_path / "sharded/pytorch_model.bin").unlink()
    outputs = []
    for number, model in enumerate([BUNDLED, "whole", "sharded", "whole/pytorch_model.bin"]):
        ssmi("embed", model, "--text", "def f(x): return x", "--out", f"{number}.safetensors")
        outputs.append((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(set(outputs)) == 1


def test_a_file_and_a_folder_without_config_are_listed(ssmi, tmp_path, validated):
    shutil.copy(BUNDLED / "model.safetensors", tmp_path / "m.pt")  # content counts, not the name
    folder = tmp_path / "bare"
    folder.mkdir()
    shutil.copy(BUNDLED / "model.safetensors", folder / "any.bin")
    for name in ("m.pt", "bare"):
        report = validated("inspect", ssmi("inspect", name, "--json").stdout)
        assert report["architecture"] is None and report["reason"] == "there is no config.json"
        assert len(report["tensors"]) == 89 and report["notes"] == []
        assert "no known architecture: there is no config.json" in ssmi("inspect", name).stdout
    error = ssmi("embed", "m.pt", "--text", "x", "--out", "e.safetensors", expect=3).stderr
    assert "no config.json: the architecture is not known" in error


def test_a_published_file_holds_what_its_safetensors_twin_does(binary, shared, tmp_path):
    folder = shared / "models/ssm_trained"
    pickled = as_safetensors(binary, folder / "rawbmamba_bset.pt", tmp_path / "a")
    twin = as_safetensors(binary, folder / "rawbmamba.safetensors", tmp_path / "b")
    assert len(pickled) == 284 and pickled == twin


@pytest.mark.parametrize("name, header_of", [
    ("ssm_trained/rawbmamba_bset.pt", "ssm_trained/rawbmamba.safetensors"),
    ("ssm_trained/rawbmamba.safetensors", None),
    ("ssm_trained/mamca-100k.safetensors", None),
    ("ssm_trained/mambabeat-binary.safetensors", None),
    ("ssm_trained/mambabeat-5class.safetensors", None),
    ("arena/arena-eagx_berlin_challenge__palindrome_classifier.safetensors", None),
    ("arena/arena-july23_palindromes__palindrome_classifier.safetensors", None),
    ("arena/arena-october23_sorted_list__sorted_list_model.safetensors", None),
    ("arena/arena-part4__brackets_model_state_dict.safetensors", None),
    ("arena/arena-september23_sum__sum_model.safetensors", None),
    ("grokking/grok-induction_head_infinite.safetensors", None),
    ("grokking/grok-mod_addition_no_wd.safetensors", None),
])
def test_files_of_other_people_are_listed(ssmi, shared, validated, name, header_of):
    data = (shared / "models" / (header_of or name)).read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    header.pop("__metadata__", None)
    report = validated("inspect", ssmi("inspect", shared / "models" / name, "--json").stdout)
    assert report["architecture"] is None
    assert ([(t["name"], t["dtype"], t["shape"]) for t in report["tensors"]] ==
            [(tensor, t["dtype"], t["shape"]) for tensor, t in sorted(header.items())])


def test_a_llama_by_other_people_runs(ssmi, shared, tmp_path, validated):
    folder = shared / "models/llama_tinylang"
    report = validated("inspect", ssmi("inspect", folder, "--json").stdout)
    assert report["architecture"] == "llama" and report["parameters"] == 531584
    write(tmp_path / "ids.safetensors", {"input_ids": np.array([[1, 2, 3, 4]])})
    ssmi("embed", folder, "--ids", "ids.safetensors", "--logits", "--out", "e.safetensors")
    assert np.isfinite(read(tmp_path / "e.safetensors")["logits"]).all()


@pytest.mark.parametrize("name, message", [
    ("ssm_trained/binary_MambaBEAT.pth",
     "holds a pickled Python object 'src.modules.mamba.MambaBEAT', expected a state dict"),
    ("ssm_trained/model_MambaBEAT.pth",
     "holds a pickled Python object 'src.modules.mamba.MambaBEAT', expected a state dict"),
    ("llama_stories260k/stories260K.bin", "is a llama2.c model, expected safetensors"),
    ("llama_stories260k/tok512.bin", "is no weight file, expected safetensors"),
    ("ssm_trained", "has several weight files"),
])
def test_files_of_other_people_are_refused_by_name(ssmi, shared, name, message):
    assert message in ssmi("inspect", shared / "models" / name, expect=3).stderr
