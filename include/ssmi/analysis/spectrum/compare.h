#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/analysis/spectrum/spectrum.h"

namespace ssmi::spectrum {

/// How many kernels are of each class, and what share of the model's energy they carry. Kernels
/// without a class are in neither.
struct Classes {
  std::array<int64_t, kFilterClasses> kernels{};
  std::array<double, kFilterClasses> energy_share{};
};

/// The kernels of one direction of a block.
struct LayerSummary {
  int64_t layer;
  kernels::Direction direction;
  int64_t kernels;
  Quartiles centroid, log10_lhfr;  ///< of the kernels that have them
  Classes classes;
  double energy_share;
};

Classes classes_of(const std::vector<Kernel>& kernels);

/// One summary for each block and direction of spectra of one architecture, their kernels taken
/// together; shares are means over the spectra.
std::vector<LayerSummary> summarise(const std::vector<Spectrum>& spectra);

/// One kernel in two checkpoints.
struct Move {
  int64_t layer;
  kernels::Direction direction;
  int64_t channel;
  double centroid, log10_lhfr;  ///< after - before; NaN where one does not exist
  std::optional<FilterClass> before, after;
  double energy_share;  ///< the mean of both shares
  bool silent;          ///< in both
  /// Whether the centroid ends nearer to the median of the random twins than it began; nothing
  /// without twins or a centroid.
  std::optional<bool> toward_twins;

  bool changes_class() const { return before != after; }
};

/// Plain and energy-weighted means over kernels (weights: Move::energy_share).
struct Mean {
  double plain = 0, energy_weighted = 0;
};

struct LayerMove {
  int64_t layer;
  kernels::Direction direction;
  int64_t kernels, class_changes;
  Mean centroid, log10_lhfr;
  double energy_share, changed_energy_share;  ///< of all kernels, of those that change class
};

/// What changed from one checkpoint to another.
struct Comparison {
  std::string reason;  ///< why they cannot be compared; empty when they can
  std::vector<Move> moves;
  std::vector<LayerMove> layers;
  Mean centroid, absolute_centroid;  ///< mean move, mean size of a move
  Mean log10_lhfr;
  int64_t class_changes = 0;
  int64_t silent_class_changes = 0;
  int64_t class_changes_toward_twins = 0;
  double changed_energy_share = 0;
};

/// Compares kernel by kernel; `twins` are the summaries of random twins of the first, or none.
Comparison compare(const Spectrum& before, const Spectrum& after,
                   const std::vector<LayerSummary>& twins);

}  // namespace ssmi::spectrum
