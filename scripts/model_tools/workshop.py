"""Runs ssmi to make, convert and judge models; what is done is not done again."""
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .recipes import CORPUS

ROOT = Path(__file__).resolve().parents[2]


def built():
    """The binary that SSMI_BINARY names, else the release build."""
    if "SSMI_BINARY" in os.environ:
        return Path(os.environ["SSMI_BINARY"]).resolve(strict=True)
    for command in (["scripts/setup", "--test"], ["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "ssmi_cli", "--parallel", str(os.cpu_count())]):
        subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / "build/release/ssmi"


class Workshop:
    """Where models are made: OUT/tokenizer.json, runs/, models/, reports/."""

    def __init__(self, binary, data, out, jobs):
        self.binary, self.data, self.out, self.jobs = binary, data, out, jobs
        for folder in ("runs", "models", "reports"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def path(self, argument):
        """What an argument of a recipe's command stands for here."""
        if argument.startswith("configs/"):
            return str(ROOT / argument)
        if argument.endswith(".xz"):
            return str(self.data / argument)
        if argument.startswith("runs/") and argument.endswith("-scratch"):
            return str(self.finished(argument) or self.out / argument)
        if argument.startswith(("runs/", "models/")) or argument == "tokenizer.json":
            return str(self.out / argument)
        return argument

    def ssmi(self, command, log):
        """Runs ssmi; says how it ended where it did not end well."""
        print(f"ssmi {' '.join(command)}", flush=True)
        out_at = command.index("--out") + 1 if "--out" in command else None
        real = [str(self.out / a) if i == out_at else self.path(a) for i, a in enumerate(command)]
        with open(self.out / "runs" / f"{log}.log", "a") as file:
            status = subprocess.run([self.binary, *real, "--quiet"], stdout=file, stderr=file).returncode
        if status:
            raise SystemExit(f"reproduce-models: {log}: exit code {status}; see {file.name}")

    def tokenizer(self):
        path = self.out / "tokenizer.json"
        if not path.exists():
            print("learning the vocabulary", flush=True)
            python = ROOT / "build/deps/tools/bin/python"
            subprocess.run([python, ROOT / "scripts/train_vocabulary", self.data / CORPUS, path], check=True)

    def finished(self, run):
        """The checkpoint of a run's last step, None before it is there."""
        folder = self.out / run
        if not (folder / "run.json").exists():
            return None
        steps = json.loads((folder / "run.json").read_text())["config"]["steps"]
        last = folder / f"step-{steps:08}"
        return last if last.exists() else None

    def require_made_so(self, recipe, run):
        """A run that is there has the recipe's settings."""
        wanted = json.loads((ROOT / f"configs/{recipe.config}.json").read_text())
        command = recipe.command()
        for key, value in (command[i + 1].split("=") for i, word in enumerate(command) if word == "--set"):
            wanted[key] = json.loads(value)
        made = json.loads((self.out / run / "run.json").read_text())["config"]
        other = [key for key in wanted if key != "model" and made.get(key) != wanted[key]]
        if other:
            raise SystemExit(f"reproduce-models: {self.out / run} was made with another {other[0]}: {made.get(other[0])}, "
                             f"not {wanted[other[0]]}; remove it to have it made again")

    def trained(self, recipe, scratch=False):
        run = f"runs/{recipe.name}" + ("-scratch" if scratch else "")
        if self.finished(run):
            self.require_made_so(recipe, run)
        else:
            self.ssmi(recipe.command(scratch), Path(run).name)

    def converted(self, recipe):
        """The checkpoint as it ships: matrices in float16."""
        folder, last = self.out / "models" / recipe.name, self.finished(f"runs/{recipe.name}")
        weights = "model.safetensors"
        if folder.exists() and (folder / weights).stat().st_mtime < (last / weights).stat().st_mtime:
            shutil.rmtree(folder)  # the run was done again
        if not folder.exists():
            subprocess.run([self.binary, "convert", last, "--out", folder, "--dtype", "float16"], check=True)

    def evaluated(self, recipe):
        command = [*map(self.path, recipe.evaluation())]
        models = [command[1]] + ([command[-1]] if recipe.against else [])
        return self.reported(command, models, self.out / "reports" / f"{recipe.name}.json")

    def sha256(self, model):
        """What ssmi calls the checkpoint's hash."""
        inspected = subprocess.run([self.binary, "inspect", model, "--json"], check=True, capture_output=True, text=True)
        return json.loads(inspected.stdout)["sha256"]

    def reported(self, command, models, report):
        """The report of an ssmi command on models, which is made unless it is there, by this command of these very models."""
        wanted = [self.sha256(model) for model in models]
        command = [*map(str, command)]
        if report.exists():
            there = json.loads(report.read_text())
            run, by = there["run"], there["timing"]["command_line"][1:len(command) + 1]
            found = run.get("checkpoints") or [run["checkpoint"], *([run["against"]] if "against" in run else [])]
            if by == command and [entry["sha256"] for entry in found] == wanted:
                return there
        print(f"ssmi {command[0]}: {report.name}", flush=True)
        resume = ["--resume"] if Path(f"{report}.partial").exists() else []
        subprocess.run([self.binary, *command, "--out", report, "--quiet", *resume], check=True)
        return json.loads(report.read_text())

    def each(self, work, items):
        """work(*item) for each item, as many at once as there are jobs."""
        with ThreadPoolExecutor(self.jobs) as pool:
            for future in [pool.submit(work, *item) for item in items]:
                future.result()

    def make(self, chosen):
        self.tokenizer()
        for stage in ([r for r in chosen if not r.start], [r for r in chosen if r.start]):
            self.each(self.trained, [(r,) for r in stage] + [(r, True) for r in stage if r.control])
            for recipe in stage:
                self.converted(recipe)

    def report(self, recipe):
        return json.loads((self.out / "reports" / f"{recipe.name}.json").read_text())

    def run(self, recipe):
        """run.json and log.jsonl of a training run."""
        folder = self.out / "runs" / recipe.name
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        return json.loads((folder / "run.json").read_text()), log
