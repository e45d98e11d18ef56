#include "ssmi/report/eval_report.h"

#include <fmt/format.h>

#include <cmath>

namespace ssmi::report {
namespace {

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

std::string shown(const Json& number) {
  return number.is_null() ? "-" : fmt::format("{:.4f}", number.get<double>());
}

}  // namespace

Json metric(const task::Metric& metric) {
  return {{"value", finite(metric.value)},
          {"low", finite(metric.low)},
          {"high", finite(metric.high)},
          {"count", metric.count},
          {"baseline", metric.baseline ? finite(*metric.baseline) : Json(nullptr)}};
}

std::string metric_table(const Json& metrics) {
  std::string table = fmt::format("{:<28} {:>10} {:>23} {:>10} {:>10}\n", "metric", "value",
                                  "95 % interval", "items", "baseline");
  for (const auto& [name, entry] : metrics.items()) {
    table += fmt::format("{:<28} {:>10} {:>23} {:>10} {:>10}\n", name, shown(entry["value"]),
                         fmt::format("{} to {}", shown(entry["low"]), shown(entry["high"])),
                         entry["count"].get<int64_t>(), shown(entry["baseline"]));
  }
  return table;
}

}  // namespace ssmi::report
