#include "ssmi/report/comparison_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "rows.h"
#include "short_number.h"
#include "ssmi/analysis/probe/task.h"
#include "ssmi/core/excerpt.h"

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

std::string with_interval(const probe::Difference& one) {
  return fmt::format("{} [{}, {}]", short_number(one.difference, true), short_number(one.low, true),
                     short_number(one.high, true));
}

std::string relation_list(const std::vector<const probe::Difference*>& changed) {
  std::string text;
  for (const probe::Difference* one : changed) {
    text += fmt::format("{}{} {} (p {:.2g})", text.empty() ? "" : "; ", one->relation,
                        with_interval(*one), one->p_holm);
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
                    short_number(one.base), short_number(one.accuracy), with_interval(one),
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

Json relations_json(const std::vector<probe::RelationAccuracy>& relations) {
  Json list = Json::array();
  for (const auto& one : relations) {
    list.push_back({{"checkpoint", one.checkpoint},
                    {"task", one.task},
                    {"layer", one.layer},
                    {"relation", one.relation},
                    {"pairs", one.pairs},
                    {"accuracy", one.accuracy},
                    {"low", one.low},
                    {"high", one.high}});
  }
  return list;
}

namespace {

constexpr size_t kShown = 3;  ///< relations and mistakes of each kind

/// The relations by accuracy, a few of them.
std::string extremes(std::vector<const probe::RelationAccuracy*> relations, bool most) {
  std::ranges::stable_sort(relations, [&](const auto* a, const auto* b) {
    return most ? a->accuracy > b->accuracy : a->accuracy < b->accuracy;
  });
  relations.resize(std::min(relations.size(), kShown));
  std::string text;
  for (const auto* one : relations) {
    text += fmt::format("{}{} {} ({} {})", text.empty() ? "" : "; ", one->relation,
                        short_number(one->accuracy), one->pairs, probe::items_of(one->task));
  }
  return text;
}

/// A line of code with carets below its tokens. Columns count bytes; a caret stands below each
/// character, and tabs stay what they are.
std::string marked(const std::string& source, const std::vector<const Json*>& tokens) {
  constexpr size_t kLongest = 120;
  if (source.size() > kLongest) return "      " + excerpt(source, kLongest) + "\n";
  std::string carets;
  for (size_t at = 0; at < source.size(); ++at) {
    if ((static_cast<unsigned char>(source[at]) & 0xc0u) == 0x80u) continue;  // within a character
    const bool inside = std::ranges::any_of(tokens, [&](const Json* token) {
      const auto begin = (*token)["column"].get<size_t>();
      return at >= begin && at < begin + (*token)["text"].get<std::string>().size();
    });
    carets += inside ? '^' : source[at] == '\t' ? '\t' : ' ';
  }
  carets.erase(carets.find_last_not_of(" \t") + 1);
  return fmt::format("      {}\n      {}\n", source, carets);
}

std::string shown(const Json& mistake) {
  const Json& first = mistake["first"];
  std::string text =
      fmt::format("    {}:{}: {} taken for {} ({:.2f}): {}", mistake["path"].get<std::string>(),
                  first["line"].get<int64_t>(), mistake["label"].get<std::string>(),
                  mistake["predicted"].get<std::string>(), mistake["probability"].get<double>(),
                  first["text"].get<std::string>());
  if (!mistake.contains("second")) return text + "\n" + marked(first["source"], {&first});
  const Json& second = mistake["second"];
  text += fmt::format(" and {}\n", second["text"].get<std::string>());
  if (first["line"] == second["line"]) {
    return text + marked(first["source"], {&first, &second});
  }
  const bool in_order = first["line"] < second["line"];
  for (const Json* token : in_order ? std::array{&first, &second} : std::array{&second, &first})
    text += marked((*token)["source"], {token});
  return text;
}

}  // namespace

std::string probe_details(const Json& summary, const Json& rows,
                          const std::vector<probe::RelationAccuracy>& relations) {
  std::string text;
  for (const Json& entry : summary) {
    std::vector<const probe::RelationAccuracy*> own;
    for (const auto& one : relations) {
      if (entry["checkpoint"] == one.checkpoint && entry["task"] == one.task) own.push_back(&one);
    }
    text += fmt::format("{}, {}, block {}\n", entry["checkpoint"].get<std::string>(),
                        entry["task"].get<std::string>(), entry["layer"].get<int64_t>());
    if (!own.empty()) {
      text += fmt::format("  right most often: {}\n  least often: {}\n", extremes(own, true),
                          extremes(own, false));
    }
    for (const Json& row : rows) {
      if (!row.contains("mistakes") || row["checkpoint"] != entry["checkpoint"] ||
          row["task"] != entry["task"] || row["layer"] != entry["layer"]) {
        continue;
      }
      text += "  most confidently wrong:\n";
      for (size_t i = 0; i < std::min(row["mistakes"].size(), kShown); ++i)
        text += shown(row["mistakes"][i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace ssmi::report
