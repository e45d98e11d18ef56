"""How each model that ssmi ships is made, as the commands that make it."""
from dataclasses import dataclass

CORPUS = "corpus/python_train.jsonl.xz"
FUNCTIONS = "functions/python_docstring_{}.jsonl.xz"
TYPES = "types/python_types_{}.jsonl.xz"


@dataclass
class Recipe:
    """How a model is made. `start` is what it is fine-tuned from; `control` whether the same is also
    done from random weights, which does not ship; `settings` what differs from the configuration."""
    name: str
    what: str
    config: str
    train: str
    task: str
    judged: str = CORPUS
    start: str = ""
    control: bool = False
    against: str = ""
    seed: int = 1
    settings: tuple = ()

    def command(self, scratch=False):
        run = f"runs/{self.name}" + ("-scratch" if scratch else "")
        if self.start:
            command = ["finetune", f"models/{self.start}", "--task", self.task]
        else:
            command = ["train", "--tokenizer", "tokenizer.json"]
        command += ["--config", f"configs/{self.config}.json", "--data", self.train, "--out", run,
                    "--threads", "1"]
        for setting in self.settings:
            command += ["--set", setting]
        if self.seed != 1:
            # Of pretraining the configuration has seed 11, so that it is no replay of the seed that it began with.
            command += ["--set", f"seed={self.seed + (10 if self.task == 'mlm' else 0)}"]
        return command + (["--from-scratch"] if scratch else [])

    def evaluation(self):
        command = ["eval", f"models/{self.name}", "--task", self.task, "--data", self.judged]
        return command + (["--against", self.against] if self.against else [])


def pretrained():
    mlm, lm = "masked tokens (15 %, 80/10/10)", "the next token"
    return [Recipe("codessm-mini", f"A CodeSSM (bidirectional S4D) pretrained on {mlm}", "train/codessm-mini", CORPUS,
                   "mlm"),
            Recipe("rocoder-mini", f"A RoCoder (rotary Transformer encoder) pretrained on {mlm}",
                   "train/rocoder-mini", CORPUS, "mlm"),
            Recipe("mamba-mini", f"A causal Mamba pretrained on {lm}", "train/mamba-mini", CORPUS, "lm"),
            Recipe("codessm-mini-hf", f"A CodeSSM with the high-frequency path, pretrained on {mlm}",
                   "train/codessm-mini-hf", CORPUS, "mlm", against="models/codessm-mini")]


def fine_tuned(base, kind, seed=1):
    """What `base` becomes by a fine-tuning: "types", "search" or "continued"."""
    task, what, train, judged = {
        "types": ("types", "type inference", TYPES.format("train"), TYPES.format("dev")),
        "search": ("code-search", "code search", FUNCTIONS.format("train"), FUNCTIONS.format("dev")),
        "continued": ("mlm", "more of its pretraining: the null that tells fine-tuning from more training",
                      CORPUS, CORPUS)}[kind]
    of_seed = f"-seed{seed}" if seed != 1 else ""
    name = f"{base}-{kind}{of_seed}"
    config = "continued" if kind == "continued" else task
    # Of the first seed: the model before, the one without the high-frequency path, the same from random weights.
    variant = base.endswith("-hf")
    against = (f"models/{base}" if kind == "continued" else
               f"models/{base.removesuffix('-hf')}-{kind}" if variant else f"runs/{base}-{kind}-scratch")
    control = kind != "continued" and seed == 1 and not variant
    # At .002 CodeSSM answers .745 of the validation rows, at .004 .774; RoCoder does not get off the ground at .004.
    faster = kind == "search" and base.startswith("codessm")
    settings = ("learning_rate=0.004", "state_learning_rate=0.002") if faster else ()
    return Recipe(name, f"{base}, fine-tuned for {what}", f"finetune/{config}", train, task, judged, base, control,
                  against if seed == 1 else "", seed, settings)


def shipped():
    """The recipes of share/models by name, each behind those it needs."""
    made = pretrained() + [fine_tuned(base, kind) for base in ("codessm-mini", "rocoder-mini")
                           for kind in ("types", "search", "continued")]
    return {recipe.name: recipe for recipe in made}
