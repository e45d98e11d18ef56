"""The measured numbers as docs/performance.md."""
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from subjects import ROOT

HEAD = """# Speed and memory

Written by `scripts/bench`. Times are medians (minima in brackets) after one round that is not counted; what is compared runs in turn, with {threads} threads.
Memory is the most that a process of its own had resident.

{machines}
"""
QUICK = "**Quick: models of two layers. These numbers say only that the script works.**"


def machine(ssmi):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    run = lambda *command: subprocess.run(command, capture_output=True, text=True,  # noqa: E731
                                          cwd=ROOT, check=True).stdout.strip()
    commit = run("git", "rev-parse", "--short", "HEAD")
    changed = " with changes" if run("git", "status", "--porcelain", "-uno", "--", "src", "include",
                                     "tests/bench", "third_party") else ""
    versions = ", ".join(f"{name} {importlib.metadata.version(name).split('+')[0]}"
                         for name in ("torch", "transformers", "tokenizers"))
    return {"cpu": cpu.group(1) if cpu else platform.processor(), "cores": os.cpu_count(),
            "memory_gb": round(memory, 1), "system": platform.platform(),
            "load": round(os.getloadavg()[0], 1), "commit": commit + changed,
            "ssmi": run(ssmi, "--version").split()[-1], "versions": versions}


def cell(time):
    return f"{time['median'] * 1e3:.0f} ms ({time['min'] * 1e3:.0f})"


def times_as_fast(found):
    return found["others"]["transformers"]["median"] / found["others"]["ssmi"]["median"]


def over_products(found):
    return found["products"]["ssmi"]["median"] / found["products"]["products"]["median"]


def verdict(met):
    return "yes" if met else "**no**"


class Goals:
    def __init__(self):
        self.rows = []

    def add(self, what, goal, measured, met):
        self.rows.append(f"| {what} | {goal} | {measured} | {verdict(met)} |")

    def most(self, what, value, limit, unit=""):
        self.add(what, f"at most {limit:.4g}{unit}", f"{value:.4g}{unit}", value <= limit)

    def least(self, what, value, limit, unit=""):
        self.add(what, f"at least {limit:.4g}{unit}", f"{value:.4g}{unit}", value >= limit)


def passes_table(results):
    lines = ["| rows | tokens | rounds | ssmi | transformers | times as fast | rounds | ssmi "
             "| matrix products alone | over the products | largest difference |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, found in results.items():
        others, products = found["others"], found["products"]
        lines.append(
            f"| {name} | {found['tokens']} | {others['ssmi']['rounds']} | {cell(others['ssmi'])} | "
            f"{cell(others['transformers'])} | {times_as_fast(found):.2f} | "
            f"{products['ssmi']['rounds']} | {cell(products['ssmi'])} | "
            f"{cell(products['products'])} | {over_products(found):.2f} | "
            f"{found['difference']:.1e} |")
    return lines


def model_goals(goals, results):
    for name, found in results["mamba"].items():
        goals.least(f"Mamba, {name}: times as fast as transformers",
                    times_as_fast(found), 4)
        goals.most(f"Mamba, {name}: times its matrix products alone",
                   over_products(found), 1.35)
    for line in results["kernels"]:
        if re.match(r"scan/\d+ over", line["name"]):
            goals.most(f"{line['name']}: times those alone", line["ratio"], 1.4)
    for name, found in results["roberta"].items():
        goals.least(f"RoBERTa, {name}: times as fast as transformers",
                    times_as_fast(found), 1.3 if "functions" in name else 1)
    memory = results["mamba_memory"]
    goals.most("Mamba, L = 512: peak memory", memory["ssmi"], memory["goal"], " MiB")
    few, many = results["streaming"]
    goals.most(f"`embed --data`, {many['rows']} rows: times the memory of {few['rows']}",
               many["peak"] / few["peak"], 1.1)
    for name, speeds in results["tokenizers"].items():
        goals.least(f"tokenizing, {name}", speeds["ssmi"], 10, " MB/s")
    worst = max(found["difference"] for model in ("mamba", "roberta")
                for found in results[model].values())
    goals.most("hidden states: largest difference from transformers", worst, 1e-3)


def training_goals(goals, results):
    speed = {line["name"]: line for line in results["speed"]}
    goals.least("training step of codessm-mini: times as fast as plain operators, which take logits of all tokens",
                speed["codessm-mini step"]["times_faster"], 1.3)
    goals.most("the same: its memory over theirs", results["peaks"]["ours"] / results["peaks"]["plain"], 0.6)
    goals.least("selective scan with its gradients: times as fast as an operator at a time",
                speed["selective scan, forward and backward"]["times_faster"], 8)
    goals.least("S4D kernel, H = 768, N = 64, L = 1024: times as fast as materialising",
                speed["state kernels"]["times_faster"], 15)
    goals.most("the same: error over the largest tap",
               speed["state kernels, error over the largest tap"]["error"], 1e-6)


def model_sections(results):
    lengths = results["real_lengths"]
    lines = ["## Mamba of 130 million parameters, the body alone", "",
             "Against the transformers library, on the same files and ids; random weights. Hidden 768, 24 layers, E 1536, N 16, "
             "rank 48, vocabulary 50280; one row.", ""]
    lines += passes_table(results["mamba"])
    lines += ["", "## RoBERTa-base, all hidden states", "",
              "The functions are of `share/data`, tokenized by a byte-level BPE trained on it: "
              f"{lengths[0]} to {lengths[-1]} tokens, half of them below {lengths[len(lengths) // 2]}. "
              "transformers gets them padded, with a mask.", ""]
    lines += passes_table(results["roberta"])
    return lines + memory_section(results) + other_sections(results)


def training_sections(results):
    lines = ["## Training", "",
             "Forward and backward of a step of codessm-mini (8 rows of 256 tokens, 15 % of them masked) and of kernels, against the "
             "same by LibTorch's operators (`tests/bench/train_bench.cc`). Plain code takes logits of all tokens, ssmi of masked ones: "
             "where both take those of masked ones ssmi is as fast as the second row says.",
             "", "| | ssmi | plain | times as fast | by processor time |", "|---|---|---|---|---|"]
    for line in results["speed"]:
        if "seconds" in line:
            lines.append(f"| {line['name']} | {line['seconds'] * 1e3:.1f} ms | {line['plain_seconds'] * 1e3:.1f} ms | "
                         f"{line['times_faster']:.2f} | {line['processor_times_faster']:.2f} |")
    peaks = results["peaks"]
    return lines + ["", f"Peak memory of five steps, above the model's: {peaks['ours']:.0f} MiB against {peaks['plain']:.0f} MiB."]


def probe_goals(goals, results):
    for found in results["original"]:
        goals.least(f"DirectProbe, {found['train']} + {found['test']} points of {found['columns']} numbers: times as fast as "
                    "the original", found["original"] / found["seconds"], 1000)
    blocks = results["blocks"]
    goals.most(f"DirectProbe, {blocks['train']} + {blocks['test']} pairs of {blocks['columns']} numbers", blocks["seconds"],
               240, " s")


def probe_sections(results):
    lines = ["## DirectProbe", "",
             "`ssmi probe --vectors FILE --probes directprobe --no-controls`: clusters, distances between them, prediction. "
             "`distance-768` has the vectors of codessm-mini's four blocks side by side for the pairs of `distance`; "
             "`clouds` are five overlapping normal clouds. The original's seconds are reported ones (without Gurobi, two AVX2 "
             "cores): it was not run here. Each is one run, beside the original the median of five.", "",
             "| file | points | numbers | seconds | clusters | undecided | peak memory | the original |", "|---|---|---|---|---|---|---|---|"]
    for found in (*results["original"], results["blocks"], *results["scaling"]):
        original = f"{found['original']} s" if "original" in found else ""
        lines.append(f"| {found['file'].partition('.')[0]} | {found['train']} + {found['test']} | {found['columns']} | "
                     f"{found['seconds']:.3g} | {found['clusters']} | {found['undecided']} | {found['peak'] / 2**20:.0f} MiB | "
                     f"{original} |")
    return lines


GOALS = {"models": model_goals, "training": training_goals, "probes": probe_goals}
SECTIONS = {"models": model_sections, "training": training_sections, "probes": probe_sections}


def goals_of(parts):
    goals = Goals()
    for part, results in parts.items():
        GOALS[part](goals, results)
    return goals.rows


def measured(part, results):
    about = results["machine"]
    return (f"- {part}: {about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}; ssmi {about['ssmi']} "
            f"({about['commit']}), {about['versions']}; load at the end {about['load']}; {results['minutes']:.1f} minutes.")


def document(parts):
    lines = HEAD.format(threads=next(iter(parts.values()))["threads"],
                        machines="\n".join(measured(*item) for item in parts.items())).splitlines()
    if any(results["quick"] for results in parts.values()):
        lines += ["", QUICK]
    lines += ["", "## Goals", "", "| | goal | measured | met |", "|---|---|---|---|", *goals_of(parts)]
    for part, results in parts.items():
        lines += ["", *SECTIONS[part](results)]
    return "\n".join([*lines, ""])


def memory_section(results):
    lines = ["", "## Peak memory, L = 512", "",
             "`ssmi embed --ids` against a process of transformers. Of the weights, both map what "
             "they do not read; libraries count on both sides.", "",
             "| | ssmi | transformers | float32 weights |", "|---|---|---|---|"]
    for key, name in (("mamba_memory", "Mamba, final norm"),
                      ("roberta_memory", "RoBERTa, all hidden states")):
        found = results[key]
        lines.append(f"| {name} | {found['ssmi']:.0f} MiB | {found['transformers']:.0f} MiB | "
                     f"{found['weights']:.0f} MiB |")
    lines += ["", "`ssmi embed --data` with the first block of the bundled model:", "",
              "| rows | peak | file written |", "|---|---|---|"]
    for found in results["streaming"]:
        lines.append(f"| {found['rows']} | {found['peak']:.0f} MiB | {found['file']:.0f} MiB |")
    return lines


def other_sections(results):
    lines = ["", "## Tokenizing, one thread", "", "| tokenizer | ssmi | PyPI tokenizers |",
             "|---|---|---|"]
    for name, speeds in results["tokenizers"].items():
        lines.append(f"| {name} | {speeds['ssmi']:.1f} MB/s | {speeds['library']:.1f} MB/s |")
    lines += ["", "## Kernels", "", "| | median | what it is measured against | ratio |",
              "|---|---|---|---|"]
    for line in results["kernels"]:
        lines.append(f"| {line['name']} | {line['seconds'] * 1e3:.2f} ms | "
                     f"{line['least_seconds'] * 1e3:.2f} ms | {line['ratio']:.2f} |")
    return lines + ["", SCAN_BOUND]


SCAN_BOUND = """The scan is measured against two evaluations of its exponentials: by its own vector function, summed
up and stored nowhere, and by ATen's, in the first cache. Its own takes 8 operations of the two pipes that multiply and compare on Zen 3; the
recurrence adds 3 for each. So the first ratio is at least 11/8 there before anything is read or written: a goal of 1.4 leaves nothing for that."""


def write(parts, path):
    path.write_text(document(parts), encoding="utf-8")
    print(f"bench: {path.relative_to(ROOT)}")
    print("\n".join(goals_of(parts)))
