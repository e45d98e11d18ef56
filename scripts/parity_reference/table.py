"""Runs the built ssmi on every case of tests/golden/parity and writes docs/parity.md: how far it is
from transformers, in each way that rows can be given."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

import numpy as np  # noqa: E402
import parity_cases as parity  # noqa: E402

BINARY = Path(os.environ.get("SSMI_BINARY", ROOT / "build/dev/ssmi")).resolve(strict=True)

HEAD = """# Parity with transformers

Written by `scripts/parity --table`; do not edit.

`scripts/parity` makes a tiny checkpoint of each kind below, its weights random and large enough that each matters, and keeps what its transformers class gives for
rows of {lengths} tokens in float32 ({versions}). ssmi runs the same rows in one batch padded on the right and on the left, and each alone; the table has the largest
absolute difference over all rows, layers and ways. Hidden states and logits are held to {bound:.0e}, attention probabilities to {probability:.0e}, by
`tests/integration/test_parity.py`. Float32 against float64 of the same weights differs by up to 3e-6 in logits and 5e-6 in hidden states, so two right programs may differ by as much.

| case | class | not the default | hidden states | probabilities | logits |
|---|---|---|---|---|---|
"""


def run_in(folder):
    def ssmi(*arguments):
        subprocess.run([BINARY, *map(str, arguments)], cwd=folder, check=True, capture_output=True)
    return ssmi


def measured(case, folder):
    """The worst errors over all ways to give the rows."""
    reference = parity.Reference(case)
    heads = ["--logits"] if "logits" in reference.tensors else []
    seen = ["--attentions"] if reference.is_attentive else []
    all_rows = list(range(len(reference.rows)))
    ways = [(2 * all_rows, *parity.padded_on_both_sides(reference.rows), options)
            for options in ([], seen)]
    for row in all_rows:
        ids = reference.rows[row][None]
        ways.append(([row], ids, np.ones_like(ids), seen))
    worst = {}
    for rows, ids, mask, options in ways:
        output = parity.embed(run_in(folder), folder, case, ids, mask, *heads, *options)
        for kind, error in parity.errors(reference, rows, output, mask).items():
            worst[kind] = max(worst.get(kind, 0), error)
    return reference, worst


def options_of(case):
    """What the case sets, from the list of cases, read without importing it: it needs torch."""
    text = (ROOT / "scripts/parity_reference/cases.py").read_text(encoding="utf-8")
    namespace = {"__name__": "cases"}
    stub = type(sys)("edits")
    stub.__getattr__ = lambda name: Edit(name)
    sys.modules["edits"] = stub
    sys.modules["cases"] = type(sys)("cases")
    exec(compile(text, "cases.py", "exec"), namespace)
    base = [namespace[name] for name in
            ("BERT", "ROBERTA", "GPT2", "NEOX", "LLAMA", "MAMBA", "MAMBA2")]
    chosen = namespace["CASES"][case]
    own = {key: value for key, value in chosen.options.items()
           if not any(shape.get(key) == value for shape in base)}
    words = [f"{key} {short(value)}" for key, value in own.items()]
    return ", ".join(words + [str(edit) for edit in chosen.edit])


class Edit:
    def __init__(self, name):
        self.name = name

    def __call__(self, *arguments, **_named):
        return Edit(f"{self.name} {arguments[0]}" if arguments else self.name)

    def __str__(self):
        return f"file: {self.name.replace('_', ' ')}"


def short(value):
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {short(item)}" for key, item in value.items()) + ")"
    return json.dumps(value)


def main():
    rows = []
    for case in parity.CASES:
        with tempfile.TemporaryDirectory() as folder:
            reference, worst = measured(case, Path(folder))
        cells = [f"{worst[kind]:.1e}" if kind in shown(reference) else ""
                 for kind in ("hidden states", "probabilities", "logits")]
        rows.append(f"| `{case}` | {reference.about['class']} | {options_of(case)} | "
                    + " | ".join(cells) + " |")
        print(rows[-1])
    lengths = [len(row) for row in reference.rows]
    head = HEAD.format(lengths=", ".join(map(str, lengths[:-1])) + f" and {lengths[-1]}",
                       versions=reference.about["versions"], bound=parity.BOUND,
                       probability=parity.PROBABILITY_BOUND)
    (ROOT / "docs/parity.md").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


def shown(reference):
    kinds = {"hidden states"}
    if reference.is_attentive:
        kinds.add("probabilities")
    if "logits" in reference.tensors:
        kinds.add("logits")
    return kinds


main()
