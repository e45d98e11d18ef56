#include "ssmi/report/tree_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rows.h"
#include "short_number.h"

namespace ssmi::report {
namespace {

/// What a table shows of one layer and rank.
struct Cells {
  std::string value, by_length;
  double twins = 0;
  int twin_count = 0;
};

std::string lengths_text(const Json& lengths) {
  std::string text;
  for (const Json& length : lengths) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", length["to"].get<int64_t>(),
                        short_number(length["value"].get<double>()));
  }
  return text;
}

std::string value_text(const Json& row) {
  return with_interval(row["value"].get<double>(), row["low"].get<double>(),
                       row["high"].get<double>());
}

std::string table(const Json& rows, const std::string& checkpoint, const std::string& probe) {
  std::map<std::pair<int64_t, int64_t>, Cells> cells;  // by layer and rank
  std::string controls;
  for (const Json& row : rows) {
    if (row["probe"] != probe) continue;
    if (row["checkpoint"].is_null()) {
      controls += fmt::format("  {} {}", words(row["control"]), value_text(row));
    }
    if (row["checkpoint"] != checkpoint) continue;
    Cells& own = cells[{row["layer"].get<int64_t>(), row["rank"].get<int64_t>()}];
    if (row["control"] == "none") {
      own.value = value_text(row);
      own.by_length = lengths_text(row["by_length"]);
    } else {
      own.twins += row["value"].get<double>();
      ++own.twin_count;
    }
  }
  if (cells.empty()) return {};
  const Json& first = rows.front();
  std::string text = fmt::format(
      "{}, {} ({} training and {} test functions)\n", checkpoint,
      probe == "ast" ? "ast: F1 over constituents" : "structural: Spearman's correlation",
      first["train"].get<int64_t>(), first["test"].get<int64_t>());
  if (!controls.empty()) text += " " + controls + "\n";
  constexpr auto* kLine = "  {:<9} {:>5} {:<19} {:>6}  {}\n";
  text += fmt::format(fmt::runtime(kLine), "layer", "rank", "mean", "twins", "up to .. leaves");
  for (const auto& [key, own] : cells) {
    text += fmt::format(fmt::runtime(kLine), layer_name(key.first), key.second, own.value,
                        own.twin_count == 0 ? "-" : short_number(own.twins / own.twin_count),
                        own.by_length);
  }
  return text + "\n";
}

}  // namespace

Json tree_row(const probe::TreeResult& result) {
  Json lengths = Json::array();
  for (const probe::TreeLength& length : result.by_length) {
    lengths.push_back({{"from", length.from},
                       {"to", length.to},
                       {"functions", length.functions},
                       {"value", length.value}});
  }
  return {{"checkpoint", or_null(result.checkpoint)},
          {"layer", or_null(result.layer)},
          {"probe", result.probe},
          {"control", result.control},
          {"rank", or_null(result.rank)},
          {"value", result.value},
          {"low", result.low},
          {"high", result.high},
          {"precision", or_null(result.precision)},
          {"recall", or_null(result.recall)},
          {"by_length", lengths},
          {"train", result.train},
          {"validation", result.validation},
          {"test", result.test},
          {"epochs", result.epochs},
          {"validation_loss", or_null(result.validation_loss)}};
}

std::string tree_tables(const Json& rows) {
  std::string text;
  for (const std::string& checkpoint : distinct(rows, "checkpoint")) {
    for (const char* probe : {"structural", "ast"})
      text += table(rows, checkpoint, probe);
  }
  return text;
}

}  // namespace ssmi::report
