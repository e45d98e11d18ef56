#include "ssmi/analysis/spectrum/measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ssmi::spectrum {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double sum_of_squares(std::span<const double> values) {
  double sum = 0;
  for (const double value : values)
    sum += value * value;
  return sum;
}

size_t band_edge(double share, size_t bins) {
  return std::min(bins, static_cast<size_t>(std::floor(share * static_cast<double>(bins))));
}

/// Centroid and dominant frequency; the frequency of bin k is k / length.
void measure_frequencies(std::span<const double> magnitudes, size_t length, Measures& result) {
  double weighted = 0, sum = 0;
  size_t largest = 0;
  for (size_t k = 0; k < magnitudes.size(); ++k) {
    weighted += static_cast<double>(k) * magnitudes[k];
    sum += magnitudes[k];
    if (magnitudes[k] > magnitudes[largest]) largest = k;
  }
  result.centroid = weighted / (sum * static_cast<double>(length));
  result.dominant_frequency = static_cast<double>(largest) / static_cast<double>(length);
  result.dominant_magnitude = magnitudes[largest];
}

void measure_lags(std::span<const double> taps, Measures& result) {
  double weighted = 0, sum = 0;
  for (size_t lag = 0; lag < taps.size(); ++lag) {
    weighted += static_cast<double>(lag) * std::abs(taps[lag]);
    sum += std::abs(taps[lag]);
  }
  result.mean_lag = weighted / sum;
  double passed = 0;
  size_t lag = 0;
  while (lag + 1 < taps.size() && (passed += std::abs(taps[lag])) < sum / 2)
    ++lag;
  result.half_life = static_cast<double>(lag);
}

Measures nothing(const char* reason) {
  return {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, {}, reason};
}

std::string why_infinite(const Measures& measures) {
  if (measures.low_energy == 0 && measures.high_energy == 0) {
    return "log10_lhfr: no energy in the low and the high band";
  }
  return measures.high_energy == 0 ? "log10_lhfr: no energy in the high band"
                                   : "log10_lhfr: no energy in the low band";
}

}  // namespace

std::string_view name(FilterClass filter_class) {
  constexpr std::array<std::string_view, kFilterClasses> kNames{"low-pass", "band-pass",
                                                                "high-pass", "unclassified"};
  return kNames[static_cast<size_t>(filter_class)];
}

std::optional<FilterClass> classify(double centroid, double log10_lhfr,
                                    const Thresholds& thresholds) {
  if (std::isnan(centroid) || std::isnan(log10_lhfr)) return std::nullopt;
  if (centroid < thresholds.centroid) {
    return log10_lhfr > thresholds.low_pass ? FilterClass::kLowPass : FilterClass::kUnclassified;
  }
  if (log10_lhfr < thresholds.band_pass) return FilterClass::kHighPass;
  return log10_lhfr <= thresholds.low_pass ? FilterClass::kBandPass : FilterClass::kUnclassified;
}

Measures measure(std::span<const double> taps, std::span<const double> magnitudes,
                 const Thresholds& thresholds) {
  const double power = sum_of_squares(taps);
  if (!std::isfinite(power)) return nothing("the kernel is not finite");
  if (std::ranges::all_of(taps, [](double tap) { return tap == 0; })) {
    Measures silent = nothing("the kernel is zero");
    silent.low_energy = silent.high_energy = silent.energy = silent.gain = 0;
    silent.dominant_magnitude = 0;
    return silent;
  }
  Measures result{};
  const size_t low = band_edge(thresholds.low_band, magnitudes.size());
  const size_t high = band_edge(thresholds.high_band, magnitudes.size());
  result.energy = sum_of_squares(magnitudes);
  result.low_energy = sum_of_squares(magnitudes.first(low));
  result.high_energy = sum_of_squares(magnitudes.subspan(high));
  result.log10_lhfr = std::log10(result.low_energy / result.high_energy);
  result.gain = std::sqrt(power);
  measure_frequencies(magnitudes, taps.size(), result);
  measure_lags(taps, result);
  result.filter_class = classify(result.centroid, result.log10_lhfr, thresholds);
  if (!std::isfinite(result.log10_lhfr)) result.reason = why_infinite(result);
  return result;
}

}  // namespace ssmi::spectrum
