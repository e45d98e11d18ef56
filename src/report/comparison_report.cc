#include "ssmi/report/comparison_report.h"

#include <fmt/format.h>

#include "rows.h"
#include "short_number.h"

namespace ssmi::report {
namespace {

constexpr double kLevel = 0.05;

Json difference_json(const probe::Difference& one) {
  Json object{{"task", one.task},
              {"layer", one.layer},
              {"pairs", one.pairs},
              {"base_accuracy", one.base},
              {"accuracy", one.accuracy},
              {"difference", one.difference},
              {"low", one.low},
              {"high", one.high},
              {"p", one.p},
              {"p_holm", one.p_holm}};
  if (!one.relation.empty()) object["relation"] = one.relation;
  return object;
}

Json family_json(const std::vector<probe::Difference>& family) {
  Json list = Json::array();
  for (const probe::Difference& one : family)
    list.push_back(difference_json(one));
  return list;
}

std::string difference_text(const probe::Difference& one) {
  return with_interval(one.difference, one.low, one.high, /*with_sign=*/true);
}

std::string relation_list(const std::vector<const probe::Difference*>& changed) {
  std::string text;
  for (const probe::Difference* one : changed) {
    text += fmt::format("{}{} {} (p {:.2g})", text.empty() ? "" : "; ", one->relation,
                        difference_text(*one), one->p_holm);
  }
  return text.empty() ? "nothing shown" : text;
}

std::string table(const probe::Comparison& comparison) {
  std::string text = fmt::format(
      "{} less {} (linear; {} draws of pairs and split; p of {} tasks and layers together, Holm)\n",
      comparison.checkpoint, comparison.base, comparison.draws, comparison.layers.size());
  constexpr auto* kLine = "  {:<10} {:<9} {:>6} {:>6}   {:<24} {:>8}\n";
  text += fmt::format(fmt::runtime(kLine), "task", "layer", "base", "now", "difference", "p");
  for (const probe::Difference& one : comparison.layers) {
    const auto chosen = comparison.chosen.find(one.task);
    const bool is_chosen = chosen != comparison.chosen.end() && chosen->second == one.layer;
    text +=
        fmt::format(fmt::runtime(kLine), one.task, layer_name(one.layer) + (is_chosen ? " *" : ""),
                    short_number(one.base), short_number(one.accuracy), difference_text(one),
                    fmt::format("{:.2g}", one.p_holm));
  }
  std::vector<const probe::Difference*> less, more;
  for (const probe::Difference& one : comparison.relations) {
    if (one.p_holm >= kLevel) continue;
    if (one.difference < 0) less.push_back(&one);
    if (one.difference > 0) more.insert(more.begin(), &one);
  }
  text += "  * the base's best block on validation functions; there, of " +
          std::to_string(comparison.relations.size()) + " relations:\n";
  text += "  forgotten: " + relation_list(less) + "\n  learned: " + relation_list(more) + "\n\n";
  return text;
}

}  // namespace

Json comparisons_json(const std::vector<probe::Comparison>& comparisons) {
  Json list = Json::array();
  for (const probe::Comparison& one : comparisons) {
    const auto family = [](const char* of, const std::vector<probe::Difference>& members) {
      return Json{{"family", of}, {"size", members.size()}, {"differences", family_json(members)}};
    };
    list.push_back({{"base", one.base},
                    {"checkpoint", one.checkpoint},
                    {"probe", "linear"},
                    {"draws", one.draws},
                    {"resamples", one.resamples},
                    {"chosen_layers", one.chosen},
                    {"layers", family("all tasks and layers of the comparison", one.layers)},
                    {"relations", family("all relations at the chosen layers", one.relations)}});
  }
  return list;
}

std::string comparison_tables(const std::vector<probe::Comparison>& comparisons) {
  std::string text;
  for (const probe::Comparison& one : comparisons)
    text += table(one);
  return text;
}

}  // namespace ssmi::report
