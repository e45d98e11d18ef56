"""The cases: which transformers class, which options, and how the files differ from what it saves."""
from dataclasses import dataclass, field

import edits


@dataclass
class Case:
    """A tiny checkpoint. `options` are its config's; `edit` changes (config, tensors) into what
    lies in the files, the numbers staying the same."""

    model: str
    options: dict
    edit: list = field(default_factory=list)
    leaks: bool = False  # the class itself reads padding on the left
    pads: bool = False  # the padding token is in the texts too


BERT = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 40, "max_position_embeddings": 24, "type_vocab_size": 2}
ROBERTA = BERT | {"pad_token_id": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
GPT2 = {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 24,
        "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
NEOX = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 24, "bos_token_id": 0,
        "eos_token_id": 0, "pad_token_id": 0}
LLAMA = NEOX | {"num_attention_heads": 4}
MAMBA = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8,
         "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
MAMBA2 = MAMBA | {"num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 8}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def rope(kind="default", **more):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


CASES = {
    # BERT
    "bert": Case("BertModel", BERT | {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3,
                                      "type_vocab_size": 3}),
    "bert-prefixed": Case("BertModel", BERT | {"hidden_act": "silu"},
                          [edits.prefix("bert."), edits.position_ids("bert.embeddings.")]),
    "bert-masked-lm": Case("BertForMaskedLM", BERT | {"hidden_act": "relu"}, [edits.torch_dtype]),
    "bert-masked-lm-untied": Case("BertForMaskedLM", BERT | {"tie_word_embeddings": False}),
    "bert-sequence": Case("BertForSequenceClassification", BERT | {"num_labels": 3}, leaks=True),
    "bert-token": Case("BertForTokenClassification", BERT | {"num_labels": 5}),
    # RoBERTa
    "roberta": Case("RobertaModel", ROBERTA, [edits.position_ids("embeddings.")]),
    "roberta-prefixed": Case("RobertaModel", ROBERTA | {"pad_token_id": 3, "hidden_act": "gelu_fast"},
                             [edits.prefix("roberta.")]),
    "roberta-masked-lm": Case("RobertaForMaskedLM", ROBERTA),
    "roberta-sequence": Case("RobertaForSequenceClassification", ROBERTA | {"num_labels": 3},
                             leaks=True),
    "roberta-token": Case("RobertaForTokenClassification", ROBERTA | {"num_labels": 4}),
    "roberta-pads": Case("RobertaModel", ROBERTA, pads=True),
    # RoCoder: RoFormer is the same network with interleaved pairs
    "rocoder": Case("RoFormerForMaskedLM", BERT, [edits.rocoder(interleaved=False)]),
    "rocoder-interleaved": Case("RoFormerModel", BERT | {"hidden_act": "gelu_new"},
                                [edits.rocoder(interleaved=True)]),
    "rocoder-token": Case("RoFormerForTokenClassification", BERT | {"num_labels": 5},
                          [edits.rocoder(interleaved=False)]),
    # GPT-2
    "gpt2": Case("GPT2Model", GPT2 | {"layer_norm_epsilon": 1e-3, "n_inner": 40},
                 [edits.causal_masks(2, 24)]),
    "gpt2-lm": Case("GPT2LMHeadModel", GPT2 | {"activation_function": "relu",
                                               "scale_attn_by_inverse_layer_idx": True}),
    "gpt2-upcast": Case("GPT2LMHeadModel", GPT2 | {
        "reorder_and_upcast_attn": True, "scale_attn_by_inverse_layer_idx": True,
        "tie_word_embeddings": False}),
    "gpt2-unscaled": Case("GPT2Model", GPT2 | {"scale_attn_weights": False, "n_inner": 32},
                          [edits.prefix("transformer.")]),
    "gpt2-sequence": Case("GPT2ForSequenceClassification", GPT2 | {"num_labels": 3, "n_inner": 32}),
    "gpt2-token": Case("GPT2ForTokenClassification", GPT2 | {"num_labels": 3, "n_inner": 32}),
    # GPT-NeoX
    "neox": Case("GPTNeoXModel", NEOX | rope(partial_rotary_factor=0.25)),
    "neox-serial": Case("GPTNeoXForCausalLM", NEOX | rope(partial_rotary_factor=0.5) | {
        "use_parallel_residual": False, "hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
                        [edits.old_rope, edits.torch_dtype]),
    "neox-unbiased": Case("GPTNeoXForCausalLM", NEOX | rope(partial_rotary_factor=1.0) | {
        "attention_bias": False, "tie_word_embeddings": True}),
    "neox-linear": Case("GPTNeoXModel", NEOX | rope("linear", factor=2.0, partial_rotary_factor=0.5,
                                                    rope_theta=100.0),
                        [edits.old_rope, edits.prefix("gpt_neox.")]),
    "neox-sequence": Case("GPTNeoXForSequenceClassification", NEOX | {"num_labels": 3}),
    "neox-token": Case("GPTNeoXForTokenClassification", NEOX | {"num_labels": 3}),
    # Llama
    "llama": Case("LlamaModel", LLAMA | rope(rope_theta=500.0) | {
        "num_key_value_heads": 2, "rms_norm_eps": 1e-3}),
    "llama-old": Case("LlamaForCausalLM", LLAMA | rope(rope_theta=500.0) | {
        "num_key_value_heads": 1, "tie_word_embeddings": True, "head_dim": 8},
                      [edits.old_rope, edits.torch_dtype]),
    "llama-head-dim": Case("LlamaForCausalLM", LLAMA | {
        "head_dim": 12, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"}),
    "llama-linear": Case("LlamaModel", LLAMA | rope("linear", factor=4.0), [edits.prefix("model.")]),
    "llama-llama3": Case("LlamaForCausalLM", LLAMA | {"rope_parameters": LLAMA3}),
    "llama-llama3-old": Case("LlamaModel", LLAMA | {"rope_parameters": LLAMA3}, [edits.old_rope]),
    "llama-sequence": Case("LlamaForSequenceClassification", LLAMA | {"num_labels": 3}),
    "llama-sequence-pads": Case("LlamaForSequenceClassification", LLAMA | {"num_labels": 3},
                                pads=True),
    "llama-token": Case("LlamaForTokenClassification", LLAMA | {"num_labels": 3}),
    # Qwen2
    "qwen2": Case("Qwen2ForCausalLM", LLAMA | rope(rope_theta=1000.0) | {
        "num_key_value_heads": 2, "rms_norm_eps": 1e-3, "use_sliding_window": False,
        "sliding_window": 4}, [edits.old_rope]),
    "qwen2-window": Case("Qwen2Model", LLAMA | {
        "num_key_value_heads": 4, "use_sliding_window": True, "sliding_window": 5,
        "max_window_layers": 1, "hidden_act": "relu"}),
    "qwen2-window-old": Case("Qwen2ForCausalLM", LLAMA | {
        "num_key_value_heads": 2, "use_sliding_window": True, "sliding_window": 3,
        "max_window_layers": 1, "tie_word_embeddings": True},
                             [edits.old_rope, edits.without("layer_types")]),
    "qwen2-sequence": Case("Qwen2ForSequenceClassification", LLAMA | {
        "num_key_value_heads": 2, "num_labels": 3}),
    # StarCoder2
    "starcoder2": Case("Starcoder2ForCausalLM", LLAMA | rope(rope_theta=1000.0) | {
        "num_key_value_heads": 2, "norm_epsilon": 1e-3}),
    "starcoder2-window": Case("Starcoder2Model", LLAMA | {
        "num_key_value_heads": 1, "sliding_window": 5, "use_bias": False, "hidden_act": "gelu"}),
    "starcoder2-untied": Case("Starcoder2ForCausalLM", LLAMA | {
        "num_key_value_heads": 4, "tie_word_embeddings": False}, [edits.old_rope]),
    "starcoder2-sequence": Case("Starcoder2ForSequenceClassification", LLAMA | {
        "num_key_value_heads": 2, "num_labels": 3}),
    # Mamba
    "mamba": Case("MambaModel", MAMBA | {"layer_norm_epsilon": 1e-3, "conv_kernel": 3}),
    "mamba-lm": Case("MambaForCausalLM", MAMBA | {"expand": 3, "time_step_rank": 5},
                     [edits.torch_dtype]),
    "mamba-biased": Case("MambaForCausalLM", MAMBA | {
        "use_bias": True, "use_conv_bias": False, "residual_in_fp32": False,
        "tie_word_embeddings": False, "state_size": 5},
                         leaks=True),
    "mamba-act": Case("MambaModel", MAMBA | {"hidden_act": "gelu", "conv_kernel": 4},
                      [edits.prefix("backbone.")]),
    "mamba-original": Case("MambaForCausalLM", MAMBA, [edits.mamba_ssm]),
    "mamba-original-options": Case("MambaForCausalLM", MAMBA | {
        "state_size": 4, "conv_kernel": 2, "expand": 1, "time_step_rank": 3, "use_bias": True,
        "use_conv_bias": False, "tie_word_embeddings": False}, [edits.mamba_ssm], leaks=True),
    # Mamba-2
    "mamba2": Case("Mamba2Model", MAMBA2 | {"layer_norm_epsilon": 1e-3}),
    "mamba2-one-group": Case("Mamba2ForCausalLM", MAMBA2 | {"n_groups": 1, "conv_kernel": 3},
                             [edits.infinity_token]),
    "mamba2-limited": Case("Mamba2ForCausalLM", MAMBA2 | {
        "n_groups": 4, "time_step_limit": (0.05, 0.4), "use_bias": True, "use_conv_bias": False,
        "tie_word_embeddings": True, "chunk_size": 256}, leaks=True),
    "mamba2-act": Case("Mamba2Model", MAMBA2 | {"expand": 1, "num_heads": 4, "hidden_act": "gelu",
                                                "residual_in_fp32": False},
                       [edits.prefix("backbone.")]),
    "mamba2-original": Case("Mamba2ForCausalLM", MAMBA2 | {"state_size": 8}, [edits.mamba2_ssm]),
    # Falcon-Mamba
    "falcon-mamba": Case("FalconMambaModel", MAMBA | {"mixer_rms_eps": 1e-3}),
    "falcon-mamba-lm": Case("FalconMambaForCausalLM", MAMBA | {
        "use_bias": True, "expand": 3, "tie_word_embeddings": False, "time_step_rank": 5}, leaks=True),
    "falcon-mamba-tied": Case("FalconMambaForCausalLM", MAMBA | {
        "use_conv_bias": False, "conv_kernel": 2, "layer_norm_epsilon": 1e-3}),
}
