"""docs/reproduction.md, from reports of probes, spectra and evaluations."""
from pathlib import Path

from .recipes import fine_tuned

TASKS = ("distance", "siblings", "dfg")
# Overall accuracy of the published DirectProbe runs, by layer of 12 (SSM-Interpret, arXiv 2602.06774, logs
# of its repository); None where a run did not end.
PUBLISHED = {
    ("distance", "codessm-mini"): {1: .510, 3: .588, 8: .620, 11: .622},
    ("distance", "rocoder-mini"): {3: .555, 8: .578, 11: None},
    ("siblings", "codessm-mini"): {1: .718, 3: .817, 8: .853, 11: .830},
    ("siblings", "rocoder-mini"): {3: .755, 8: .790, 11: .688},
    ("dfg", "codessm-mini"): {3: .802, 8: .824, 11: .820},
    ("dfg", "rocoder-mini"): {3: .775, 8: .818, 11: .794}}
# The same, fine-tuned for type inference and for answers of StackOverflow (search), less pretrained, at the
# layers that both runs have.
PUBLISHED_CHANGE = {
    ("distance", "codessm-mini", "types"): "-.040 (3), -.075 (8), -.090 (11)",
    ("distance", "codessm-mini", "search"): "-.006 (8), -.035 (11)",
    ("distance", "rocoder-mini", "types"): "+.043 (8)",
    ("distance", "rocoder-mini", "search"): "-.033 (8)",
    ("siblings", "codessm-mini", "types"): "-.062 (3), -.065 (8), -.105 (11)",
    ("siblings", "codessm-mini", "search"): "-.026 (8), -.022 (11)",
    ("siblings", "rocoder-mini", "types"): "+.012 (8), -.051 (11)",
    ("siblings", "rocoder-mini", "search"): "+.005 (8), -.010 (11)",
    ("dfg", "codessm-mini", "types"): "-.046 (3), -.065 (8), -.076 (11)",
    ("dfg", "codessm-mini", "search"): "-.035 (8), -.024 (11)",
    ("dfg", "rocoder-mini", "types"): "-.050 (11)",
    ("dfg", "rocoder-mini", "search"): "-.038 (11)"}
# Table 1 of the paper: the baseline and the best of its variants.
PUBLISHED_METRICS = {"mrr_obfuscated": "25.39 to 30.89", "f1_weighted": "59.70 to 60.98"}


def accuracies(report, task):
    """{layer: row} of the one checkpoint itself."""
    return {row["layer"]: row for row in report["results"]
            if (row["task"], row["probe"], row["control"]) == (task, "linear", "none")}


def chosen(report, task):
    """The block that is best on validation functions, beside its controls."""
    return next(entry for entry in report["summary"] if entry["task"] == task)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def share(value):
    """.617, or a dash."""
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1)


def change(value):
    return ("+" if value >= 0 else "−") + share(abs(value))


def spread(values):
    """Mean, least and largest of several seeds."""
    return f"{change(sum(values) / len(values))} [{change(min(values))}, {change(max(values))}]"


def told(moves):
    """The spread of differences, and how many have 0 outside their intervals."""
    apart = sum(one["low"] > 0 or one["high"] < 0 for one in moves)
    return spread([one["difference"] for one in moves]), f"{apart} of {len(moves)}"


def controlled(row):
    return f"{share(row['accuracy'])} [{share(row['low'])}, {share(row['high'])}]"


class Paper:
    def __init__(self, plan, found):
        self.plan, self.found = plan, found
        self.linear = found["linear"]

    def layers(self):
        """What each layer of the pretrained encoders knows."""
        lines = ["## What layers know", "",
                 "`linear`, accuracy on test functions with 95 % interval; ◂ is the block chosen on validation functions; "
                 "texts and twins as in [probe.md](probe.md). Published: DirectProbe of 12-layer models at 1024 dimensions, "
                 "by layer.", ""]
        for task in TASKS:
            rows = []
            for name in self.plan["encoders"]:
                best = chosen(self.linear[name], task)
                cells = []
                for layer, row in sorted(accuracies(self.linear[name], task).items()):
                    cells.append(controlled(row) + (" ◂" if layer == best["layer"] else ""))
                published = ", ".join(f"{share(value)} ({layer})" if value else f"unfinished ({layer})"
                                      for layer, value in PUBLISHED[task, name].items())
                rows.append([name, *cells, share(best["texts"]), share(best["texts_and_gap"]), share(best["twins"]),
                             published])
            head = [task, "embedding", *(str(n) for n in range(1, len(rows[0]) - 5)), "texts", "texts and gap", "twins",
                    "published"]
            lines += table(head, rows)
        return lines

    def beats(self, name, task):
        """Which of texts and twins the chosen block leaves behind by more than its interval."""
        best = chosen(self.linear[name], task)
        return [control for control in ("texts", "twins", "texts_and_gap") if best["low"] > best[control]]

    def moved(self, base, task, kind):
        """How the block chosen before fine-tuning changes, for each seed: difference and interval."""
        layer = chosen(self.linear[base], task)["layer"]
        found = {Path(c["checkpoint"]).name: c for c in self.found["changes"][base]["comparisons"] if Path(c["base"]).name == base}
        return [next(one for one in found[fine_tuned(base, kind, seed).name]["layers"]["differences"]
                     if (one["task"], one["layer"]) == (task, layer)) for seed in self.plan["seeds"]]

    def fine_tuning(self):
        lines = ["## What fine-tuning changes", "",
                 "Accuracy of `linear` after less before, at the block chosen before, on the same pairs: mean [least, largest] "
                 f"of {len(self.plan['seeds'])} seeds of fine-tuning, and how many of them leave 0 outside their own 95 % interval "
                 "(paired bootstrap over test functions). `continued` is more pretraining for as many steps: what "
                 "does not leave its range is not fine-tuning's doing. `beyond it` says that no seed of the one lies among those of "
                 "the other, which of three and three happens by chance in one case of ten: of a dozen such rows one or two. "
                 "The searches of CodeSSM were tuned at twice the rates of `continued`. Published: DirectProbe, by layer.", ""]
        rows = []
        for task in TASKS:
            for base in self.plan["encoders"]:
                null = self.moved(base, task, "continued")
                for kind in ("types", "search"):
                    moves = self.moved(base, task, kind)
                    rows.append([task, base, kind, *told(moves), *told(null), self.beyond(moves, null),
                                 PUBLISHED_CHANGE[task, base, kind].replace("-", "−")])
        return lines + table(["task", "model", "fine-tuned for", "change", "beyond 0", "continued", "beyond 0", "beyond it",
                              "published"], rows) + self.relations()

    def relations(self):
        """Where the change lies, of the first seed."""
        lines = ["Relations (labels, and pairs by their first token) whose accuracy changes at that block, of the first seed, with p "
                 "below .05 for all relations together (Holm):", ""]
        rows = []
        for base in self.plan["encoders"]:
            for kind in self.plan["fine_tuning"]:
                comparison = next(c for c in self.found["changes"][base]["comparisons"]
                                  if Path(c["base"]).name == base and Path(c["checkpoint"]).name == fine_tuned(base, kind).name)
                family = comparison["relations"]["differences"]
                shown = [one for one in family if one["p_holm"] < .05]
                words = [[f"{one['relation']} {change(one['difference'])}" for one in shown if one["difference"] * sign > 0]
                         for sign in (-1, 1)]
                rows.append([fine_tuned(base, kind).name, str(len(family)), *(", ".join(w) or "none" for w in words)])
        return lines + table(["model", "relations", "less", "more"], rows)

    @staticmethod
    def beyond(moves, null):
        moves, null = ([one["difference"] for one in several] for several in (moves, null))
        if max(moves) < min(null):
            return "yes, less"
        return "yes, more" if min(moves) > max(null) else "no"

    def directprobe(self):
        lines = ["## DirectProbe", "",
                 "Exact clusters and accuracy of the nearest hull, 300 pairs a label, 900 functions. n / 2(d + 1) is below 1 "
                 "where any labelling would be separable: the number of clusters then says nothing.", ""]
        rows = []
        for report in self.found["directprobe"].values():
            for row in report["results"]:
                rows.append([Path(row["checkpoint"]).name, row["task"], str(row["layer"]), controlled(row), str(row["clusters"]),
                             f"{row['directprobe']['capacity']:.2f}"])
        return lines + table(["model", "task", "layer", "accuracy", "clusters", "n / 2(d + 1)"], rows)

    def spectra(self):
        spectrum, variant = self.found["spectrum"], self.found["variant"]
        lines = ["## What state kernels pass", "",
                 "One kernel a block and direction. Centroid in cycles a token / log10 LHFR, class, and what share of the "
                 "energy it carries; twins: median centroid of random kernels.", ""]
        names = [entry["checkpoint"] for entry in spectrum["classes"]]
        rows = {}
        for kernel in spectrum["kernels"]:
            row = rows.setdefault((kernel["layer"], kernel["direction"]), {"twins": kernel["twins"]})
            row[kernel["checkpoint"]] = (f"{share(kernel['centroid'])} / {kernel['log10_lhfr']:+.2f} {kernel['class']} "
                                         f"({share(kernel['energy_share'])})")
        body = [[f"{layer} {direction}", *(row[name] for name in names), share(row["twins"]["centroid"][1])]
                for (layer, direction), row in sorted(rows.items())]
        lines += table(["kernel", *(name.rpartition("/")[2] for name in names), "twins"], body)
        rows = []
        for entry in (*spectrum["comparisons"], *variant["comparisons"]):
            if entry["reason"]:
                continue
            changes = entry["class_changes"]
            rows.append([entry["checkpoint"].rpartition("/")[2],
                         f"{change(entry['centroid']['mean'])} ({change(entry['centroid']['energy_weighted'])})",
                         f"{entry['log10_lhfr']['mean']:+.2f} ({entry['log10_lhfr']['energy_weighted']:+.2f})",
                         f"{changes['kernels']}, of them {changes['silent']} silent, {changes['toward_twins']} toward twins"])
        lines += table(["from codessm-mini to", "centroid, mean (by energy)", "log10 LHFR", "classes changed"], rows)
        return lines + ["Published: type inference moves the mean forward centroid of 12 blocks from .144 to .158 and two "
                        "kernels' classes, one of which carries almost nothing; retrieval .144 to .151; backward −.002 and "
                        "+.003.", ""]

    def metrics(self):
        """Of fine-tuned checkpoints over their seeds."""
        lines = ["## Task metrics", "", "Mean [least, largest] of the seeds of fine-tuning; the pretrained bases have one seed "
                 "each. Published: CodeSSM and the best of its variants, on other data and at 100 times the size.", ""]
        rows = []
        for kind, metric in (("search", "mrr"), ("search", "mrr_obfuscated"), ("types", "f1_weighted"),
                             ("types", "f1_macro")):
            values = {base: self.values(base, kind, metric) for base in (*self.plan["encoders"], self.plan["variant"])}
            baseline = self.found["eval"][fine_tuned(self.plan["encoders"][0], kind).name]["metrics"][metric]["baseline"]
            rows.append([metric, *(f"{share(sum(v) / len(v))} [{share(min(v))}, {share(max(v))}]" if v else "–"
                                   for v in values.values()),
                         share(baseline), PUBLISHED_METRICS.get(metric, "–")])
        return lines + table(["metric", *self.plan["encoders"], self.plan["variant"], "trivial", "published"], rows)

    def values(self, base, kind, metric):
        seeds = self.plan["variant_seeds"].get(kind, []) if base == self.plan["variant"] else self.plan["seeds"]
        return [self.found["eval"][fine_tuned(base, kind, seed).name]["metrics"][metric]["value"] for seed in seeds]

    def verdicts(self):
        """The paper's claims, each with what these models say."""
        state, rotary = self.plan["encoders"]
        better = [task for task in TASKS if chosen(self.linear[state], task)["low"] > chosen(self.linear[rotary], task)["high"]]
        worse = [task for task in TASKS if chosen(self.linear[state], task)["high"] < chosen(self.linear[rotary], task)["low"]]
        rows = [["after pretraining CodeSSM knows more of syntax and data flow than RoCoder",
                 f"more on {', '.join(better) or 'none'}, less on {', '.join(worse) or 'none'} of {', '.join(TASKS)} "
                 "(intervals apart)"]]
        for base, claim in ((state, "type inference costs CodeSSM syntax and data flow"), (rotary, "but not RoCoder")):
            less, more = ([task for task in TASKS if self.beyond(self.moved(base, task, "types"),
                                                                 self.moved(base, task, "continued")) == word]
                          for word in ("yes, less", "yes, more"))
            rows.append([claim, f"{base}: less than after more pretraining on {', '.join(less) or 'none'}, more on "
                         f"{', '.join(more) or 'none'}"])
        moves = {entry["checkpoint"].rpartition("/")[2]: entry for entry in self.found["spectrum"]["comparisons"]}
        types, null = moves[f"{state}-types"]["centroid"]["mean"], moves[f"{state}-continued"]["centroid"]["mean"]
        rows.append(["type inference moves kernels to high frequencies",
                     f"mean centroid {change(types)}; more pretraining moves it {change(null)}"])
        for kind, metric in (("search", "mrr_obfuscated"), ("types", "f1_weighted")):
            path, plain = self.values(self.plan["variant"], kind, metric), self.values(state, kind, metric)
            if not path:
                rows.append([f"a high-frequency path improves {metric}", "not tested"])
                continue
            verdict = "yes" if min(path) > max(plain) else "no, the opposite" if max(path) < min(plain) else "not shown"
            more = self.found["eval"][fine_tuned(self.plan["variant"], kind).name]["metrics"][metric]["against"]
            rows.append([f"a high-frequency path improves {metric}",
                         f"{verdict}: {spread([p - q for p, q in zip(path, plain)])} of {len(path)} seeds; of the first by test "
                         f"items {change(more['difference'])} [{change(more['low'])}, {change(more['high'])}]"])
        return ["## The claims", "", *table(["published", "here"], rows)]

    def known(self):
        """Whether the pretrained encoders know anything at all."""
        lines = ["Blocks chosen on validation functions, and what they leave behind by more than their intervals:", ""]
        rows = [[name, *(", ".join(self.beats(name, task)).replace("_", " ") or "nothing" for task in TASKS)]
                for name in self.plan["encoders"]]
        return lines + table(["model", *TASKS], rows)


def document(plan, found):
    paper = Paper(plan, found)
    lines = ["# The paper's questions at small scale", "",
             "Written by `scripts/reproduce-paper` (plan: `configs/experiments/paper.json`). SSM-Interpret (arXiv 2602.06774) "
             "probes CodeSSM and RoCoder of 12 layers of width 1024 before and after fine-tuning. Here the same is "
             "asked of four-layer models of 2.3 to 2.5 million parameters, trained on 15 million tokens of Python "
             "([their cards](../share/models)). What holds here need not hold there, and the other way round.", "",
             *paper.verdicts(), *paper.known(), *paper.layers(), *paper.fine_tuning(), *paper.spectra(), *paper.metrics(),
             *paper.directprobe(),
             "## Not tested", "",
             "- Answers of StackOverflow (SQA) as fine-tuning task: its data are share-alike, and nothing trained on them ships; "
             "code search by docstrings stands in its place. `ssmi finetune --task sqa` does it.",
             "- Type inference of TypeScript: the data here are Python's.",
             "- The other variants of the paper, and convergence of its solver: ours decides every case or counts it.",
             "- Other draws of pairs, and other seeds of pretraining: all rows share their test functions, and each encoder was "
             "pretrained once.", ""]
    return "\n".join(lines)
