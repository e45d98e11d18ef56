"""What transformers gives for a folder: transformers_reference.py FOLDER IDS OUT, in the environment of
scripts/parity. IDS has input_ids [B, T]; OUT gets hidden_states.<i> as ssmi numbers them, final_norm
of a causal model and its logits."""
import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

folder, ids, out = sys.argv[1:]
causal = json.loads((Path(folder) / "config.json").read_text())["model_type"] == "llama"
kind = transformers.AutoModelForCausalLM if causal else transformers.AutoModel
model = kind.from_pretrained(folder, dtype=torch.float32).eval()
rows = load_file(ids)["input_ids"]
with torch.no_grad():
    result = model(input_ids=rows, output_hidden_states=True)
tensors = dict(enumerate(result.hidden_states))
if causal:
    tensors["final_norm"] = tensors.pop(len(tensors) - 1)
named = {name if isinstance(name, str) else f"hidden_states.{name}": tensor
         for name, tensor in tensors.items()}
if causal:
    named["logits"] = result.logits
save_file({name: tensor.contiguous() for name, tensor in named.items()}, out)
