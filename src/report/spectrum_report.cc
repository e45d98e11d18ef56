#include "ssmi/report/spectrum_report.h"

#include <cmath>

#include "rows.h"
#include "spectrum_words.h"

namespace ssmi::report {
namespace {

using spectrum::FilterClass;

Json class_name(std::optional<FilterClass> filter_class) {
  return filter_class ? Json(spectrum::name(*filter_class)) : Json(nullptr);
}

Json quartiles_json(const spectrum::Quartiles& quartiles) {
  return {or_null(quartiles.low), or_null(quartiles.median), or_null(quartiles.high)};
}

Json class_counts(const spectrum::Classes& classes) {
  Json counts = Json::object();
  for (size_t i = 0; i < spectrum::kFilterClasses; ++i)
    counts[std::string(name(static_cast<FilterClass>(i)))] = classes.kernels[i];
  return counts;
}

Json class_shares(const spectrum::Classes& classes) {
  Json shares = Json::object();
  for (size_t i = 0; i < spectrum::kFilterClasses; ++i)
    shares[std::string(name(static_cast<FilterClass>(i)))] = or_null(classes.energy_share[i]);
  return shares;
}

/// What stands beside a kernel: its block and direction in the random twins.
Json twins_json(const spectrum::LayerSummary& twins) {
  return {{"centroid", quartiles_json(twins.centroid)},
          {"log10_lhfr", quartiles_json(twins.log10_lhfr)},
          {"classes", class_counts(twins.classes)}};
}

template <typename Place>
Json twins_beside(const std::vector<spectrum::LayerSummary>& twins, const Place& place) {
  for (const auto& summary : twins) {
    if (summary.layer == place.layer && summary.direction == place.direction)
      return twins_json(summary);
  }
  return nullptr;
}

Json kernel_json(const std::string& checkpoint, const spectrum::Kernel& kernel,
                 const spectrum::Options& options, const Json& twins) {
  const auto& m = kernel.measures;
  return {{"checkpoint", checkpoint},
          {"layer", kernel.layer},
          {"direction", direction_name(kernel.direction)},
          {"channel", kernel.channel},
          {"channels", kernel.channels},
          {"length", options.length},
          {"centroid", or_null(m.centroid)},
          {"low_energy", or_null(m.low_energy)},
          {"high_energy", or_null(m.high_energy)},
          {"log10_lhfr", or_null(m.log10_lhfr)},
          {"dominant_frequency", or_null(m.dominant_frequency)},
          {"dominant_magnitude", or_null(m.dominant_magnitude)},
          {"energy", or_null(m.energy)},
          {"energy_share", or_null(kernel.energy_share)},
          {"silent", kernel.silent},
          {"gain", or_null(m.gain)},
          {"skip", or_null(kernel.skip)},
          {"mean_lag", or_null(m.mean_lag)},
          {"half_life", or_null(m.half_life)},
          {"aliased", kernel.aliased},
          {"class", class_name(m.filter_class)},
          {"reason", or_null(m.reason)},
          {"twins", twins}};
}

Json layer_json(const std::string& checkpoint, const spectrum::LayerSummary& layer) {
  return {{"checkpoint", checkpoint},
          {"layer", layer.layer},
          {"direction", direction_name(layer.direction)},
          {"kernels", layer.kernels},
          {"centroid", quartiles_json(layer.centroid)},
          {"log10_lhfr", quartiles_json(layer.log10_lhfr)},
          {"energy_share", or_null(layer.energy_share)},
          {"classes", class_counts(layer.classes)}};
}

constexpr auto kSelectiveReason =
    "the step size depends on the input, so there is no fixed kernel to classify";

Json time_constants(const spectrum::SelectiveLayer& layer) {
  return {{"step", quartiles_json(layer.step)},
          {"time_constant", quartiles_json(layer.time_constant)},
          {"gain", quartiles_json(layer.gain)}};
}

Json selective_json(const spectrum::Finding& finding, size_t index) {
  const auto& layer = finding.spectrum.selective[index];
  Json row{{"checkpoint", finding.checkpoint},
           {"layer", layer.layer},
           {"direction", direction_name(layer.direction)}};
  row.update(time_constants(layer));
  row["class"] = nullptr;
  row["reason"] = kSelectiveReason;
  row["twin"] = index < finding.twin_selective.size()
                    ? time_constants(finding.twin_selective[index])
                    : Json(nullptr);
  return row;
}

Json mean_json(const spectrum::Mean& mean) {
  return {{"mean", or_null(mean.plain)}, {"energy_weighted", or_null(mean.energy_weighted)}};
}

Json move_json(const spectrum::Move& move) {
  return {{"layer", move.layer},
          {"direction", direction_name(move.direction)},
          {"channel", move.channel},
          {"centroid", or_null(move.centroid)},
          {"log10_lhfr", or_null(move.log10_lhfr)},
          {"class_before", class_name(move.before)},
          {"class_after", class_name(move.after)},
          {"energy_share", or_null(move.energy_share)},
          {"silent", move.silent},
          {"toward_twins", move.toward_twins ? Json(*move.toward_twins) : Json(nullptr)}};
}

Json layer_move_json(const spectrum::LayerMove& layer) {
  return {{"layer", layer.layer},
          {"direction", direction_name(layer.direction)},
          {"kernels", layer.kernels},
          {"class_changes", layer.class_changes},
          {"centroid", mean_json(layer.centroid)},
          {"log10_lhfr", mean_json(layer.log10_lhfr)},
          {"energy_share", or_null(layer.energy_share)},
          {"changed_energy_share", or_null(layer.changed_energy_share)}};
}

Json comparison_json(const std::string& from, const std::string& to,
                     const spectrum::Comparison& comparison) {
  Json result{{"from", from}, {"checkpoint", to}};
  result["reason"] = or_null(comparison.reason);
  if (!comparison.reason.empty()) return result;
  result["centroid"] = mean_json(comparison.centroid);
  result["absolute_centroid"] = mean_json(comparison.absolute_centroid);
  result["log10_lhfr"] = mean_json(comparison.log10_lhfr);
  result["class_changes"] = {{"kernels", comparison.class_changes},
                             {"silent", comparison.silent_class_changes},
                             {"toward_twins", comparison.class_changes_toward_twins},
                             {"energy_share", or_null(comparison.changed_energy_share)}};
  result["layers"] = Json::array();
  for (const auto& layer : comparison.layers)
    result["layers"].push_back(layer_move_json(layer));
  result["moves"] = Json::array();
  for (const auto& move : comparison.moves)
    result["moves"].push_back(move_json(move));
  return result;
}

void add_finding(const spectrum::Finding& finding, const spectrum::Options& options,
                 Json& results) {
  for (const auto& place : spectrum::by_place(finding.spectrum.kernels)) {
    const Json twins = twins_beside(finding.twins, place[0]);
    for (const auto& kernel : place)
      results["kernels"].push_back(kernel_json(finding.checkpoint, kernel, options, twins));
  }
  for (const auto& layer : finding.layers) {
    results["layers"].push_back(layer_json(finding.checkpoint, layer));
    results["layers"].back()["twins"] = twins_beside(finding.twins, layer);
  }
  for (size_t i = 0; i < finding.spectrum.selective.size(); ++i)
    results["selective"].push_back(selective_json(finding, i));
  results["classes"].push_back({{"checkpoint", finding.checkpoint},
                                {"kernels", class_counts(finding.classes)},
                                {"energy_share", class_shares(finding.classes)}});
}

}  // namespace

Json spectrum_results(const spectrum::Study& study, const spectrum::Options& options) {
  Json results{{"kernels", Json::array()},     {"layers", Json::array()},
               {"selective", Json::array()},   {"classes", Json::array()},
               {"comparisons", Json::array()}, {"summary", spectrum_sentences(study)}};
  for (const auto& finding : study.findings)
    add_finding(finding, options, results);
  for (size_t i = 0; i < study.comparisons.size(); ++i) {
    results["comparisons"].push_back(comparison_json(
        study.findings[0].checkpoint, study.findings[i + 1].checkpoint, study.comparisons[i]));
  }
  return results;
}

}  // namespace ssmi::report
