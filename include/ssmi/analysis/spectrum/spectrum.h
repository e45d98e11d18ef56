#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ssmi/analysis/spectrum/measures.h"
#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"

namespace ssmi::spectrum {

struct Options {
  int64_t length = 4096;  ///< taps of each kernel, in tokens
  at::ScalarType type = at::kDouble;
  Thresholds thresholds;
  int twins = 3;
  uint64_t seed = 1;  ///< of the first twin; the others take the next ones
  /// A kernel is silent that carries less than this part of an equal share of the model's energy.
  double silent = 0.02;
};

constexpr size_t kSketchBins = 24;

/// One kernel, measured.
struct Kernel {
  int64_t layer;  ///< from 1
  kernels::Direction direction;
  int64_t channel;   ///< the first channel it serves, from 0
  int64_t channels;  ///< how many it serves
  Measures measures;
  double energy_share;  ///< of the energy of all kernels of the model; NaN if not finite
  bool silent;
  double aliased;  ///< share of modes that turn by more than pi a token: frequencies are folded
  double skip;     ///< the skip term D, which is not part of the kernel
  std::array<float, kSketchBins> sketch;  ///< mean |K^| of equal parts of [0, 0.5], for a sparkline
};

struct Quartiles {
  double low, median, high;  ///< 25, 50 and 75 %, linear between neighbours
};

/// One direction of a selective block at the step size that its bias alone gives.
struct SelectiveLayer {
  int64_t layer;  ///< from 1
  kernels::Direction direction;
  Quartiles step;           ///< over channels, in tokens
  Quartiles time_constant;  ///< 1 / (delta |a|) over channels and states, in tokens
  Quartiles gain;           ///< delta / (1 - exp(delta a)), a state's answer to a constant B u of 1
};

/// The runs of items that belong to one direction of a block.
template <typename T>
std::vector<std::span<const T>> by_place(const std::vector<T>& items) {
  std::vector<std::span<const T>> runs;
  for (size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    while (end < items.size() && items[end].layer == items[begin].layer &&
           items[end].direction == items[begin].direction)
      ++end;
    runs.push_back(std::span(items).subspan(begin, end - begin));
  }
  return runs;
}

/// All kernels of a model, by layer, direction (forward first) and channel.
struct Spectrum {
  std::vector<Kernel> kernels;
  std::vector<SelectiveLayer> selective;
};

/// Evaluates and measures the state kernels of `model`, whose state-space parameters are defined.
Spectrum spectrum(const model::Model& model, const Options& options, Progress& progress);

/// The spectra of `options.twins` models of this configuration, initialised at random as the
/// architecture does. Only their state-space parameters are made.
std::vector<Spectrum> twins(const Json& config, const std::string& where, const Options& options,
                            Progress& progress);

/// Linear between the neighbours in the sorted values; NaN without any.
Quartiles quartiles(std::vector<double> values);

}  // namespace ssmi::spectrum
