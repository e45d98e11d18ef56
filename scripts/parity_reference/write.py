"""Writes tests/golden/parity/<case>: config.json, model.safetensors and, in reference.safetensors,
what the transformers class gives in float32 for rows of LENGTHS tokens laid end to end:
input_ids [S], offsets [R + 1], hidden_states.<i> and final_norm [S, D] numbered as ssmi does,
attentions.<block>.<row> [H, T, T], logits [S, V] or [R, labels].

The numbers are those of each row alone; rows padded on the right and on the left must give the
same, or the script fails, but for cases marked as leaks."""
import json
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import torch
import transformers
from cases import CASES
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).resolve().parents[2] / "tests/golden/parity"
LENGTHS = [1, 2, 7, 19]
NOISE = 2e-5


def randomise(model):
    """Every parameter random, and large enough that each matters."""
    for name, tensor in model.named_parameters():
        if not tensor.requires_grad:
            continue  # a table of sines
        last = name.rsplit(".", 1)[-1]
        with torch.no_grad():
            if last == "A_log":
                tensor.uniform_(0.3, 6).log_()
            elif last == "dt_bias" or name.endswith("dt_proj.bias"):
                tensor.uniform_(-4, 0)
            elif last == "D" or ("norm" in name.lower() or ".ln_" in name) and last == "weight":
                tensor.normal_(1, 0.2)
            elif tensor.dim() == 1:
                tensor.normal_(0, 0.2)
            elif name.endswith("mixer.out_proj.weight"):
                # Scans sum over tokens: hidden states would grow to 50, and their noise with them.
                tensor.normal_(0, 0.3 / tensor[0].numel() ** 0.5)
            elif "embed" in name or ".wte" in name or ".wpe" in name:
                tensor.normal_(0, 0.7)
            else:
                tensor.normal_(0, 1.2 / tensor[0].numel() ** 0.5)


def make(case):
    kind = getattr(transformers, case.model)
    config = kind.config_class(**case.options)
    model = kind._from_config(config, attn_implementation="eager") \
        if hasattr(kind, "_from_config") else kind(config)
    randomise(model)
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    return model.eval()


def rows_of(config, pads):
    """Rows of random ids; with `pads` the padding token is in the midst and at the end of some."""
    pad = config.pad_token_id
    rows = [torch.tensor([id if id != pad else 5 for id in
                          torch.randint(0, config.vocab_size, (length,)).tolist()])
            for length in LENGTHS]
    if pads:
        rows[2][3] = rows[3][7] = rows[3][8] = rows[3][-1] = pad
    return rows


def padded(rows, config, side):
    width = max(LENGTHS)
    ids = torch.full((len(rows), width), config.pad_token_id or 0)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        place = slice(width - len(tokens), width) if side == "left" else slice(len(tokens))
        ids[row, place], mask[row, place] = tokens, 1
    return ids, mask


@torch.no_grad()
def forward(model, ids, mask):
    """The pass, positions counted from each row's first token."""
    inputs = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
    if is_transformer(model):
        inputs["output_attentions"] = True
        if model.config.model_type not in ("roberta", "roformer"):
            inputs["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
    if "use_cache" in model.config.to_dict():
        inputs["use_cache"] = False
    return model(**inputs)


def is_transformer(model):
    return "mamba" not in model.config.model_type


def hidden_names(model, count):
    """ssmi's names of the library's hidden states: the last entry of all but encoders is after the
    final norm; state-space models' first is what block 1 gives."""
    if not is_transformer(model):
        return [f"hidden_states.{i + 1}" for i in range(count - 1)] + ["final_norm"]
    names = [f"hidden_states.{i}" for i in range(count)]
    if model.config.model_type not in ("bert", "roberta", "roformer"):
        names[-1] = "final_norm"
    return names


def values(model, ids, mask):
    """The outputs of each row, without padding: [{name: tensor}]."""
    output = forward(model, ids, mask)
    states = output.hidden_states
    result = []
    for row in range(len(ids)):
        real = mask[row].bool()
        own = {name: state[row][real] for name, state in
               zip(hidden_names(model, len(states)), states, strict=True)}
        for block, probabilities in enumerate(getattr(output, "attentions", None) or [], 1):
            own[f"attentions.{block}"] = probabilities[row][:, real][:, :, real]
        logits = getattr(output, "logits", None)
        if logits is not None:
            own["logits"] = logits[row][real] if logits.dim() == 3 else logits[row][None]
        result.append(own)
    return result


def reference(model, name, leaks, pads):
    rows = rows_of(model.config, pads)
    alone = [values(model, tokens[None], torch.ones_like(tokens[None]))[0] for tokens in rows]
    for side in ("right",) if leaks else ("right", "left"):
        for one, other in zip(alone, values(model, *padded(rows, model.config, side)), strict=True):
            for key, tensor in one.items():
                error = (tensor - other[key]).abs().max().item()
                if error > NOISE:
                    raise SystemExit(f"{name}: {key} moves by {error:.1e} with padding on the {side}")
    tensors = {"input_ids": torch.cat(rows),
               "offsets": torch.tensor([0, *LENGTHS]).cumsum(0)}
    for key in alone[0]:
        if key.startswith("attentions."):
            tensors |= {f"{key}.{row}": own[key] for row, own in enumerate(alone)}
        else:
            tensors[key] = torch.cat([own[key] for own in alone])
    return {key: tensor.contiguous().clone() for key, tensor in tensors.items()}


def write(name, case):
    torch.manual_seed(zlib.crc32(name.encode()))
    model = make(case)
    expected = reference(model, name, case.leaks, case.pads)
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        config = json.loads((Path(saved) / "config.json").read_text())
        tensors = load_file(Path(saved) / "model.safetensors")
    config.pop("transformers_version", None)
    for edit in case.edit:
        edit(config, tensors)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    save_file(expected, folder / "reference.safetensors", {"class": case.model,
                                                           "versions": versions()})
    print(f"{name}: {case.model}, {sum(f.stat().st_size for f in folder.iterdir()) / 1e3:.0f} kB")


def versions():
    return f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"


def main(names):
    unknown = set(names) - set(CASES)
    if unknown:
        raise SystemExit(f"no case {', '.join(sorted(unknown))}")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f"parity: {versions()}")
    for name in names or CASES:
        write(name, CASES[name])


if __name__ == "__main__":
    main(sys.argv[1:])
