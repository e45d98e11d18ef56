"""The card of a model: what it is, what it was trained on, how good it is, how to make it again."""
import hashlib
import json
import subprocess
from pathlib import Path


class Card:
    """What a model's README.md says."""

    def __init__(self, shop, recipe):
        self.recipe = recipe
        self.folder = shop.out / "models" / recipe.name
        self.report = shop.report(recipe)
        run, self.log = shop.run(recipe)
        self.config, self.data_sha256 = run["config"], run["data_sha256"]
        inspected = subprocess.run([shop.binary, "inspect", self.folder, "--json"], check=True,
                                   capture_output=True, text=True)
        assert shop.sha256(self.folder) == self.report["run"]["checkpoint"]["sha256"]
        self.parameters = json.loads(inspected.stdout)["parameters"]

    def tokens(self):
        """That it was given while it was trained; windows are full, other rows are not."""
        if self.recipe.task in ("mlm", "lm"):
            return self.config["steps"] * self.config["batch_tokens"]
        return sum(line.get("tokens", 0) for line in self.log)

    def facts(self):
        weights = self.folder / "model.safetensors"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        return [f"- {self.parameters:,} parameters; {weights.stat().st_size / 1e6:.1f} MB: matrices float16, "
                "state-space parameters, norms and biases float32",
                f"- trained on `{self.recipe.train}` (SHA-256 of its rows `{self.data_sha256[:16]}`..): "
                f"{self.config['steps']:,} steps, {self.tokens() / 1e6:.2f} million tokens, seed {self.config['seed']}",
                f"- judged on `{self.recipe.judged}`: {self.judged_on()}",
                f"- SHA-256 of model.safetensors: `{digest}`"]

    def judged_on(self):
        data = self.report["data"]
        if "held_out" in data:
            return (f"the held-out packages {', '.join(data['held_out'])} ({data['tokens']:,} tokens), of which nothing "
                    "was trained on")
        if "targets" in data:
            return f"{data['functions']:,} functions of tornado, which nothing was trained on"
        return f"{data['pairs']:,} functions of networkx and tornado, which nothing was trained on"

    def verdict(self, name, metric):
        """In words, whether the interval leaves the baseline behind."""
        better = metric["high"] < metric["baseline"] if name == "perplexity" else metric["low"] > metric["baseline"]
        worse = metric["low"] > metric["baseline"] if name == "perplexity" else metric["high"] < metric["baseline"]
        return "better" if better else "WORSE" if worse else "no difference shown"

    def metrics(self):
        against = self.recipe.against
        head = "| metric | value [95 % interval] | baseline | than that |"
        lines = [head + (f" `{Path(against).name}` | difference [95 %, paired] |" if against else ""),
                 "|---" * (6 if against else 4) + "|"]
        for name, metric in self.report["metrics"].items():
            line = (f"| {name} | {metric['value']:.4f} [{metric['low']:.4f}, {metric['high']:.4f}] | "
                    f"{metric['baseline']:.4f} | {self.verdict(name, metric)} |")
            if against:
                other = metric["against"]
                line += f" {other['value']:.4f} | {other['difference']:+.4f} [{other['low']:+.4f}, {other['high']:+.4f}] |"
            lines.append(line)
        note = f"Baseline: {self.report['baseline']}; better or worse is where the whole interval lies beyond it."
        if self.recipe.control:
            note += f" `{Path(against).name}`: the same fine-tuning from random weights."
            tied = [name for name, metric in self.report["metrics"].items() if metric["against"]["low"] <= 0]
            if tied:
                note += f" **Not shown to be better than that: {', '.join(tied)}.**"
        elif self.recipe.start:
            note += f" `{self.recipe.start}`: what it was trained further from."
        elif against:
            note += f" `{Path(against).name}`: the same without that path."
        return [*lines, "", note]

    def curve(self):
        losses = {line["step"]: line["loss"] for line in self.log if "loss" in line}
        lines = ["| step | training loss | validation loss | validation accuracy |", "|---|---|---|---|"]
        for line in self.log:
            if "validation_loss" in line:
                step = line["step"]
                loss = f"{losses[step]:.4f}" if step in losses else "-"
                lines.append(f"| {step:,} | {loss} | {line['validation_loss']:.4f} | {line['validation_accuracy']:.4f} |")
        return lines

    def commands(self):
        python = "build/deps/tools/bin/python scripts/train_vocabulary"
        lines = [[python, self.recipe.train, "tokenizer.json"]] if not self.recipe.start else []
        lines += [["ssmi", *self.recipe.command()]]
        if self.recipe.control:
            lines.append(["ssmi", *self.recipe.command(scratch=True)])
        step = f"step-{self.config['steps']:08}"
        lines += [["ssmi", "convert", f"runs/{self.recipe.name}/{step}", "--out", f"models/{self.recipe.name}", "--dtype", "float16"],
                  ["ssmi", *(f"{a}/{step}" if a.endswith("-scratch") else a
                             for a in self.recipe.evaluation())]]
        return ["```", *(" ".join(line) for line in lines), "```"]

    def text(self):
        parts = [f"# {self.recipe.name}", "", self.recipe.what + ".", "", *self.facts(), "", "## Results", "",
                 *self.metrics(), "", "## Loss", "", *self.curve(), "", "## How it was made", "",
                 *self.commands(), "",
                 "`configs/` and `scripts/` are the source tree's; the data lie in the folder that `--data` of "
                 "`scripts/reproduce-models` names, which does it all in `build/models`. One thread; equal machines give equal bytes, others differ in "
                 "rounding.", "", "## Licence", "",
                 "Apache-2.0. Trained on Python files of Debian packages under BSD, MIT, Apache-2.0 and PSF licences "
                 "(listed in share/models/README.md); networkx and tornado are left out, which ssmi probes.", ""]
        return "\n".join(parts)
