"""BiGS and CodeSSM in plain numpy and float64, one row at a time: what the binary is held against.

Written from the formulas (docs/models.md), not from the C++; the backward direction flips the row, as
the published code does. Also random weights whose biases, norms and skip terms are not what they are
initialised to, so that none of them can be forgotten.
"""
import numpy as np
from scipy.special import erf

PREFIX = "bigs."


def gelu(x):
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def taps(w, name, length):
    """The kernels of one direction, [G, length]."""
    c = w[name + "kernel.C"][..., 0] + 1j * w[name + "kernel.C"][..., 1]
    a = np.minimum(w[name + "kernel.A_re"], -1e-4) + 1j * w[name + "kernel.A_im"]
    c, a = np.atleast_2d(c), np.atleast_2d(a)  # [G, N]
    step = np.exp(w[name + "kernel.log_step"])[:, None]
    c = c * (np.exp(step * a) - 1) / a
    lags = np.arange(length)
    return np.stack([np.real(np.exp(np.outer(lags, step[g] * a[g])) @ c[g])
                     for g in range(len(c))])


def state_space(w, name, u):
    """What one direction's layer gives for u [T, H], in the order it is given."""
    tokens, width = u.shape
    kernels = taps(w, name, tokens)
    y = np.zeros_like(u)
    for channel in range(width):
        group = channel * len(kernels) // width
        y[:, channel] = (np.convolve(kernels[group], u[:, channel])[:tokens]
                         + w[name + "D"][group] * u[:, channel])
    if name + "conv.weight" in w:
        y += grouped_convolution(u, w[name + "conv.weight"], w[name + "conv.bias"])
    return y


def grouped_convolution(u, weight, bias):
    tokens, width = u.shape
    share = weight.shape[1]
    y = np.tile(bias, (tokens, 1))
    for out in range(width):
        first = out // share * share
        for t in range(tokens):
            for k in range(3):
                if 0 <= t + k - 1 < tokens:
                    y[t, out] += weight[out, :, k] @ u[t + k - 1, first:first + share]
    return y


def forward(w, config, ids):
    """The named values of one row."""
    w = {name: value.astype(np.float64) for name, value in w.items()}
    epsilon = config.get("layer_norm_eps", 1e-12)

    def linear(name, x):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(name, x):
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
        return centred / scale * w[name + ".weight"] + w[name + ".bias"]

    embeddings = PREFIX + "embeddings."
    x = (w[embeddings + "word_embeddings.weight"][ids]
         + w[embeddings + "token_type_embeddings.weight"][0])
    if config["model_type"] != "codessm":
        x = x + w[embeddings + "position_embeddings.weight"][:len(ids)]
    x = norm(embeddings + "LayerNorm", x)
    values = {"hidden_states.0": x}
    for i in range(config["num_hidden_layers"]):
        name = f"{PREFIX}encoder.layer.{i}."
        inner = norm(name + "LayerNorm", x)
        gate = gelu(linear(name + "dv", inner))
        ahead = gelu(linear(name + "du_forward", inner))
        back = gelu(linear(name + "du_backward", inner[::-1]))
        ahead = linear(name + "duc_forward", state_space(w, name + "fs4.", ahead))
        back = linear(name + "duc_backward", state_space(w, name + "bs4.", back))[::-1]
        mixed = linear(name + "do", gelu(linear(name + "dol", ahead * back)) * gate)
        values |= {f"block_input.{i + 1}": x, f"mixer_input.{i + 1}": inner,
                   f"state_output.{i + 1}": ahead * back, f"gate.{i + 1}": gate,
                   f"mixer_output.{i + 1}": mixed, f"hidden_states.{i + 1}": x + mixed}
        x = x + mixed
    head = config.get("architectures", [""])[0]
    if head.endswith("ForMaskedLM"):
        y = ACTIVATIONS[config.get("hidden_act", "gelu")](linear("cls.predictions.transform.dense", x))
        y = norm("cls.predictions.transform.LayerNorm", y)
        decoder = w.get("cls.predictions.decoder.weight", w[embeddings + "word_embeddings.weight"])
        values["logits"] = y @ decoder.T + w["cls.predictions.bias"]
    elif head.endswith("ForTokenClassification"):
        values["logits"] = linear("classifier", x)
    elif head.endswith("ForSequenceClassification"):
        values["logits"] = linear("classifier", np.tanh(linear("bigs.pooler.dense", x.mean(0))))
    elif head.endswith("ForSQA"):
        values["logits"] = linear("predictor", x)
    return values


def random_weights(config, seed=0):
    """Weights of published names and shapes, float32."""
    rng = np.random.default_rng(seed)
    width, inner = config["hidden_size"], config["intermediate_size"]
    states, kernels = config.get("num_ssm", 64), config.get("num_kernels", 1)
    w = {}

    def linear(name, out, into):
        w[name + ".weight"] = rng.normal(size=(out, into)) / np.sqrt(into)
        w[name + ".bias"] = 0.3 * rng.normal(size=out)

    def norm(name):
        w[name + ".weight"] = 1 + 0.3 * rng.normal(size=width)
        w[name + ".bias"] = 0.3 * rng.normal(size=width)

    embeddings = PREFIX + "embeddings."
    rows = {"word": config["vocab_size"], "token_type": config.get("type_vocab_size", 2)}
    if config["model_type"] != "codessm":
        rows["position"] = config["max_position_embeddings"]
    for name, count in rows.items():
        w[f"{embeddings}{name}_embeddings.weight"] = rng.normal(size=(count, width))
    norm(embeddings + "LayerNorm")
    lead = () if kernels == 1 else (kernels,)
    for i in range(config["num_hidden_layers"]):
        name = f"{PREFIX}encoder.layer.{i}."
        norm(name + "LayerNorm")
        linear(name + "dv", inner, width)
        linear(name + "dol", inner, width)
        linear(name + "do", width, inner)
        for side in ("forward", "backward"):
            linear(f"{name}du_{side}", width, width)
            linear(f"{name}duc_{side}", width, width)
        for side in ("fs4.", "bs4."):
            kernel = name + side + "kernel."
            w[kernel + "C"] = rng.normal(size=(*lead, states, 2))
            w[kernel + "A_re"] = -np.exp(rng.normal(size=(*lead, states)))
            w[kernel + "A_re"][..., 0] = 0.1  # grows, unless held below -1e-4
            w[kernel + "A_im"] = np.pi * np.arange(states) + rng.normal(size=(*lead, states))
            w[kernel + "log_step"] = rng.uniform(np.log(0.01), 0, size=kernels)
            w[name + side + "D"] = rng.normal(size=kernels)
            if config.get("high_frequency"):
                w[name + side + "conv.weight"] = rng.normal(size=(width, width // 8, 3))
                w[name + side + "conv.bias"] = rng.normal(size=width)
    head = config.get("architectures", [""])[0]
    if head.endswith("ForMaskedLM"):
        linear("cls.predictions.transform.dense", width, width)
        norm("cls.predictions.transform.LayerNorm")
        w["cls.predictions.bias"] = rng.normal(size=config["vocab_size"])
    elif head.endswith("Classification"):
        linear("classifier", config["num_labels"], width)
        if "Sequence" in head:
            linear("bigs.pooler.dense", width, width)
    elif head.endswith("ForSQA"):
        linear("predictor", config["num_labels"], width)
    return {name: value.astype(np.float32) for name, value in w.items()}
