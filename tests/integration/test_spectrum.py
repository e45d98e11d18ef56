"""`ssmi spectrum` against a computation in numpy from the tensors of the files."""
import json

import numpy as np
import pytest

CONFIG = {"model_type": "codessm", "vocab_size": 50, "hidden_size": 16, "intermediate_size": 32,
          "num_hidden_layers": 2, "num_ssm": 64, "type_vocab_size": 2, "max_position_embeddings": 64,
          "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
DIRECTIONS = {"forward": "fs4", "backward": "bs4"}


def read_safetensors(path):
    blob = path.read_bytes()
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:8 + length])
    header.pop("__metadata__", None)
    types = {"F32": "<f4", "F16": "<f2"}
    return {name: np.frombuffer(blob[8 + length + a:8 + length + b], types[entry["dtype"]])
            .reshape(entry["shape"])
            for name, entry in header.items() for a, b in [entry["data_offsets"]]}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def init(ssmi, folder, seed=1, **changes):
    config = folder.with_suffix(".json")
    config.write_text(json.dumps({**CONFIG, **changes}))
    ssmi("init", "--config", config, "--out", folder, "--seed", seed)
    return folder


def edit(folder, change):
    """Rewrites the weights after change(name, tensor) -> tensor."""
    path = folder / "model.safetensors"
    write_safetensors(path, {n: change(n, t.copy()) for n, t in read_safetensors(path).items()})


def taps(tensors, layer, direction, length=4096):
    """[G, length] by the published formula, float64."""
    prefix = f"bigs.encoder.layer.{layer - 1}.{DIRECTIONS[direction]}.kernel."
    get = lambda name: tensors[prefix + name].astype(np.float64)
    c, re, im, step = get("C"), get("A_re"), get("A_im"), get("log_step")
    if re.ndim == 1:
        c, re, im = c[None], re[None], im[None]
    dt = np.exp(step)[:, None]
    a = np.minimum(re, -1e-4) + 1j * im
    residue = (c[..., 0] + 1j * c[..., 1]) * (np.exp(dt * a) - 1) / a
    return np.einsum("gn,gnl->gl", residue, np.exp((dt * a)[..., None] * np.arange(length))).real


def measures(kernel):
    magnitude = np.abs(np.fft.rfft(kernel))
    bins = len(magnitude)
    frequency = np.arange(bins) / len(kernel)
    low = (magnitude[:int(0.1 * bins)] ** 2).sum()
    high = (magnitude[int(0.6 * bins):] ** 2).sum()
    mass = np.abs(kernel)
    return {"centroid": (frequency * magnitude).sum() / magnitude.sum(),
            "low_energy": low, "high_energy": high, "log10_lhfr": np.log10(low / high),
            "dominant_frequency": frequency[magnitude.argmax()],
            "dominant_magnitude": magnitude.max(), "energy": (magnitude ** 2).sum(),
            "gain": np.sqrt((kernel ** 2).sum()),
            "mean_lag": (np.arange(len(kernel)) * mass).sum() / mass.sum(),
            "half_life": np.searchsorted(mass.cumsum(), mass.sum() / 2)}


@pytest.mark.parametrize("kernels", [1, 8, 16])
def test_measures_are_those_of_numpy(ssmi, validated, tmp_path, kernels):
    folder = init(ssmi, tmp_path / "model", num_kernels=kernels)
    ssmi("spectrum", folder, "--out", "report.json")
    report = validated("spectrum", tmp_path / "report.json")
    tensors = read_safetensors(folder / "model.safetensors")
    rows = report["kernels"]
    assert len(rows) == 2 * 2 * kernels
    total = 0
    for row in rows:
        index = row["channel"] * kernels // 16
        kernel = taps(tensors, row["layer"], row["direction"])[index]
        expected = measures(kernel)
        for key, value in expected.items():
            assert row[key] == pytest.approx(value, rel=1e-6), key
        total += expected["energy"]
        assert row["channels"] == 16 // kernels
    for row in rows:
        assert row["energy_share"] == pytest.approx(row["energy"] / total, rel=1e-9)
    # dt |Im A| > pi, with dt and A_im as stored
    name = "bigs.encoder.layer.0.fs4.kernel."
    turn = np.exp(np.atleast_1d(tensors[name + "log_step"])[0].astype(np.float64)) * np.atleast_2d(
        tensors[name + "A_im"])[0]
    assert rows[0]["aliased"] == pytest.approx((turn > np.pi).mean())
    assert rows[0]["skip"] == pytest.approx(np.atleast_1d(
        tensors["bigs.encoder.layer.0.fs4.D"])[0])


def test_float32_stays_near(ssmi, validated, tmp_path):
    folder = init(ssmi, tmp_path / "model")
    ssmi("spectrum", folder, "--out", "double.json")
    ssmi("spectrum", folder, "--out", "single.json", "--dtype", "float32")
    double = validated("spectrum", tmp_path / "double.json")
    single = validated("spectrum", tmp_path / "single.json")
    assert single["run"]["dtype"] == "float32"
    centroids = [(a["centroid"], b["centroid"])
                 for a, b in zip(double["kernels"], single["kernels"])]
    assert all(b == pytest.approx(a, rel=1e-3) for a, b in centroids)
    assert any(a != b for a, b in centroids)


def test_twins_are_what_init_writes(ssmi, validated, tmp_path):
    folder = init(ssmi, tmp_path / "model", seed=9)
    ssmi("spectrum", folder, "--out", "report.json", "--twins", "1", "--seed", "4")
    row = validated("spectrum", tmp_path / "report.json")["kernels"][0]
    twin = init(ssmi, tmp_path / "twin", seed=4)
    ssmi("spectrum", twin, "--out", "twin.json", "--twins", "0")
    other = validated("spectrum", tmp_path / "twin.json")["kernels"][0]
    assert row["twins"]["centroid"] == [other["centroid"]] * 3
    assert row["twins"]["classes"][other["class"]] == 1
    assert other["twins"] is None
    assert row["centroid"] != other["centroid"]


def test_comparison_names_silent_kernels(ssmi, validated, tmp_path):
    """Block 1 forward is made tiny in both and changes from a slow pole to an alternating one."""
    def set_kernel(pole_im):
        def change(name, tensor):
            if "layer.0.fs4.kernel." not in name:
                return tensor
            if name.endswith("C"):
                tensor[:] = 0
                tensor[0, 0] = 1e-4
            elif name.endswith("A_re"):
                tensor[:] = -0.01
            elif name.endswith("A_im"):
                tensor[:] = pole_im
            else:
                tensor[:] = 0  # a step of 1
            return tensor
        return change
    before, after = init(ssmi, tmp_path / "a"), init(ssmi, tmp_path / "b")
    edit(before, set_kernel(0))
    edit(after, set_kernel(3.1))
    out = ssmi("spectrum", before, after, "--out", "report.json").stdout
    report = validated("spectrum", tmp_path / "report.json")
    comparison = report["comparisons"][0]
    assert comparison["class_changes"]["kernels"] == comparison["class_changes"]["silent"] == 1
    move = comparison["moves"][0]
    assert (move["class_before"], move["class_after"], move["silent"]) == ("low-pass", "high-pass",
                                                                           True)
    assert all(other["centroid"] == 0 for other in comparison["moves"][1:])
    assert "layer 1 forward: low-pass → high-pass, but it carries" in out
    assert any(line.startswith("layer 1 forward") for line in report["summary"])
    share = [row["energy_share"] for row in report["kernels"] if row["layer"] == 1
             and row["direction"] == "forward"]
    assert move["energy_share"] == pytest.approx(sum(share) / 2)


def test_zero_and_broken_kernels_are_null_with_a_reason(ssmi, validated, tmp_path):
    folder = init(ssmi, tmp_path / "model")

    def change(name, tensor):
        if name.endswith("layer.0.fs4.kernel.C"):
            tensor[:] = 0
        if name.endswith("layer.1.bs4.kernel.C"):
            tensor[0, 0] = np.nan
        return tensor
    edit(folder, change)
    out = ssmi("spectrum", folder, "--out", "report.json").stdout
    rows = validated("spectrum", tmp_path / "report.json")["kernels"]
    zero, broken = rows[0], rows[3]
    assert zero["reason"] == "the kernel is zero" and zero["energy"] == 0
    assert broken["reason"] == "the kernel is not finite" and broken["energy"] is None
    for row in (zero, broken):
        assert row["class"] is None and row["centroid"] is None and row["log10_lhfr"] is None
    assert "nan" not in out.lower()
    assert sum(row["energy_share"] or 0 for row in rows) == pytest.approx(1)


def test_selective_models_have_time_constants_and_no_class(ssmi, validated, tmp_path):
    ssmi("spectrum", "bimamba-typeseg", "--out", "report.json")
    report = validated("spectrum", tmp_path / "report.json")
    assert report["kernels"] == []
    assert len(report["selective"]) == 12
    root = __import__("pathlib").Path(__file__).resolve().parents[2]
    tensors = read_safetensors(root / "share/models/bimamba-typeseg/model.safetensors")
    config = json.loads((root / "share/models/bimamba-typeseg/config.json").read_text())
    for row in report["selective"]:
        prefix = f"backbone.layers.{row['layer'] - 1}.mixer."
        bias = tensors[prefix + "dt_proj.bias"].astype(np.float64)
        step = np.log1p(np.exp(bias)) + config["time_step_floor_added"]
        decay = -step[:, None] * np.exp(tensors[prefix + "A_log"].astype(np.float64))
        quartiles = [25, 50, 75]
        assert row["step"] == pytest.approx(np.percentile(step, quartiles), rel=1e-6)
        assert row["time_constant"] == pytest.approx(np.percentile(-1 / decay, quartiles), rel=1e-6)
        assert row["gain"] == pytest.approx(
            np.percentile(step[:, None] / (1 - np.exp(decay)), quartiles), rel=1e-6)
        assert row["class"] is None and "input" in row["reason"]
        assert row["twin"]["time_constant"][1] != row["time_constant"][1]


def test_thresholds_move_the_classes(ssmi, validated, tmp_path):
    folder = init(ssmi, tmp_path / "model")
    ssmi("spectrum", folder, "--out", "report.json", "--twins", "0", "--centroid", "0.5",
         "--low-pass=-100", "--band-pass=-100")
    report = validated("spectrum", tmp_path / "report.json")
    assert {row["class"] for row in report["kernels"]} == {"low-pass"}
    assert report["run"]["config"]["centroid"] == 0.5


def test_equal_runs_give_equal_reports(ssmi, validated, tmp_path):
    folder = init(ssmi, tmp_path / "model", num_kernels=16)
    reports = []
    for name, threads in (("a.json", 2), ("b.json", 2), ("c.json", 1)):
        ssmi("spectrum", folder, "--out", name, "--threads", threads)
        report = validated("spectrum", tmp_path / name)
        report.pop("timing")
        report["run"].pop("threads")
        reports.append(report)
    assert reports[0] == reports[1] == reports[2]


@pytest.mark.parametrize("arguments, code, message", [
    ([], 2, "--out is required"),
    (["missing", "--out", "r.json"], 6, "no such checkpoint folder"),
    (["model", "--out", "r.json", "--length", "31"], 2, "--length"),
    (["model", "--out", "r.json", "--centroid", "0.6"], 2, "--centroid"),
    (["model", "--out", "none/r.json"], 6, "none"),
    (["model", "model", "--out", "r.json"], 2, "is given twice"),
    (["model", "model/../model", "--out", "r.json"], 2, "is given twice"),
    (["model", "--out", "r.json", "--low-band", "nan"], 2, "finite"),
    (["model", "--out", "r.json", "--silent", "nan"], 2, "finite"),
    (["model", "--out", "r.json", "--low-pass", "1", "--band-pass", "2"], 2, "is above --low-pass"),
    (["model", "--out", "model/config.json"], 2, "is read; write the output elsewhere"),
])
def test_refusals(ssmi, tmp_path, arguments, code, message):
    init(ssmi, tmp_path / "model")
    result = ssmi("spectrum", *arguments, expect=code)
    assert message in result.stdout + result.stderr
    assert not (tmp_path / "r.json").exists()


def test_checkpoints_of_other_shapes_are_not_compared(ssmi, validated, tmp_path):
    one = init(ssmi, tmp_path / "one")
    eight = init(ssmi, tmp_path / "eight", num_kernels=8)
    out = ssmi("spectrum", one, eight, "--out", "report.json").stdout
    comparison = validated("spectrum", tmp_path / "report.json")["comparisons"][0]
    assert comparison["reason"] == "4 kernels against 32"
    assert "not compared: 4 kernels against 32" in out


def test_a_silent_model_is_compared_without_numbers_that_do_not_exist(ssmi, validated, tmp_path):
    """Every kernel of one checkpoint is zero; of another one is broken, which hides no change."""
    loud, zero, broken = (init(ssmi, tmp_path / name, seed=i + 1)
                          for i, name in enumerate(("loud", "zero", "broken")))
    edit(zero, lambda name, tensor: tensor * (not name.endswith("kernel.C")))
    edit(broken, lambda name, tensor: tensor * (
        np.nan if name.endswith("layer.0.fs4.kernel.C") else 1))
    out = ssmi("spectrum", loud, zero, broken, "--out", "report.json").stdout
    report = validated("spectrum", tmp_path / "report.json")
    assert "nan" not in out.lower() and "nan" not in "".join(report["summary"]).lower()
    zeros = [row for row in report["kernels"] if row["checkpoint"] == str(zero)]
    assert all(row["energy_share"] == 0 and row["silent"] for row in zeros)
    assert report["comparisons"][0]["class_changes"]["kernels"] == 4
    shares = [move["energy_share"] for move in report["comparisons"][1]["moves"]
              if move["class_before"] != move["class_after"]]
    carried = [float(line.split("carries ")[1].split()[0]) for line in report["summary"]
               if "carries " in line][4:]
    assert carried == pytest.approx(sorted(shares, reverse=True), rel=0.05)
