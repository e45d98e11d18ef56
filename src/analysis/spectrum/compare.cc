#include "ssmi/analysis/spectrum/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace ssmi::spectrum {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

template <typename A, typename B>
bool same_place(const A& a, const B& b) {
  return a.layer == b.layer && a.direction == b.direction;
}

/// Kernels that are not finite have no share.
double share(double energy_share) {
  return std::isnan(energy_share) ? 0 : energy_share;
}

void add_to(const Kernel& kernel, double weight, Classes& classes) {
  if (!kernel.measures.filter_class) return;
  const auto index = static_cast<size_t>(*kernel.measures.filter_class);
  ++classes.kernels[index];
  classes.energy_share[index] += weight * share(kernel.energy_share);
}

LayerSummary summary_of(const std::vector<std::span<const Kernel>>& groups) {
  LayerSummary summary{groups[0][0].layer, groups[0][0].direction, 0, {}, {}, {}, 0};
  const double weight = 1.0 / static_cast<double>(groups.size());
  std::vector<double> centroids, ratios;
  for (const auto& group : groups) {
    for (const Kernel& kernel : group) {
      ++summary.kernels;
      centroids.push_back(kernel.measures.centroid);
      ratios.push_back(kernel.measures.log10_lhfr);
      summary.energy_share += weight * share(kernel.energy_share);
      add_to(kernel, weight, summary.classes);
    }
  }
  summary.centroid = quartiles(std::move(centroids));
  summary.log10_lhfr = quartiles(std::move(ratios));
  return summary;
}

/// infinite - infinite is no move.
double difference(double after, double before) {
  return std::isfinite(after) && std::isfinite(before) ? after - before : kNone;
}

std::optional<bool> nears(const LayerSummary* twins, double before, double after) {
  if (twins == nullptr || std::isnan(before + after + twins->centroid.median)) return std::nullopt;
  return std::abs(after - twins->centroid.median) < std::abs(before - twins->centroid.median);
}

Move move_of(const Kernel& before, const Kernel& after, const LayerSummary* twins) {
  const Measures &a = before.measures, &b = after.measures;
  return {.layer = before.layer,
          .direction = before.direction,
          .channel = before.channel,
          .centroid = difference(b.centroid, a.centroid),
          .log10_lhfr = difference(b.log10_lhfr, a.log10_lhfr),
          .before = a.filter_class,
          .after = b.filter_class,
          .energy_share = (share(before.energy_share) + share(after.energy_share)) / 2,
          .silent = before.silent && after.silent,
          .toward_twins = nears(twins, a.centroid, b.centroid)};
}

template <typename Value>
Mean mean(std::span<const Move> moves, Value value) {
  double sum = 0, count = 0, weighted = 0, weight = 0;
  for (const Move& move : moves) {
    const double x = value(move);
    if (std::isnan(x)) continue;
    sum += x;
    count += 1;
    weighted += x * move.energy_share;
    weight += move.energy_share;
  }
  return {sum / count, weighted / weight};  // NaN without any
}

double signed_centroid(const Move& move) {
  return move.centroid;
}

double signed_ratio(const Move& move) {
  return move.log10_lhfr;
}

LayerMove layer_move(std::span<const Move> moves) {
  LayerMove result{moves[0].layer,
                   moves[0].direction,
                   static_cast<int64_t>(moves.size()),
                   0,
                   mean(moves, signed_centroid),
                   mean(moves, signed_ratio),
                   0,
                   0};
  for (const Move& move : moves) {
    result.energy_share += move.energy_share;
    if (!move.changes_class()) continue;
    ++result.class_changes;
    result.changed_energy_share += move.energy_share;
  }
  return result;
}

/// Why the kernels of two checkpoints are not the same ones; empty when they are.
std::string why_different(const std::vector<Kernel>& before, const std::vector<Kernel>& after) {
  if (before.empty() || after.empty()) return "no fixed state kernels to compare";
  if (before.size() != after.size()) {
    return fmt::format("{} kernels against {}", before.size(), after.size());
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (!same_place(before[i], after[i]) || before[i].channel != after[i].channel) {
      return "kernels of other blocks, directions or channels";
    }
  }
  return "";
}

}  // namespace

Classes classes_of(const std::vector<Kernel>& kernels) {
  Classes classes;
  for (const Kernel& kernel : kernels)
    add_to(kernel, 1, classes);
  return classes;
}

std::vector<LayerSummary> summarise(const std::vector<Spectrum>& spectra) {
  std::vector<std::vector<std::span<const Kernel>>> places;
  for (const Spectrum& spectrum : spectra) {
    const auto groups = by_place(spectrum.kernels);
    places.resize(groups.size());
    for (size_t i = 0; i < groups.size(); ++i)
      places[i].push_back(groups[i]);
  }
  std::vector<LayerSummary> summaries;
  summaries.reserve(places.size());
  for (const auto& groups : places)
    summaries.push_back(summary_of(groups));
  return summaries;
}

Comparison compare(const Spectrum& before, const Spectrum& after,
                   const std::vector<LayerSummary>& twins) {
  Comparison result;
  result.reason = why_different(before.kernels, after.kernels);
  if (!result.reason.empty()) return result;
  for (size_t i = 0; i < before.kernels.size(); ++i) {
    const auto twin = std::ranges::find_if(
        twins, [&](const LayerSummary& summary) { return same_place(summary, before.kernels[i]); });
    const LayerSummary* beside = twin == twins.end() ? nullptr : &*twin;
    result.moves.push_back(move_of(before.kernels[i], after.kernels[i], beside));
    const Move& move = result.moves.back();
    if (!move.changes_class()) continue;
    ++result.class_changes;
    result.silent_class_changes += move.silent;
    result.class_changes_toward_twins += move.toward_twins.value_or(false);
    result.changed_energy_share += move.energy_share;
  }
  for (const auto& group : by_place(result.moves))
    result.layers.push_back(layer_move(group));
  result.centroid = mean(result.moves, signed_centroid);
  result.absolute_centroid =
      mean(result.moves, [](const Move& move) { return std::abs(move.centroid); });
  result.log10_lhfr = mean(result.moves, signed_ratio);
  return result;
}

}  // namespace ssmi::spectrum
