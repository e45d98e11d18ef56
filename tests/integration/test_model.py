"""inspect, init and embed on the bundled model."""
import json
import os
import shutil
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from conftest import ROOT

BUNDLED = ROOT / "share/models/bimamba-typeseg"
REFERENCE = ROOT / "tests/golden/bimamba-typeseg/reference.safetensors"
# numpy has no bfloat16: its bits stand in for it.
DTYPES = {"F32": np.float32, "I64": np.int64, "F16": np.float16, "BF16": np.uint16}


def read(path):
    """The tensors of a safetensors file."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data, DTYPES[t["dtype"]], int(np.prod(t["shape"])),
                                8 + size + t["data_offsets"][0]).reshape(t["shape"])
            for name, t in header.items()}


def write(path, tensors):
    header, body = {}, b""
    names = {np.dtype(v): k for k, v in DTYPES.items()}
    for name, array in tensors.items():
        begin = len(body)
        body += np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": array.shape,
                        "data_offsets": [begin, len(body)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def assert_close(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_inspect_tells_what_the_bundled_model_is(ssmi, validated):
    report = validated("inspect", ssmi("inspect", "bimamba-typeseg", "--json").stdout)
    assert report["architecture"] == "bimamba"
    assert (report["parameters"], report["layers"], report["hidden_size"]) == (1364035, 6, 256)
    elements = sum(int(np.prod(t["shape"])) for t in report["tensors"])
    assert elements == report["parameters"]
    assert "1364035 parameters" in ssmi("inspect", BUNDLED).stdout


def test_embed_equals_the_reference(ssmi, tmp_path):
    ssmi("embed", "bimamba-typeseg", "--ids", REFERENCE, "--logits", "--out", "e.safetensors")
    found, expected = read(tmp_path / "e.safetensors"), read(REFERENCE)
    assert set(expected) <= set(found)
    for name, value in expected.items():
        assert_close(found[name], value)
    text = (ROOT / "tests/golden/bimamba-typeseg/reference.txt").read_text(encoding="utf-8")
    ssmi("embed", "bimamba-typeseg", "--text", text, "--out", "t.safetensors")
    assert_close(read(tmp_path / "t.safetensors")["hidden_states.6"], expected["hidden_states.6"])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_row_gives_what_it_gives_alone(ssmi, tmp_path, side):
    rng = np.random.default_rng(0)
    lengths = [1, 2, 7, 40]
    ids = np.full((4, 45), 129)
    mask = np.zeros((4, 45), np.int64)
    for row, length in enumerate(lengths):
        place = slice(45 - length, 45) if side == "left" else slice(length)
        ids[row, place] = rng.integers(32, 127, length)
        mask[row, place] = 1
    write(tmp_path / "ids.safetensors", {"input_ids": ids, "attention_mask": mask})
    ssmi("embed", "bimamba-typeseg", "--ids", "ids.safetensors", "--out", "all.safetensors")
    together = read(tmp_path / "all.safetensors")
    for row in range(4):
        alone_ids = ids[row:row + 1, mask[row] == 1]
        write(tmp_path / "row.safetensors", {"input_ids": alone_ids})
        ssmi("embed", "bimamba-typeseg", "--ids", "row.safetensors", "--out", "row-out.safetensors")
        for name, value in read(tmp_path / "row-out.safetensors").items():
            if name.startswith(("hidden", "final")):
                assert_close(together[name][row:row + 1, mask[row] == 1], value)
                assert not together[name][row, mask[row] == 0].any()


def test_embed_writes_the_layers_and_sites_it_is_asked_for(ssmi, tmp_path):
    ssmi("embed", "bimamba-typeseg", "--text", "x = 1", "--layers", "0,2", "--sites",
         "gate,final_norm", "--out", "e.safetensors")
    assert set(read(tmp_path / "e.safetensors")) == {
        "attention_mask", "input_ids", "hidden_states.0", "hidden_states.2", "gate.2", "final_norm"}


def test_embed_of_the_bundled_functions_leaves_long_ones_out(ssmi, tmp_path):
    rows = [{"code": "x = 1"}, {"code": "y" * 50}]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = ssmi("embed", "bimamba-typeseg", "--data", "f.jsonl", "--max-tokens", "10", "--layers",
                  "1", "--out", "e.safetensors")
    assert "1 of 2 functions left out" in result.stderr
    assert read(tmp_path / "e.safetensors")["hidden_states.1"].shape == (5, 256)


def test_embed_of_data_lays_rows_end_to_end_and_equals_the_texts_alone(ssmi, tmp_path):
    texts = ["def f(x):\n    return x\n", "y" * 50, "z = 1", "def g(): pass"]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps({"code": t}) + "\n" for t in texts))
    result = ssmi("embed", "bimamba-typeseg", "--data", "f.jsonl", "--max-tokens", "40", "--sites",
                  "gate", "--logits", "--out", "e.safetensors")
    packed = read(tmp_path / "e.safetensors")
    assert f"{(tmp_path / 'e.safetensors').stat().st_size} bytes on disk" in result.stderr
    assert list(packed["rows"]) == [0, 2, 3]
    assert packed["offsets"][-1] == len(packed["input_ids"]) == len(packed["spans"])
    for number, row in enumerate(packed["rows"]):
        ssmi("embed", "bimamba-typeseg", "--text", texts[row], "--sites", "gate", "--logits",
             "--out", "row.safetensors")
        alone = read(tmp_path / "row.safetensors")
        begin, end = packed["offsets"][number:number + 2]
        assert (packed["input_ids"][begin:end] == alone["input_ids"][0]).all()
        for name in set(alone) - {"input_ids", "attention_mask"}:
            scale = np.abs(alone[name]).max()
            np.testing.assert_allclose(packed[name][begin:end], alone[name][0], atol=1e-5 * scale)
        text = texts[row].encode()
        assert b"".join(text[a:b] for a, b in packed["spans"][begin:end]) == text


def peak_memory(binary, *arguments):
    """Bytes, of a run that succeeds."""
    process = subprocess.Popen([binary, *map(str, arguments)], stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss * 1024


def test_embed_of_data_takes_the_same_memory_for_more_data(binary, tmp_path):
    text = "".join(f"    v{i} = v{i - 1} + {i}\n" for i in range(1, 20))
    peaks, sizes = [], []
    for count in (60, 800):
        rows = [{"code": f"def f{i}(v0):\n{text}"} for i in range(count)]
        (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        peaks.append(peak_memory(binary, "embed", "bimamba-typeseg", "--data", tmp_path / "f.jsonl",
                                 "--layers", "1", "--out", tmp_path / "e.safetensors"))
        sizes.append((tmp_path / "e.safetensors").stat().st_size)
    assert sizes[1] - sizes[0] > 250e6
    assert peaks[1] - peaks[0] < 0.35 * (sizes[1] - sizes[0])


@pytest.mark.parametrize("arguments, code, message", [
    (["--ids", "holes.safetensors"], 3, "has a hole"),
    (["--ids", "large.safetensors"], 4, "token id 130 is outside the model's vocabulary of 130"),
    (["--ids", "gone.safetensors"], 6, "gone.safetensors"),
    (["--ids", "none.safetensors"], 3, "no tensor 'input_ids'"),
    (["--ids", "float.safetensors"], 3, "expected [B, T] of I64 or I32, found F32"),
    (["--text", ""], 3, "nothing to embed"),
    (["--text", "x", "--layers", "7"], 4, "layers 0 (embedding) to 6"),
    (["--text", "x", "--max-tokens", "-3"], 2, "max-tokens"),
    (["--text", "x", "--sites", "nowhere"], 2, "'nowhere' is not a site"),
    (["--text", "x", "--attentions"], 4, "a bimamba has no site 'attention_probs'"),
    (["--text", "x", "--sites", "mlp_output"], 4, "a bimamba has no site 'mlp_output'"),
    ([], 2, "[--ids,--data,--text] is required"),
])
def test_embed_says_what_is_wrong(ssmi, tmp_path, arguments, code, message):
    row = np.array([[65, 66, 67]])
    write(tmp_path / "holes.safetensors", {"input_ids": row, "attention_mask": row * [[1, 0, 1]]})
    write(tmp_path / "large.safetensors", {"input_ids": row + 63})
    write(tmp_path / "none.safetensors", {"ids": row})
    write(tmp_path / "float.safetensors", {"input_ids": row.astype(np.float32)})
    result = ssmi("embed", "bimamba-typeseg", *arguments, "--out", "e.safetensors", expect=code)
    assert message in result.stderr
    assert not (tmp_path / "e.safetensors").exists()


def test_init_writes_a_twin_that_loads(ssmi, tmp_path, validated):
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        ssmi("init", "--like", "bimamba-typeseg", "--seed", seed, "--out", out)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    twin = validated("inspect", ssmi("inspect", "a", "--json").stdout)
    assert twin["parameters"] == 1364035
    assert "exists already" in ssmi("init", "--like", "a", "--out", "b", expect=6).stderr


def test_init_believes_no_size_that_the_weights_do_not_have(ssmi, tmp_path):
    config = json.loads((BUNDLED / "config.json").read_text())
    config["hidden_size"] = config["intermediate_size"] = 1 << 24
    (tmp_path / "large").mkdir()
    (tmp_path / "large/config.json").write_text(json.dumps(config))
    (tmp_path / "large/model.safetensors").write_bytes((BUNDLED / "model.safetensors").read_bytes())
    error = ssmi("init", "--like", "large", "--out", "twin", expect=3, timeout=20).stderr
    assert "config.json says [130, 16777216]" in error


def test_init_makes_what_a_config_describes(ssmi, tmp_path):
    """The bundled model's config alone gives the bytes that its checkpoint's twin has."""
    for out, source in (("twin", ["--like", "bimamba-typeseg"]),
                        ("made", ["--config", BUNDLED / "config.json"])):
        printed = ssmi("init", *source, "--seed", 3, "--out", out).stdout
    assert "1364035 parameters, initialised at random (seed 3), 5.5 MB in float32" in printed
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "twin" / name).read_bytes() == (tmp_path / "made" / name).read_bytes()
    assert json.loads((tmp_path / "made/config.json").read_text()) == json.loads(
        (BUNDLED / "config.json").read_text())


@pytest.mark.parametrize("dtype, kind", [("float16", "F16"), ("bfloat16", "BF16")])
def test_init_in_half_precision_keeps_vectors_and_state_space_parameters(ssmi, tmp_path, dtype, kind):
    ssmi("init", "--like", "bimamba-typeseg", "--out", "full")
    ssmi("init", "--like", "bimamba-typeseg", "--out", "half", "--dtype", dtype)
    full, half = (read(tmp_path / f / "model.safetensors") for f in ("full", "half"))
    stored = json.loads(ssmi("inspect", "half", "--json").stdout)
    kept = {t["name"] for t in stored["tensors"] if t["dtype"] == "F32"}
    assert kept == {name for name, value in full.items()
                    if value.ndim == 1 or name.endswith(("A_log", ".D"))}
    assert stored["notes"] == []
    assert {t["dtype"] for t in stored["tensors"]} == {"F32", kind}
    for name, value in full.items():
        if half[name].dtype == np.float32:
            assert half[name].tobytes() == value.tobytes(), name
        elif kind == "F16":
            assert np.array_equal(half[name], value.astype(np.float16)), name


@pytest.mark.parametrize("change, code, message", [
    ({"hidden_size": 1 << 24, "intermediate_size": 1 << 22}, 5, "GB of memory"),
    ({"hidden_size": 1 << 24, "intermediate_size": 1 << 24, "num_hidden_layers": 1024}, 5,
     "parameters, "),
    ({"hidden_size": 1 << 25}, 3, "'hidden_size' should be an integer"),
    ({"model_type": "hyena"}, 3, "model_type 'hyena' is not known"),
])
def test_init_refuses_what_a_config_should_not_ask_for(ssmi, tmp_path, change, code, message):
    config = {**json.loads((BUNDLED / "config.json").read_text()), **change}
    (tmp_path / "c.json").write_text(json.dumps(config))
    error = ssmi("init", "--config", "c.json", "--out", "made", expect=code, timeout=20).stderr
    assert error.startswith("ssmi: c.json: ") and message in error
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("arguments, code, message", [
    ([], 2, "[--like,--config] is required"),
    (["--like", "bimamba-typeseg", "--config", "c.json"], 2, "--like"),
    (["--config", "c.json", "--dtype", "int8"], 2, "--dtype"),
    (["--config", "gone.json"], 6, "gone.json"),
    (["--config", "list.json"], 3, "list.json: expected a JSON object, found array"),
    (["--config", "broken.json"], 3, "broken.json: not valid JSON"),
])
def test_init_says_what_is_wrong(ssmi, tmp_path, arguments, code, message):
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "c.json").write_bytes((BUNDLED / "config.json").read_bytes())
    assert message in ssmi("init", *arguments, "--out", "made", expect=code).stderr


def test_names_resolve_as_path_then_in_SSMI_MODELS_then_as_installed(ssmi, tmp_path):
    ssmi("init", "--like", "bimamba-typeseg", "--out", "models/bimamba-typeseg")
    listed = ssmi("inspect", "bimamba-typeseg", env={"SSMI_MODELS": f"{tmp_path}/models"}).stdout
    assert listed != ssmi("inspect", "bimamba-typeseg").stdout
    error = ssmi("inspect", "nonesuch", env={"SSMI_MODELS": "/nowhere"}, expect=6).stderr
    assert "no such checkpoint folder or file" in error and "/nowhere" in error


def test_an_unknown_model_type_is_listed_and_otherwise_refused_with_the_known_ones(
        ssmi, tmp_path, validated):
    config = json.loads((BUNDLED / "config.json").read_text())
    config["model_type"] = "hyena"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((BUNDLED / "model.safetensors").read_bytes())
    message = "model_type 'hyena' is not known; known are: BiGS, bert, bigs, bimamba"
    report = validated("inspect", ssmi("inspect", "model", "--json").stdout)
    assert report["architecture"] is None and report["reason"].startswith(message)
    assert len(report["tensors"]) == 89 and report["analyses"] == []
    assert message in ssmi("inspect", "model").stdout
    assert message in ssmi("init", "--like", "model", "--out", "twin", expect=3).stderr


def damage(rng, kind, weights, config):
    """One way to break a checkpoint: its new weight file and config."""
    weights, config = bytearray(weights), bytearray(config)
    header = 8 + struct.unpack("<Q", weights[:8])[0]
    if kind == "header bytes":
        for _ in range(rng.integers(1, 4)):
            weights[rng.integers(0, header)] = rng.integers(0, 256)
    elif kind == "cut short":
        del weights[rng.integers(0, len(weights)):]
    elif kind == "config bytes":
        for _ in range(rng.integers(1, 4)):
            config[rng.integers(0, len(config))] = rng.integers(0, 256)
    else:
        begin = rng.integers(0, header)
        run = weights[begin:begin + rng.integers(1, 200)]
        weights[begin:begin + (len(run) if kind == "left out" else 0)] = (
            b"" if kind == "left out" else run)
    return weights, config


def run_measured(command, folder):
    """Exit code, stderr and peak memory (bytes) of one process."""
    with open(folder / "stderr", "w+", errors="replace") as stderr:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        return process.returncode, stderr.read(), usage.ru_maxrss * 1024


def test_400_damaged_checkpoints_end_in_0_or_3_with_a_message(binary, ssmi, tmp_path):
    ssmi("init", "--like", "bimamba-typeseg", "--out", "good")
    weights = (tmp_path / "good/model.safetensors").read_bytes()
    config = (tmp_path / "good/config.json").read_bytes()
    kinds = ["header bytes", "cut short", "config bytes", "left out", "put in twice"]
    commands = [["inspect", "damaged"], ["init", "--like", "damaged", "--out", "twin"]]
    undamaged = [run_measured([binary, *command], tmp_path)[2]
                 for command in (["inspect", "good"], ["init", "--like", "good", "--out", "other"])]

    def is_refused(case):
        folder = tmp_path / f"case-{case}"
        (folder / "damaged").mkdir(parents=True)
        rng = np.random.default_rng([7, case])
        damaged = damage(rng, kinds[case % len(kinds)], weights, config)
        (folder / "damaged/model.safetensors").write_bytes(damaged[0])
        (folder / "damaged/config.json").write_bytes(damaged[1])
        code, stderr, memory = run_measured([binary, *commands[case % 2]], folder)
        shutil.rmtree(folder)
        assert code in (0, 3), f"case {case}: {code} {stderr}"
        assert code == 0 or stderr.startswith("ssmi: damaged"), f"case {case}: {stderr}"
        # Nothing beyond an undamaged run and the size of the file, give or take noise.
        assert memory < undamaged[case % 2] + len(weights) + (16 << 20), f"case {case}: {memory}"
        return code == 3

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert sum(pool.map(is_refused, range(400))) > 300
