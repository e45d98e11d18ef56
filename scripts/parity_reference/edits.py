"""How files differ from what today's transformers saves while the numbers stay the same: older
dialects of configs, other prefixes, buffers. Each edit takes and changes (config, tensors)."""
import torch


def prefix(text):
    def edit(_config, tensors):
        for name in list(tensors):
            tensors[text + name] = tensors.pop(name)
    return edit


def without(key):
    def edit(config, _tensors):
        config.pop(key)
    return edit


def position_ids(before):
    """The buffer that older versions saved."""
    def edit(config, tensors):
        tensors[before + "position_ids"] = torch.arange(config["max_position_embeddings"])[None]
    return edit


def causal_masks(layers, positions):
    def edit(_config, tensors):
        for layer in range(layers):
            mask = torch.ones(positions, positions, dtype=torch.bool).tril()
            tensors[f"h.{layer}.attn.bias"] = mask[None, None]
            tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    return edit


def torch_dtype(config, _tensors):
    config["torch_dtype"] = config.pop("dtype")


def infinity_token(config, _tensors):
    """The bare token Infinity, which older versions wrote."""
    config["time_step_limit"] = [0.0, float("inf")]


def old_rope(config, _tensors):
    """rope_theta, rope_scaling (type or rope_type) and rotary_pct in place of rope_parameters."""
    parameters = config.pop("rope_parameters")
    theta, kind = parameters.pop("rope_theta"), parameters.pop("rope_type")
    partial = parameters.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"], config["rotary_pct"] = theta, partial
    else:
        config["rope_theta"] = theta
    key = "type" if kind == "linear" else "rope_type"
    config["rope_scaling"] = None if kind == "default" else {key: kind, **parameters}


def _to_halves(tensor, heads):
    """Rows of a query or key projection whose rotary pairs lie side by side, put so that they lie
    half a head apart."""
    parts = tensor.reshape(heads, -1, 2, *tensor.shape[1:])
    return parts.transpose(1, 2).reshape(tensor.shape).contiguous()


def rocoder(interleaved):
    """A RoFormer as a RoCoder. Attention does not see the order of a head's channels, so rotating
    halves is rotating pairs of permuted ones."""
    def edit(config, tensors):
        heads = config["num_attention_heads"]
        for key in ("embedding_size", "rotary_value", "max_position_embeddings", "use_cache"):
            config.pop(key, None)
        config |= {"model_type": "rocoder", "rope_theta": 10000}
        if interleaved:
            config["interleaved"] = True
        if "architectures" in config:
            config["architectures"] = [config["architectures"][0].replace("RoFormer", "RoCoder")]
        for name in list(tensors):
            tensor = tensors.pop(name)
            if name.endswith("embed_positions.weight"):
                continue
            is_rotated = ".self.query." in name or ".self.key." in name
            if is_rotated and not interleaved:
                tensor = _to_halves(tensor, heads)
            tensors[name.replace("roformer.", "rocoder.")] = tensor
    return edit


def _original(config, tensors, ssm_cfg):
    if "backbone.embeddings.weight" in tensors:
        tensors["backbone.embedding.weight"] = tensors.pop("backbone.embeddings.weight")
    # The original class saves the tied head too.
    tensors.setdefault("lm_head.weight", tensors["backbone.embedding.weight"].clone())
    kept = {"d_model": config["hidden_size"], "n_layer": config["num_hidden_layers"],
            "vocab_size": config["vocab_size"] - 3,  # rounded up to pad_vocab_size_multiple
            "ssm_cfg": ssm_cfg, "rms_norm": True, "residual_in_fp32": True, "fused_add_norm": True,
            "pad_vocab_size_multiple": 8}
    if not config["tie_word_embeddings"]:
        kept["tie_embeddings"] = False
    config.clear()
    config.update(kept)


def mamba_ssm(config, tensors):
    """What the original package (mamba_ssm) saves, which has no model_type."""
    ssm = {}
    for key, ours, default in (("d_state", "state_size", 16), ("d_conv", "conv_kernel", 4),
                               ("expand", "expand", 2), ("bias", "use_bias", False),
                               ("conv_bias", "use_conv_bias", True)):
        if config[ours] != default:
            ssm[key] = config[ours]
    if config["time_step_rank"] != -(-config["hidden_size"] // 16):
        ssm["dt_rank"] = config["time_step_rank"]
    _original(config, tensors, ssm)


def mamba2_ssm(config, tensors):
    """The same for Mamba-2."""
    _original(config, tensors, {"layer": "Mamba2", "d_state": config["state_size"],
                                "headdim": config["head_dim"], "ngroups": config["n_groups"],
                                "chunk_size": config["chunk_size"]})
