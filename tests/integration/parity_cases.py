"""Runs the built ssmi on the checkpoints of tests/golden/parity and measures how far it is from what
transformers gave for them."""
import json
import struct

import numpy as np
from conftest import ROOT
from test_model import read, write

GOLDEN = ROOT / "tests/golden/parity"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())
BOUND = 2e-5  # of float32 noise between two right programs: ../../docs/parity.md
PROBABILITY_BOUND = 1e-6


class Reference:
    def __init__(self, case):
        path = GOLDEN / case / "reference.safetensors"
        self.tensors = read(path)
        size = struct.unpack("<Q", path.read_bytes()[:8])[0]
        self.about = json.loads(path.read_bytes()[8:8 + size])["__metadata__"]
        self.offsets = self.tensors.pop("offsets")
        self.ids = self.tensors.pop("input_ids")
        self.rows = [self.ids[a:b] for a, b in zip(self.offsets, self.offsets[1:])]

    @property
    def is_attentive(self):
        return any(name.startswith("attentions.") for name in self.tensors)

    def of_row(self, name, row):
        """A tensor's share of one row."""
        tensor = self.tensors[name]
        if name == "logits" and len(tensor) == len(self.rows):
            return tensor[row:row + 1]
        return tensor[self.offsets[row]:self.offsets[row + 1]]


def padded(rows, side):
    """Ids and mask [B, T]; what is masked holds an id of its own."""
    width = max(map(len, rows))
    ids, mask = np.full((2, len(rows), width), 7, np.int64)
    mask[:] = 0
    for row, tokens in enumerate(rows):
        place = slice(width - len(tokens), width) if side == "left" else slice(len(tokens))
        ids[row, place], mask[row, place] = tokens, 1
    return ids, mask


def padded_on_both_sides(rows):
    """Every row twice: padded on the right, then on the left."""
    return tuple(np.concatenate(pair) for pair in zip(padded(rows, "right"), padded(rows, "left")))


def embed(ssmi, folder, case, ids, mask, *options):
    write(folder / "ids.safetensors", {"input_ids": ids, "attention_mask": mask})
    ssmi("embed", GOLDEN / case, "--ids", "ids.safetensors", "--out", "out.safetensors", *options)
    return read(folder / "out.safetensors")


def found_of_row(output, mask, name, row):
    tensor = output[name]
    return tensor[row][mask[row].astype(bool)] if tensor.ndim == 3 else tensor[row:row + 1]


def errors(reference, rows, output, mask):
    """The largest absolute error of each kind of tensor over `rows` of the reference, which are the
    rows of the output."""
    worst = {"hidden states": 0.0, "logits": 0.0, "probabilities": 0.0}
    for name, tensor in reference.tensors.items():
        if name.startswith("attentions."):
            layer, row = map(int, name.split(".")[1:])
            if f"attentions.{layer}.0" not in output:
                continue
            for place in np.flatnonzero(np.equal(rows, row)):
                note(worst, "probabilities", output[f"attentions.{layer}.{place}"], tensor)
        elif name != "logits" or "logits" in output:
            for place, row in enumerate(rows):
                note(worst, "logits" if name == "logits" else "hidden states",
                     found_of_row(output, mask, name, place), reference.of_row(name, row))
    return worst


def note(worst, kind, found, expected):
    assert found.shape == expected.shape
    worst[kind] = max(worst[kind], float(np.abs(found - expected).max()))
