"""The transformers side of scripts/bench: opens a checkpoint, then answers each line of stdin,
{"work": "body" | "states", "rows": [[id ..] ..]}, with the seconds that the pass took. Rows of
different lengths are padded on the right and masked. With "out" the states are written there too:
hidden_states.<i> and final_norm [S, D], rows end to end, numbered as ssmi does."""
import json
import sys
import time

import torch
import transformers
from safetensors.torch import save_file


def padded(rows, pad):
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, :len(tokens)] = torch.tensor(tokens)
        mask[row, :len(tokens)] = 1
    return ids, mask


@torch.inference_mode()
def forward(model, work, rows):
    ids, mask = padded(rows, model.config.pad_token_id)
    inputs = {"input_ids": ids, "output_hidden_states": work == "states"}
    if not mask.all():
        inputs["attention_mask"] = mask
    if "use_cache" in model.config.to_dict():
        inputs["use_cache"] = False
    begin = time.perf_counter()
    output = model(**inputs)
    return time.perf_counter() - begin, output, mask.bool()


def named(output, mask, is_mamba):
    """The library's first hidden state of a Mamba is what block 1 gives, the last after the norm."""
    states = output.hidden_states
    names = [f"hidden_states.{i + is_mamba}" for i in range(len(states))]
    if is_mamba:
        names[-1] = "final_norm"
    return {name: state[mask].contiguous() for name, state in zip(names, states, strict=True)}


def main(folder, threads):
    torch.set_num_threads(int(threads))
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    for line in sys.stdin:
        request = json.loads(line)
        seconds, output, mask = forward(model, request["work"], request["rows"])
        if "out" in request:
            save_file(named(output, mask, "mamba" in model.config.model_type), request["out"])
        print(seconds, flush=True)


main(*sys.argv[1:])
