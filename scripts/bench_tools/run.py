"""Measures the built ssmi and writes build/bench/PART.json of each part, and docs/performance.md of all
parts that are there: run.py BUILD [--quick] [PART ...]."""
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import report
from measure import Asked, in_turn, peak_mib
from probes import Probes
from safetensors import safe_open
from safetensors.numpy import save_file
from subjects import (MAMBA, ROBERTA, ROOT, WORK, functions, make_checkpoint, make_tokenizers,
                      random_row, real_rows, write_texts)

THREADS = 2
MIB = 2 ** 20
REFERENCE = [sys.executable, ROOT / "scripts/bench_tools/reference.py"]


class Models:
    """Forward passes, memory, tokenizing: against the transformers library."""

    def __init__(self, build, quick):
        self.ssmi, self.build, self.quick = build / "ssmi", build, quick
        self.rounds = 2 if quick else 5
        self.layers = 2 if quick else None
        self.results = {}

    def measure(self):
        texts = functions()
        shared = os.environ.get("SSMI_SHARED")
        tokenizers = make_tokenizers(texts, Path(shared) / "tokenizers" if shared else None)
        self.mamba()
        self.roberta(texts, next(iter(tokenizers.values()))[1])
        self.kernels()
        self.tokenizers(texts, tokenizers)
        self.streaming(texts)
        return self.results

    def difference(self, folder, rows, reference):
        """The largest difference of hidden states, relative to the largest value of each."""
        ids, ours, theirs = WORK / "ids.safetensors", WORK / "ours.st", WORK / "theirs.st"
        worst = 0.0
        reference(work="states", rows=rows, out=str(theirs))
        width = max(map(len, rows))
        padded, mask = np.ones((len(rows), width), np.int64), np.zeros((len(rows), width), np.int64)
        for row, tokens in enumerate(rows):
            padded[row, :len(tokens)], mask[row, :len(tokens)] = tokens, 1
        save_file({"input_ids": padded, "attention_mask": mask}, ids)
        subprocess.run([self.ssmi, "embed", folder, "--ids", ids, "--out", ours], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with safe_open(ours, "np") as a, safe_open(theirs, "np") as b:
            for name in b.keys():
                expected = b.get_tensor(name)
                found = a.get_tensor(name)[mask.astype(bool)]
                error = float(np.abs(found - expected).max() / np.abs(expected).max())
                if not np.isfinite(error):
                    raise SystemExit(f"bench: {folder.name}: {name} is not finite")
                worst = max(worst, error)
        return worst

    def passes(self, folder, work, batches):
        """Times of each batch of rows: both sides and the matrix products, in turn."""
        found = {}
        with Asked([self.build / "forward_bench", folder, THREADS]) as ours, \
                Asked([*REFERENCE, folder, THREADS]) as theirs:
            for name, rows in batches.items():
                def ssmi(rows=rows):
                    return ours(work=work, rows=rows)

                found[name] = {
                    "others": in_turn(self.rounds, {"ssmi": ssmi, "transformers": (
                        lambda rows=rows: theirs(work=work, rows=rows))}),
                    "products": in_turn(3 * self.rounds, {"ssmi": ssmi, "products": (
                        lambda rows=rows: ours(work="products", rows=rows))})}
                found[name]["tokens"] = sum(map(len, rows))
                found[name]["difference"] = self.difference(folder, rows, theirs)
                print(f"bench: {folder.name}, {name}: {found[name]}", flush=True)
        return found

    def memory(self, folder, work, length, vocab, options):
        """Peaks of one pass in processes of their own, and what the goal makes of the weights."""
        row = random_row(length, vocab)
        ids = WORK / "memory.safetensors"
        save_file({"input_ids": np.array([row], np.int64)}, ids)
        request = json.dumps({"work": work, "rows": [row]}) + "\n"
        return {"ssmi": peak_mib([self.ssmi, "embed", folder, "--ids", ids, *options, "--out",
                                  WORK / "memory.st"]),
                "transformers": peak_mib([*REFERENCE, folder, THREADS], request),
                "weights": weight_bytes(folder / "model.safetensors") / MIB}

    def mamba(self):
        folder = make_checkpoint(self.ssmi, "mamba-130m", MAMBA, self.layers)
        vocab, length = MAMBA["vocab_size"], 512
        layers = self.layers or MAMBA["num_hidden_layers"]
        self.results["mamba"] = self.passes(folder, "body", {
            f"L = {tokens}": [random_row(tokens, vocab)] for tokens in (512, 1024)})
        memory = self.memory(folder, "body", length, vocab,
                             ["--layers", layers, "--sites", "final_norm"])
        # in_proj's two halves, the convolution's output, step sizes, the scan's output and the gate;
        # what they are selected by; the residual stream and its norm.
        floats = 6 * MAMBA["intermediate_size"] + MAMBA["time_step_rank"] + \
            2 * MAMBA["state_size"] + 2 * MAMBA["hidden_size"]
        memory["goal"] = 1.3 * memory["weights"] + 4 * length * floats / MIB
        self.results["mamba_memory"] = memory

    def roberta(self, texts, tokenizer):
        folder = make_checkpoint(self.ssmi, "roberta-base", ROBERTA, self.layers)
        vocab = ROBERTA["vocab_size"]
        real = real_rows(texts, tokenizer, 8 if self.quick else 32, 510)
        self.results["real_lengths"] = sorted(map(len, real))
        batches = {f"L = {tokens}": [random_row(tokens, vocab)] for tokens in (128, 512)}
        self.results["roberta"] = self.passes(folder, "states", batches | {f"{len(real)} functions": real})
        self.results["roberta_memory"] = self.memory(folder, "states", 512, vocab, [])

    def kernels(self):
        """What kernels_bench says of each kernel and the least it could cost."""
        output = subprocess.run([self.build / "kernels_bench", str(THREADS), "kernels"], check=True,
                                capture_output=True, text=True).stdout
        self.results["kernels"] = [json.loads(line) for line in output.splitlines()]

    def tokenizers(self, texts, tokenizers):
        path = WORK / "texts"
        write_texts(path, texts)
        size = sum(len(text.encode()) for text in texts)
        self.results["tokenizers"] = {}
        for name, (folder, library) in tokenizers.items():
            speeds = {"ssmi": [], "library": []}
            for _ in range(self.rounds):
                said = subprocess.run([self.build / "tokenize", folder, path, "-"], check=True,
                                      capture_output=True, text=True).stdout
                speeds["ssmi"].append(float(re.search(r"([\d.]+) MB/s", said).group(1)))
                begin = time.perf_counter()
                for text in texts:
                    library.encode(text)
                speeds["library"].append(size / 1e6 / (time.perf_counter() - begin))
            self.results["tokenizers"][name] = {
                side: statistics.median(values) for side, values in speeds.items()}

    def streaming(self, texts):
        """Peaks of `embed --data` with the bundled model: a share of the functions, and as many
        copies of it as make four times the rows."""
        share = texts[:100]
        peaks, sizes = {}, {}
        for copies in (1, 4):
            data, out = WORK / f"data-{copies}.jsonl", WORK / "data.safetensors"
            data.write_text("".join(json.dumps({"code": text}) + "\n" for text in share * copies))
            rows = len(share) * copies
            peaks[rows] = peak_mib([self.ssmi, "embed", "bimamba-typeseg", "--data", data,
                                    "--layers", 1, "--out", out])
            sizes[rows] = out.stat().st_size / MIB
            out.unlink()
        self.results["streaming"] = [{"rows": rows, "peak": peaks[rows], "file": sizes[rows]}
                                     for rows in peaks]


class Training:
    """Steps and kernels with their gradients: against the same in plain LibTorch operators."""

    def __init__(self, build, quick):
        self.bench = build / "train_bench"

    def lines(self, what):
        output = subprocess.run([self.bench, str(THREADS), what], check=True, capture_output=True, text=True).stdout
        return [json.loads(line) for line in output.splitlines()]

    def measure(self):
        peaks = {side: self.lines(side)[0]["peak_bytes"] / MIB for side in ("ours", "plain")}
        return {"speed": self.lines("speed"), "peaks": peaks}


PARTS = {"models": Models, "training": Training, "probes": Probes}


def weight_bytes(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return sum(entry["data_offsets"][1] - entry["data_offsets"][0]
               for name, entry in header.items()
               if name != "__metadata__" and not name.startswith("lm_head."))


def main(build, *options):
    quick = "--quick" in options
    found = WORK / "quick" if quick else WORK  # so that quick numbers never stand beside real ones
    found.mkdir(parents=True, exist_ok=True)
    parts = [option for option in options if option != "--quick"] or PARTS
    for part in parts:
        begin = time.monotonic()
        results = PARTS[part](ROOT / build, quick).measure()
        results |= {"quick": quick, "threads": THREADS, "machine": report.machine(ROOT / build / "ssmi"),
                    "minutes": (time.monotonic() - begin) / 60}
        (found / f"{part}.json").write_text(json.dumps(results, indent=1) + "\n")
    there = {part: found / f"{part}.json" for part in PARTS}
    report.write({part: json.loads(path.read_text()) for part, path in there.items() if path.exists()},
                 found / "performance.md" if quick else ROOT / "docs/performance.md")


main(*sys.argv[1:])
