#include "ssmi/report/detail_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "short_number.h"
#include "ssmi/analysis/probe/task.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::report {
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
  const bool one_line = first["line"] == second["line"];
  text += fmt::format(" and {}{}\n", second["text"].get<std::string>(),
                      one_line ? "" : fmt::format(" in line {}", second["line"].get<int64_t>()));
  if (one_line) {
    return text + marked(first["source"], {&first, &second});
  }
  const bool in_order = first["line"] < second["line"];
  for (const Json* token : in_order ? std::array{&first, &second} : std::array{&second, &first})
    text += marked((*token)["source"], {token});
  return text;
}

}  // namespace

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
