"""`s4d` under both naming schemes of its authors, against a plain numpy computation."""
import json
import math

import numpy as np
import pytest
from test_model import read, write

H, N, V, LAYERS, LABELS = 6, 8, 11, 2, 3
CONFIG = {"model_type": "s4d", "hidden_size": H, "state_size": N, "vocab_size": V,
          "num_hidden_layers": LAYERS, "num_labels": LABELS}
LENGTHS = [1, 2, 9, 9, 20]


def transformed(x, by):
    return {"none": lambda v: v, "exp": np.exp, "softplus": lambda v: np.log1p(np.exp(v)),
            "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
            "relu": lambda v: np.maximum(v, 0) + 1e-4}[by](x)


def random_tensors(config, seed=0):
    rng = np.random.default_rng(seed)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    tensors = {"encoder.weight": normal(H, V), "encoder.bias": normal(H),
               "decoder.weight": normal(LABELS, H), "decoder.bias": normal(LABELS)}
    library = config.get("kernel") == "diag"
    copies = config.get("n_ssm", H)
    steps = (H, 1) if config.get("dt_tie", True) else (H, N // 2)
    for i in range(LAYERS):
        prefix = f"s4_layers.{i}."
        inner = prefix + ("layer." if library else "")
        kernel = inner + "kernel."
        tensors[f"norms.{i}.weight"], tensors[f"norms.{i}.bias"] = normal(H), normal(H)
        tensors[prefix + "output_linear.0.weight"] = normal(2 * H, H, 1)
        tensors[prefix + "output_linear.0.bias"] = normal(2 * H)
        angles = np.tile(np.pi * np.arange(N // 2), (copies, 1)) + 0.1 * normal(copies, N // 2)
        if library:
            tensors |= {inner + "D": normal(1, H), kernel + "inv_dt": -1 + 0.5 * normal(*steps),
                        kernel + "C": normal(1, H, N // 2, 2),
                        kernel + "B": normal(1, copies, N // 2, 2),
                        kernel + "A_real": 0.3 + 0.5 * np.abs(normal(copies, N // 2)),
                        kernel + "A_imag": np.abs(angles).astype(np.float32)}
        else:
            tensors |= {inner + "D": normal(H), kernel + "log_dt": -2 + normal(H),
                        kernel + "C": normal(H, N // 2, 2),
                        kernel + "log_A_real": normal(H, N // 2),
                        kernel + "A_imag": angles.astype(np.float32)}
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def kernel_taps(config, tensors, layer, length):
    """[H, length], float64: 2 Re sum of the discretised modes."""
    library = config.get("kernel") == "diag"
    prefix = f"s4_layers.{layer}." + ("layer." if library else "") + "kernel."
    return taps_of(config, tensors, prefix, length)


def taps_of(config, tensors, prefix, length, direction=0):
    library = config.get("kernel") == "diag"
    get = lambda name: tensors[prefix + name].astype(np.float64)
    pair = lambda x: x[..., 0] + 1j * x[..., 1]
    taps = np.zeros((H, length))
    for h in range(H):
        if library:
            copy = h % config.get("n_ssm", H)
            a = (-transformed(get("A_real")[copy], config.get("real_transform", "exp"))
                 - 1j * transformed(get("A_imag")[copy], config.get("imag_transform", "none")))
            dt = transformed(get("inv_dt")[h], config.get("dt_transform", "exp"))
            weight = pair(get("C"))[direction, h] * pair(get("B"))[0, copy]
            if config.get("bandlimit"):
                weight = weight * (dt * np.abs(a.imag) / (2 * math.pi) < config["bandlimit"] / 2)
        else:
            a = -np.exp(get("log_A_real")[h]) + 1j * get("A_imag")[h]
            dt, weight = np.exp(get("log_dt")[h]), pair(get("C"))[h]
        if config.get("disc") == "bilinear":
            pole, weight = (1 + dt * a / 2) / (1 - dt * a / 2), weight * dt / (1 - dt * a / 2)
        else:
            pole, weight = np.exp(dt * a), weight * (np.exp(dt * a) - 1) / a
        for lag in range(length):
            taps[h, lag] = 2 * (weight * pole ** lag).sum().real
    return taps


def layer_norm(x, tensors, layer, epsilon=1e-5):
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    return ((x - mean) / np.sqrt(variance + epsilon) * tensors[f"norms.{layer}.weight"]
            + tensors[f"norms.{layer}.bias"])


def forward(config, tensors, ids):
    """hidden states 0..LAYERS [T, H] and logits [LABELS] of one row, float64."""
    gelu = np.vectorize(lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))))
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    x = np.stack([t["encoder.weight"][:, i] for i in ids]) + t["encoder.bias"]
    states = [x]
    for layer in range(LAYERS):
        prefix = f"s4_layers.{layer}."
        u = layer_norm(x, t, layer) if config.get("prenorm") else x
        taps = kernel_taps(config, tensors, layer, len(ids))
        skip = t.get(prefix + "D", t.get(prefix + "layer.D")).reshape(-1)
        y = np.array([[sum(taps[h, lag] * u[i - lag, h] for lag in range(i + 1)) + skip[h] * u[i, h]
                       for h in range(H)] for i in range(len(ids))])
        z = gelu(y) @ t[prefix + "output_linear.0.weight"][:, :, 0].T
        z = z + t[prefix + "output_linear.0.bias"]
        x = x + z[:, :H] / (1 + np.exp(-z[:, H:]))
        if not config.get("prenorm"):
            x = layer_norm(x, t, layer)
        states.append(x)
    return states, t["decoder.weight"] @ x.mean(0) + t["decoder.bias"]


def save(folder, config, tensors):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    write(folder / "model.safetensors", tensors)


DIAG = {**CONFIG, "kernel": "diag"}
CONFIGS = [CONFIG, {**CONFIG, "prenorm": True}, DIAG, {**DIAG, "n_ssm": 2, "disc": "bilinear"},
           {**DIAG, "dt_tie": False, "dt_transform": "softplus", "real_transform": "softplus"},
           {**DIAG, "bandlimit": 0.8, "imag_transform": "relu", "real_transform": "sigmoid"}]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_forward_is_that_of_numpy(ssmi, tmp_path, config):
    tensors = random_tensors(config)
    save(tmp_path / "model", config, tensors)
    rng = np.random.default_rng(1)
    ids, mask = np.zeros((2, len(LENGTHS), max(LENGTHS)), np.int64)
    for row, length in enumerate(LENGTHS):
        ids[row, :length], mask[row, :length] = rng.integers(0, V, length), 1
    write(tmp_path / "ids.safetensors", {"input_ids": ids, "attention_mask": mask})
    ssmi("embed", "model", "--ids", "ids.safetensors", "--logits", "--out", "e.safetensors")
    found = read(tmp_path / "e.safetensors")
    for row, length in enumerate(LENGTHS):
        states, logits = forward(config, tensors, ids[row, :length])
        for layer, expected in enumerate(states):
            value = found[f"hidden_states.{layer}"][row, :length]
            assert np.abs(value - expected).max() < 1e-5 * np.abs(expected).max(), (row, layer)
        assert np.abs(found["logits"][row] - logits).max() < 1e-5 * np.abs(logits).max()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_spectra_are_those_of_numpy(ssmi, validated, tmp_path, config):
    tensors = random_tensors(config)
    save(tmp_path / "model", config, tensors)
    ssmi("spectrum", "model", "--out", "report.json", "--length", "256")
    rows = validated("spectrum", tmp_path / "report.json")["kernels"]
    assert len(rows) == LAYERS * H
    for row in rows:
        taps = kernel_taps(config, tensors, row["layer"] - 1, 256)[row["channel"]]
        assert row["direction"] == "forward" and row["channels"] == 1
        assert row["gain"] == pytest.approx(np.sqrt((taps ** 2).sum()), rel=1e-6)
        magnitude = np.abs(np.fft.rfft(taps))
        assert row["centroid"] == pytest.approx(
            (magnitude * np.arange(129)).sum() / magnitude.sum() / 256, rel=1e-6)


def test_an_encoder_may_be_a_table_and_the_decoder_absent(ssmi, tmp_path):
    tensors = random_tensors(CONFIG)
    ids = np.array([[3, 0, 10, 7]])
    states, _ = forward(CONFIG, tensors, ids[0])
    tensors["encoder.weight"] = (tensors["encoder.weight"] + tensors["encoder.bias"][:, None]).T
    for name in ("encoder.bias", "decoder.weight", "decoder.bias"):
        tensors.pop(name)
    config = {key: value for key, value in CONFIG.items() if key != "num_labels"}
    save(tmp_path / "model", {**config, "encoder": "embedding"}, tensors)
    write(tmp_path / "ids.safetensors", {"input_ids": ids})
    result = ssmi("embed", "model", "--ids", "ids.safetensors", "--out", "e.safetensors")
    assert "no head: there is no 'decoder.weight'" in result.stderr
    found = read(tmp_path / "e.safetensors")
    for layer, expected in enumerate(states):
        error = np.abs(found[f"hidden_states.{layer}"][0] - expected).max()
        assert error < 1e-5 * np.abs(expected).max(), layer
    refused = ssmi("embed", "model", "--ids", "ids.safetensors", "--logits", "--out", "x", expect=4)
    assert "no site 'logits'" in refused.stderr


NETWORK = {"model_type": "s4d", "network": "library", "kernel": "diag", "hidden_size": H,
           "state_size": N, "num_hidden_layers": 11, "n_ssm": 2}


def network_tensors(config, place="model.layers.{}.layer.layer."):
    """The kernels of a library's network of 11 layers, and what else such a file holds."""
    rng = np.random.default_rng(5)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    directions = 2 if config.get("bidirectional") else 1
    tensors = {"encoder.weight": normal(4, H), "model.norm.weight": normal(H),
               "decoder.output_transform.weight": normal(2, H)}
    for i in range(11):
        kernel = place.format(i) + "kernel."
        tensors |= {place.format(i) + "D": normal(1, H), kernel + "inv_dt": -1 + 0.5 * normal(H, 1),
                    kernel + "C": normal(directions, H, N // 2, 2),
                    kernel + "B": normal(1, 2, N // 2, 2),
                    kernel + "A_real": 0.5 * normal(2, N // 2),
                    kernel + "A_imag": np.abs(3 * normal(2, N // 2))}
    return tensors


@pytest.mark.parametrize("bidirectional", [False, True])
def test_kernels_of_a_network_of_the_library_are_analysed(ssmi, validated, tmp_path, bidirectional):
    config = {**NETWORK, "bidirectional": bidirectional}
    tensors = network_tensors(config)
    save(tmp_path / "model", config, tensors)
    result = ssmi("spectrum", "model", "--out", "report.json", "--length", "128")
    assert "only the state kernels are read" in result.stderr
    assert "ignored 3 tensors that a s4d has no use for" in result.stderr
    rows = validated("spectrum", tmp_path / "report.json")["kernels"]
    assert len(rows) == 11 * H * (2 if bidirectional else 1)
    for row in rows:
        prefix = f"model.layers.{row['layer'] - 1}.layer.layer.kernel."
        taps = taps_of(config, tensors, prefix, 128, int(row["direction"] == "backward"))
        gain = np.sqrt((taps[row["channel"]] ** 2).sum())
        assert row["gain"] == pytest.approx(gain, rel=1e-6), row["layer"]


def test_a_network_of_the_library_has_no_pass(ssmi, tmp_path):
    save(tmp_path / "model", NETWORK, network_tensors(NETWORK))
    write(tmp_path / "ids.safetensors", {"input_ids": np.array([[1, 2]])})
    error = ssmi("embed", "model", "--ids", "ids.safetensors", "--out", "e", expect=4).stderr
    assert "cannot be run, only its state kernels can be analysed" in error


@pytest.mark.parametrize("changes, change, message", [
    ({"num_hidden_layers": 12}, lambda t: None,
     "'num_hidden_layers' is 12, but 11 tensors are named 'kernel.inv_dt'"),
    ({"kernel": "minimal"}, lambda t: None, "a 'network' of the library needs 'kernel' diag"),
    ({"network": "other"}, lambda t: None, "'network' is 'other', expected example or library"),
    ({}, lambda t: t.update({"model.layers.0.layer.layer.kernel.P": np.ones(1, np.float32)}),
     "holds 'kernel.P', the low-rank part of the original S4"),
    ({}, lambda t: t.pop("model.layers.3.layer.layer.D"),
     "missing tensors: 'model.layers.3.layer.layer.D'"),
])
def test_refusals_of_networks_of_the_library(ssmi, tmp_path, changes, change, message):
    tensors = network_tensors(NETWORK)
    change(tensors)
    save(tmp_path / "model", {**NETWORK, **changes}, tensors)
    assert message in ssmi("inspect", "model", expect=3).stderr


def test_the_tensors_tell_the_scheme(ssmi, tmp_path):
    """Without 'kernel' in the config, and under a wrapper's prefix."""
    tensors = {"module." + name: tensor for name, tensor in random_tensors(DIAG).items()}
    save(tmp_path / "model", CONFIG, tensors)
    report = json.loads(ssmi("inspect", "model", "--json").stdout)
    assert report["architecture"] == "s4d" and report["analyses"] == ["probe", "spectrum"]
    assert any("stripped 'module.'" in note for note in report["notes"])


@pytest.mark.parametrize("config", [CONFIG, DIAG, {**DIAG, "dt_transform": "softplus", "n_ssm": 3}],
                         ids=str)
def test_init_draws_what_the_authors_draw(ssmi, validated, tmp_path, config):
    big = {**config, "hidden_size": 300, "state_size": 64}
    (tmp_path / "config.json").write_text(json.dumps(big))
    ssmi("init", "--config", "config.json", "--out", "model")
    tensors = read(tmp_path / "model/model.safetensors")
    library = config.get("kernel") == "diag"
    prefix = "s4_layers.0." + ("layer.kernel." if library else "kernel.")
    if library:
        dt = transformed(tensors[prefix + "inv_dt"].ravel(), config.get("dt_transform", "exp"))
        assert (tensors[prefix + "B"] == [1, 0]).all()
        assert np.allclose(np.exp(tensors[prefix + "A_real"]), 0.5)
    else:
        dt = np.exp(tensors[prefix + "log_dt"])
        assert np.allclose(np.exp(tensors[prefix + "log_A_real"]), 0.5)
    assert dt.min() >= 0.00099 and dt.max() <= 0.101
    assert np.log(dt).mean() == pytest.approx((math.log(0.001) + math.log(0.1)) / 2, abs=0.4)
    assert np.allclose(tensors[prefix + "A_imag"], np.pi * np.arange(32), rtol=1e-6)
    assert tensors[prefix + "C"].std() == pytest.approx(math.sqrt(0.5), rel=0.05)
    ssmi("spectrum", "model", "--out", "report.json", "--twins", "1")
    validated("spectrum", tmp_path / "report.json")


@pytest.mark.parametrize("changes, message", [
    ({"state_size": 7}, "'state_size' is 7, expected an even number"),
    ({"kernel": "dplr"}, "'kernel' is 'dplr', expected minimal or diag"),
    ({"kernel": "diag", "disc": "dss"}, "'disc' is 'dss', expected zoh or bilinear"),
    ({"kernel": "diag", "n_ssm": 4}, "'n_ssm' 4 does not divide 'hidden_size', which is 6"),
    ({"kernel": "diag", "bandlimit": 0}, "'bandlimit' is 0, expected a positive number"),
    ({"kernel": "diag", "dt_transform": "tanh"}, "'dt_transform' is 'tanh', expected one of none"),
    ({"kernel": "diag", "is_real": True}, "'is_real' is true, only false is supported"),
    ({"kernel": "diag", "dt_fast": True}, "'dt_fast' is true, only false is supported"),
    ({"kernel": "diag", "bidirectional": True}, "supported only with 'network' library"),
    ({"encoder": "hash"}, "'encoder' is 'hash', expected linear or embedding"),
    ({"kernel": "diag", "channels": 2}, "'channels' is 2, only 1 is supported"),
    ({"num_labels": None}, "num_labels"),
])
def test_refusals(ssmi, tmp_path, changes, message):
    config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = ssmi("init", "--config", "config.json", "--out", "model", expect=3)
    assert message in result.stderr
