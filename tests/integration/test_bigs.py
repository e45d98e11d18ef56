"""BiGS and CodeSSM: embed against the numpy reference, names, refusals, what runs on them."""
import json

import bigs_reference as reference
import numpy as np
import pytest
from conftest import ROOT
from test_model import assert_close, read, write

SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_ssm": 6,
         "vocab_size": 40, "type_vocab_size": 2, "layer_norm_eps": 1e-12}
SITES = "block_input,mixer_input,state_output,gate,mixer_output"
LENGTHS = [1, 2, 7, 7, 33]


def codessm(**changes):
    config = {"model_type": "codessm", **SIZES, **changes}
    return {key: value for key, value in config.items() if value is not None}


def bigs(**changes):
    return codessm(**{"model_type": "BiGS", "max_position_embeddings": 33, **changes})


def save(folder, config, tensors):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    write(folder / "model.safetensors", tensors)


def batch(width=33, side="right", vocab=40):
    """Rows of LENGTHS, padded."""
    rng = np.random.default_rng(5)
    ids, mask = np.zeros((2, len(LENGTHS), width), np.int64)
    for row, length in enumerate(LENGTHS):
        place = slice(width - length, width) if side == "left" else slice(length)
        ids[row, place], mask[row, place] = rng.integers(0, vocab, length), 1
    return ids, mask


def embed(ssmi, tmp_path, ids, mask, *arguments):
    write(tmp_path / "ids.safetensors", {"input_ids": ids, "attention_mask": mask})
    ssmi("embed", "model", "--ids", "ids.safetensors", *arguments, "--out", "e.safetensors")
    return read(tmp_path / "e.safetensors")


@pytest.mark.parametrize("config", [
    codessm(),
    bigs(),
    bigs(model_type="bigs", architectures=["BiGSForMaskedLM"], hidden_act="gelu_new"),
    codessm(architectures=["CodeSSMForMaskedLM"]),
    codessm(architectures=["CodeSSMForMaskedLM"], hidden_act="silu", layer_norm_eps=1e-3),
    codessm(architectures=["CodeSSMForTokenClassification"], num_labels=5),
    codessm(architectures=["CodeSSMForSequenceClassification"], num_labels=3),
    bigs(architectures=["BiGSForSequenceClassification"], num_labels=3),
    codessm(architectures=["CodeSSMForSQA"], num_labels=9),
    codessm(num_kernels=8),
    codessm(num_kernels=16),
    codessm(high_frequency=True),
    bigs(num_kernels=8, high_frequency=True),
], ids=lambda config: "-".join(str(config.get(key, "")) for key in (
    "model_type", "architectures", "hidden_act", "num_kernels", "high_frequency")))
def test_embed_equals_the_reference_at_every_site(ssmi, tmp_path, config):
    weights = reference.random_weights(config)
    save(tmp_path / "model", config, weights)
    ids, mask = batch()
    head = ["--logits"] if "architectures" in config else []
    found = embed(ssmi, tmp_path, ids, mask, "--sites", SITES, "--layers", "0,1,2", *head)
    rows = [reference.forward(weights, config, ids[row, :length])
            for row, length in enumerate(LENGTHS)]
    assert set(found) == {"input_ids", "attention_mask", *rows[0]}
    for name in rows[0]:
        if found[name].ndim == 2:  # logits of a sequence
            assert_close(found[name], np.stack([row[name] for row in rows]))
            continue
        assert found[name].shape[:2] == ids.shape
        expected = np.zeros(found[name].shape)
        for row, length in enumerate(LENGTHS):
            expected[row, :length] = rows[row][name]
        assert_close(found[name], expected)


@pytest.mark.parametrize("config", [
    codessm(high_frequency=True, num_kernels=2), bigs(),
    codessm(architectures=["CodeSSMForSequenceClassification"], num_labels=3)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_padded_row_gives_what_it_gives_alone(ssmi, tmp_path, config, side):
    save(tmp_path / "model", config, reference.random_weights(config))
    head = ["--logits"] if "architectures" in config else []
    ids, mask = batch(50, side)
    together = embed(ssmi, tmp_path, ids, mask, *head)
    for row in range(len(LENGTHS)):
        kept = mask[row] == 1
        alone = embed(ssmi, tmp_path, ids[row:row + 1, kept], mask[row:row + 1, kept], *head)
        for name in alone:
            part = together[name][row:row + 1]
            assert_close(part if part.ndim == 2 and name == "logits" else part[:, kept],
                         alone[name])


def test_decoder_weights_of_its_own_are_used_and_mentioned(ssmi, tmp_path):
    config = codessm(architectures=["CodeSSMForMaskedLM"])
    weights = reference.random_weights(config)
    weights["cls.predictions.decoder.weight"] = weights[
        "bigs.embeddings.word_embeddings.weight"][::-1]
    save(tmp_path / "model", config, weights)
    ids, mask = batch()
    found = embed(ssmi, tmp_path, ids, mask, "--logits")
    expected = reference.forward(weights, config, ids[4])
    assert_close(found["logits"][4], expected["logits"])
    assert "cls.predictions.decoder.weight" in ssmi("inspect", "model").stdout


def test_released_names_are_read(ssmi, tmp_path):
    """The question-answering file: the prefix twice, a predictor beside it, no 'architectures', a
    pooler and a buffer that are not needed."""
    config = codessm(architectures=["CodeSSMForSQA"], num_labels=9)
    weights = reference.random_weights(config)
    stored = {name if name.startswith("predictor.") else "bigs." + name: value
              for name, value in weights.items()}
    stored["bigs.bigs.embeddings.position_ids"] = np.arange(33)[None]
    stored["bigs.bigs.pooler.dense.weight"] = np.ones((16, 16), np.float32)
    stored["bigs.bigs.pooler.dense.bias"] = np.ones(16, np.float32)
    save(tmp_path / "model", codessm(), stored)
    ids, mask = batch()
    found = embed(ssmi, tmp_path, ids, mask, "--logits")
    assert found["logits"].shape == (5, 33, 9)
    assert_close(found["logits"][4], reference.forward(weights, config, ids[4])["logits"])


def test_the_head_is_told_from_the_tensors(ssmi, tmp_path):
    full = codessm(architectures=["CodeSSMForTokenClassification"], num_labels=5)
    weights = reference.random_weights(full)
    save(tmp_path / "model", codessm() | {"architectures": None}, weights)
    assert "taken for one of tokens" in ssmi("inspect", "model").stdout
    ids, mask = batch()
    assert embed(ssmi, tmp_path, ids, mask, "--logits")["logits"].shape == (5, 33, 5)
    save(tmp_path / "bare", full,
         {name: value for name, value in weights.items() if name.startswith("bigs.")})
    assert "there is no 'classifier.weight'" in ssmi("inspect", "bare").stdout
    error = ssmi("embed", "bare", "--ids", "ids.safetensors", "--logits", "--out", "x.safetensors",
                 expect=4).stderr
    assert "a codessm has no site 'logits'" in error


@pytest.mark.parametrize("changes, code, message", [
    ({"pre_norm": False}, 3, "'pre_norm' is false, only true is supported"),
    ({"decode": True}, 3, "'decode' is true, only false is supported"),
    ({"hidden_act": "mish"}, 3, "'hidden_act' is 'mish', which is not known; known are: gelu,"),
    ({"num_kernels": 3}, 3, "'hidden_size' is 16, expected a multiple of 3, the 'num_kernels'"),
    ({"hidden_size": 12, "high_frequency": True}, 3, "expected a multiple of 8, the groups of"),
    ({"architectures": ["CodeSSMForPoetry"]}, 3, "names 'CodeSSMForPoetry', whose head is not known"),
    ({"architectures": "CodeSSMModel"}, 3, "'architectures' should be a list of one class name"),
    ({"architectures": ["CodeSSMForTokenClassification"], "id2label": {}}, 3,
     "'id2label' should be an object with a label or more, found {}"),
    ({"architectures": ["CodeSSMForTokenClassification"], "id2label": "ab"}, 3, 'found "ab"'),
    ({"architectures": ["CodeSSMForTokenClassification"], "num_labels": 0}, 3, "'num_labels' should"),
    ({"num_ssm": 5}, 3, "kernel.A_im' has shape [6], config.json says [5]"),
    ({"num_ssm": 0}, 3, "'num_ssm' should be an integer from 1"),
    ({"hidden_size": None}, 3, "key 'hidden_size' is missing"),
    ({"model_type": "bigs"}, 3, "key 'max_position_embeddings' is missing"),
    ({"model_type": "bigs", "max_position_embeddings": 9}, 3, "position_embeddings.weight"),
])
def test_a_config_that_does_not_fit_is_refused(ssmi, tmp_path, changes, code, message):
    config = codessm(**changes)
    weights = reference.random_weights(codessm(
        architectures=["CodeSSMForTokenClassification"], num_labels=2))
    save(tmp_path / "model", config, weights)
    assert message in ssmi("inspect", "model", expect=code).stderr


def test_a_row_longer_than_the_positions_is_refused(ssmi, tmp_path):
    save(tmp_path / "model", bigs(), reference.random_weights(bigs()))
    write(tmp_path / "ids.safetensors", {"input_ids": np.ones((1, 34), np.int64)})
    error = ssmi("embed", "model", "--ids", "ids.safetensors", "--out", "e", expect=4).stderr
    assert "a row of 34 tokens, but the model has 33 positions" in error


@pytest.fixture
def small(ssmi):
    """The small configuration of the repository, initialised at random."""
    ssmi("init", "--config", ROOT / "configs/models/codessm-small.json", "--out", "small")
    return "small"


def test_the_small_configuration_is_inspected_embedded_and_measured(ssmi, small, tmp_path,
                                                                    validated):
    report = validated("inspect", ssmi("inspect", small, "--json").stdout)
    assert (report["architecture"], report["parameters"]) == ("codessm", 231378)
    ssmi("embed", small, "--text", "def f(x):\n    return x\n", "--logits", "--out", "e.safetensors")
    found, config = read(tmp_path / "e.safetensors"), json.loads((tmp_path / "small/config.json").read_text())
    weights = read(tmp_path / "small/model.safetensors")
    expected = reference.forward(weights, config, found["input_ids"][0])
    assert_close(found["logits"][0], expected["logits"])
    assert_close(found["hidden_states.4"][0], expected["hidden_states.4"])
    ssmi("spectrum", small, "--twins", "1", "--out", "s.json")
    kernels = [kernel for kernel in json.loads((tmp_path / "s.json").read_text())["kernels"]
               if kernel["checkpoint"] == small]
    assert len(kernels) == 8
    for kernel in kernels:
        side = {"forward": "fs4", "backward": "bs4"}[kernel["direction"]]
        name = f"bigs.encoder.layer.{kernel['layer'] - 1}.{side}."
        magnitude = np.abs(np.fft.rfft(reference.taps(
            {key: value.astype(np.float64) for key, value in weights.items()}, name, 4096)[0]))
        frequencies = np.arange(2049) / 4096
        assert kernel["centroid"] == pytest.approx(
            (frequencies * magnitude).sum() / magnitude.sum(), rel=1e-6)


def test_probes_run_on_the_small_configuration(ssmi, small, tmp_path, validated):
    ssmi("probe", small, "--max-functions", "60", "--pairs-per-label", "30", "--layers", "0,4",
         "--twins", "0", "--tasks", "distance", "--probes", "linear", "--out", "r.json", "--quiet")
    results = validated("probe", tmp_path / "r.json")["results"]
    assert {0, 4} <= {row["layer"] for row in results if row["checkpoint"] == small}
