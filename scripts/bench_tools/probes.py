"""DirectProbe's files to measure on, and what ssmi takes for them."""
import json
import subprocess
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from subjects import WORK

LABELS = 5
# Points to train and test on, numbers of each, and seconds that the original takes without Gurobi on two AVX2 cores: reported, not measured here.
ORIGINAL = [(600, 120, 64, 99), (1300, 250, 128, 209)]
POINTS, COLUMNS = [500, 1000, 2500, 5000, 10000], [64, 256, 768, 2048]
MIDDLE = 2500, 256
QUICK = [(200, 40, 16, 1)]


def clouds(train, test, columns):
    """LABELS overlapping normal clouds, their means .28 apart in each direction."""
    path = WORK / f"clouds-{train}-{columns}.safetensors"
    random = np.random.default_rng(1)
    means = 0.2 * random.standard_normal((LABELS, columns))
    tensors = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count, dtype=np.int64) % LABELS
        tensors[f"{part}_x"] = means[labels] + random.standard_normal((count, columns))
        tensors[f"{part}_y"] = labels
    save_file(tensors, path)
    return path


class Probes:
    """DirectProbe on vectors, start-up left out."""

    def __init__(self, build, quick):
        self.ssmi, self.quick = build / "ssmi", quick

    def run(self, *command):
        out = WORK / "probe.json"
        Path(f"{out}.partial").unlink(missing_ok=True)
        subprocess.run([self.ssmi, "probe", *command, "--no-controls", "--quiet", "--out", out], check=True)
        return json.loads(out.read_text())

    def distance_768(self):
        """Pairs of `distance` with the vectors of all four blocks of codessm-mini side by side."""
        count = ["--pairs-per-label", "60"] if self.quick else []
        self.run("codessm-mini", "--tasks", "distance", "--layers", "1,2,3,4", "--probes", "linear",
                 "--no-cache", "--export", WORK / "blocks", *count)
        blocks = [safe_open(WORK / f"blocks/codessm-mini/distance-layer-{layer}.safetensors", "np") for layer in range(1, 5)]
        tensors = {f"{part}_x": np.concatenate([block.get_tensor(f"{part}_x") for block in blocks], 1)
                   for part in ("train", "test")}
        tensors |= {f"{part}_y": blocks[0].get_tensor(f"{part}_y") for part in ("train", "test")}
        path = WORK / "distance-768.safetensors"
        save_file(tensors, path)
        return path

    def timed(self, path, runs=1):
        reports = [self.run("--vectors", path, "--probes", "directprobe") for _ in range(runs)]
        report = sorted(reports, key=lambda report: report["timing"]["wall_seconds"])[runs // 2]
        row, data = report["results"][0], report["data"]
        found = {"file": path.name, "train": data["train"], "test": data["test"], "columns": data["columns"],
                 "seconds": report["timing"]["wall_seconds"], "clusters": row["clusters"],
                 "undecided": row["directprobe"]["undecided"], "peak": report["timing"]["peak_memory_bytes"]}
        print(f"bench: {found}", flush=True)
        return found

    def measure(self):
        results = {"original": []}
        for train, test, columns, seconds in QUICK if self.quick else ORIGINAL:
            results["original"].append(self.timed(clouds(train, test, columns), 5) | {"original": seconds})
        results["blocks"] = self.timed(self.distance_768())
        shapes = [] if self.quick else sorted({(n, MIDDLE[1]) for n in POINTS} | {(MIDDLE[0], d) for d in COLUMNS})
        results["scaling"] = [self.timed(clouds(n, n // 5, d)) for n, d in shapes]
        return results
