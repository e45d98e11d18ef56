#include "ssmi/report/eval_report.h"

#include <fmt/format.h>

#include "rows.h"

namespace ssmi::report {
namespace {

std::string shown(const Json& number) {
  return number.is_null() ? "-" : fmt::format("{:.4f}", number.get<double>());
}

std::string interval(const Json& entry) {
  return fmt::format("{} to {}", shown(entry["low"]), shown(entry["high"]));
}

}  // namespace

Json metric(const task::Metric& metric) {
  Json json{{"value", or_null(metric.value)},
            {"low", or_null(metric.low)},
            {"high", or_null(metric.high)},
            {"count", metric.count},
            {"baseline", or_null(metric.baseline)}};
  if (metric.against) {
    json["against"] = {{"value", or_null(metric.against->value)},
                       {"difference", or_null(metric.against->difference)},
                       {"low", or_null(metric.against->low)},
                       {"high", or_null(metric.against->high)}};
  }
  return json;
}

std::string metric_table(const Json& metrics) {
  constexpr std::string_view kRow = "{:<16} {:>9} {:>22} {:>7} {:>9}", kMore = " {:>9} {:>31}";
  const bool against = metrics.front().contains("against");
  std::string table = fmt::format(kRow, "metric", "value", "95 % interval", "items", "baseline");
  if (against) table += fmt::format(kMore, "against", "difference");
  for (const auto& [name, entry] : metrics.items()) {
    table += '\n' + fmt::format(kRow, name, shown(entry["value"]), interval(entry),
                                entry["count"].get<int64_t>(), shown(entry["baseline"]));
    if (!against) continue;
    const Json& other = entry["against"];
    table += fmt::format(kMore, shown(other["value"]),
                         shown(other["difference"]) + " (" + interval(other) + ")");
  }
  return table + '\n';
}

}  // namespace ssmi::report
