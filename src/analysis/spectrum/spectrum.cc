#include "ssmi/analysis/spectrum/spectrum.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/imag.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "ssmi/core/progress.h"

namespace ssmi::spectrum {
namespace {

std::array<float, kSketchBins> sketch_of(std::span<const double> magnitudes) {
  std::array<float, kSketchBins> sketch{};
  for (size_t part = 0; part < kSketchBins; ++part) {
    const size_t begin = part * magnitudes.size() / kSketchBins;
    const size_t end = std::max(begin + 1, (part + 1) * magnitudes.size() / kSketchBins);
    double sum = 0;
    for (size_t k = begin; k < end; ++k)
      sum += magnitudes[k];
    sketch[part] = static_cast<float>(sum / static_cast<double>(end - begin));
  }
  return sketch;
}

/// The share of modes whose angle a token is beyond pi: [G].
at::Tensor aliased_share(const kernels::ModalKernels& modal) {
  return (at::abs(at::imag(modal.log_poles)) > std::numbers::pi)
      .to(at::kDouble)
      .mean(1)
      .contiguous();
}

std::span<const double> row(const at::Tensor& matrix, int64_t index) {
  return {matrix.const_data_ptr<double>() + index * matrix.size(1),
          static_cast<size_t>(matrix.size(1))};
}

void fill_magnitudes(const at::Tensor& transform, int64_t index, std::vector<double>& magnitudes) {
  const auto* values = static_cast<const std::complex<double>*>(transform.const_data_ptr()) +
                       index * transform.size(1);
  for (size_t k = 0; k < magnitudes.size(); ++k)
    magnitudes[k] = std::sqrt(std::norm(values[k]));
}

/// Measures kernels [begin, end) of a block's, which are the items of `measured`.
void measure_some(const model::StateKernels& block, int64_t begin, int64_t end,
                  const Options& options, std::span<Kernel> measured) {
  const auto some = [&](const at::Tensor& x) { return x.slice(0, begin, end); };
  const kernels::ModalKernels modal{some(block.kernels.residues), some(block.kernels.log_poles)};
  const at::Tensor computed = kernels::state_kernels(modal, options.length);
  const at::Tensor transform =
      at::fft_rfft(computed).to(at::kComplexDouble).contiguous();  // [end - begin, L / 2 + 1]
  const at::Tensor taps = computed.to(at::kDouble);                // [end - begin, L]
  const at::Tensor aliased = aliased_share(modal);
  const at::Tensor skip = some(block.skip).to(at::kDouble).contiguous();
  std::vector<double> magnitudes(static_cast<size_t>(transform.size(1)));
  for (int64_t g = 0; g < end - begin; ++g) {
    fill_magnitudes(transform, g, magnitudes);
    Kernel& kernel = measured[static_cast<size_t>(g)];
    kernel.measures = measure(row(taps, g), magnitudes, options.thresholds);
    kernel.aliased = aliased.const_data_ptr<double>()[g];
    kernel.skip = skip.const_data_ptr<double>()[g];
    kernel.sketch = sketch_of(magnitudes);
  }
}

/// Appends the measured kernels of one direction of a block. Each thread takes some at a time, so
/// that memory is bounded however many there are.
void measure_block(const model::StateKernels& block, int64_t width, const Options& options,
                   std::vector<Kernel>& kernels) {
  constexpr int64_t kAtOnce = 32;
  const int64_t count = block.skip.size(0);
  const int64_t channels = std::max<int64_t>(1, width / count);
  for (int64_t g = 0; g < count; ++g) {
    kernels.push_back({.layer = block.layer,
                       .direction = block.direction,
                       .channel = g * channels,
                       .channels = channels,
                       .measures = {},
                       .energy_share = 0,
                       .silent = false,
                       .aliased = 0,
                       .skip = 0,
                       .sketch = {}});
  }
  const std::span<Kernel> here = std::span(kernels).last(static_cast<size_t>(count));
  at::parallel_for(0, (count + kAtOnce - 1) / kAtOnce, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      const int64_t begin = part * kAtOnce, end = std::min(begin + kAtOnce, count);
      measure_some(block, begin, end, options,
                   here.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    }
  });
}

/// Kernels that are not finite have no share and count for nothing.
void share_energy(std::vector<Kernel>& kernels, double silent) {
  double total = 0;
  for (const Kernel& kernel : kernels) {
    if (std::isfinite(kernel.measures.energy)) total += kernel.measures.energy;
  }
  for (Kernel& kernel : kernels) {
    const bool nothing = kernel.measures.energy == 0;  // of nothing, perhaps
    kernel.energy_share = nothing ? 0 : kernel.measures.energy / total;
    kernel.silent = kernel.energy_share * static_cast<double>(kernels.size()) < silent;
  }
}

Quartiles quartiles_of(const at::Tensor& values) {
  const at::Tensor flat = values.contiguous();
  const auto* data = flat.const_data_ptr<double>();
  return quartiles({data, data + flat.numel()});
}

SelectiveLayer measure_selective(const model::SelectiveDynamics& dynamics) {
  const at::Tensor decay = dynamics.delta.unsqueeze(1) * dynamics.a;  // [E, N], negative
  const at::Tensor step = dynamics.delta.unsqueeze(1).expand_as(decay);
  return {.layer = dynamics.layer,
          .direction = dynamics.direction,
          .step = quartiles_of(dynamics.delta),
          .time_constant = quartiles_of(-1 / decay),
          .gain = quartiles_of(step / (1 - at::exp(decay)))};
}

}  // namespace

Quartiles quartiles(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return {std::nan(""), std::nan(""), std::nan("")};
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

Spectrum spectrum(const model::Model& model, const Options& options, Progress& progress) {
  Spectrum result;
  const auto blocks = model.state_kernels(options.type);
  progress.begin("spectrum", "kernel groups", blocks.size());
  for (const model::StateKernels& block : blocks) {
    check_interrupted();
    measure_block(block, model.info().hidden_size, options, result.kernels);
    progress.advance(1);
  }
  progress.end();
  share_energy(result.kernels, options.silent);
  for (const model::SelectiveDynamics& dynamics : model.selective_dynamics()) {
    result.selective.push_back(measure_selective(dynamics));
  }
  return result;
}

std::vector<Spectrum> twins(const Json& config, const std::string& where, const Options& options,
                            Progress& progress) {
  std::vector<Spectrum> result;
  for (int twin = 0; twin < options.twins; ++twin) {
    const auto model = model::make_model(config, where);
    model::initialise(*model, options.seed + static_cast<uint64_t>(twin), model::is_state_space);
    result.push_back(spectrum(*model, options, progress));
  }
  return result;
}

}  // namespace ssmi::spectrum
