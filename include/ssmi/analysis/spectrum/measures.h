#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ssmi::spectrum {

/// The classes of SSM-Interpret (arXiv 2602.06774).
enum class FilterClass { kLowPass, kBandPass, kHighPass, kUnclassified };
constexpr int kFilterClasses = 4;

/// "low-pass", "band-pass", "high-pass", "unclassified".
std::string_view name(FilterClass filter_class);

/// Where bands and classes begin; the defaults are the published ones.
struct Thresholds {
  double low_band = 0.1;    ///< the low band is the first floor(low_band * bins) bins
  double high_band = 0.6;   ///< the high band begins at bin floor(high_band * bins)
  double centroid = 0.166;  ///< cycles per token; low-pass kernels lie below
  double low_pass = 1.0;  ///< low-pass kernels have a log10 LHFR above, band-pass ones at most this
  double band_pass = 0.0;  ///< band-pass kernels have at least this, high-pass ones less
};

/// What is measured on one kernel. Frequencies in cycles per token (0 to 0.5), lags in tokens. A
/// value that does not exist is NaN, and `reason` says why.
struct Measures {
  double centroid;            ///< sum(f |K^|) / sum(|K^|)
  double low_energy;          ///< sum of |K^|^2 over the low band
  double high_energy;         ///< the same over the high band
  double log10_lhfr;          ///< log10(low_energy / high_energy); infinite without either
  double dominant_frequency;  ///< of the largest |K^|, the lowest of equals
  double dominant_magnitude;  ///< the largest |K^|
  double energy;              ///< sum of |K^|^2 over all bins
  double gain;                ///< sqrt(sum K^2): deviation of the output for white input of 1
  double mean_lag;            ///< sum(l |K[l]|) / sum(|K[l]|)
  double half_life;           ///< first lag by which half of sum(|K[l]|) has passed
  std::optional<FilterClass> filter_class;
  std::string reason;
};

/// Measures a kernel's taps and the magnitudes of their real FFT without padding or window
/// (taps.size() / 2 + 1 bins), all in float64.
Measures measure(std::span<const double> taps, std::span<const double> magnitudes,
                 const Thresholds& thresholds);

/// The class of a kernel with these measures; nothing if one of them does not exist.
std::optional<FilterClass> classify(double centroid, double log10_lhfr,
                                    const Thresholds& thresholds);

}  // namespace ssmi::spectrum
