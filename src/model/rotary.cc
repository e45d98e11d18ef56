#include "rotary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <numbers>
#include <string>

#include "config_keys.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

double positive(const JsonObject& config, const std::string& key, double otherwise) {
  const double value = number_or(config, key, otherwise);
  if (!(value > 0) || !std::isfinite(value)) {
    bad_input("{}: '{}' should be a positive number, found {}", config.where(), key, value);
  }
  return value;
}

/// What changes the angles: `kind` and its numbers. `longest` is the config's own text length.
void read_scaling(const JsonObject& scaling, double longest, Rotary& rotary) {
  const std::string kind =
      string_or(scaling, is_given(scaling, "rope_type") ? "rope_type" : "type", "default");
  if (kind == "default") return;
  if (kind != "linear" && kind != "llama3") {
    bad_input(
        "{}: rotary positions of type '{}' are not supported; supported are default, linear, "
        "llama3",
        scaling.where(), excerpt(kind));
  }
  rotary.factor = positive(scaling, "factor", 0);
  if (kind == "linear") return;
  rotary.llama3 = Llama3Scaling{
      .low_factor = positive(scaling, "low_freq_factor", 0),
      .high_factor = positive(scaling, "high_freq_factor", 0),
      .original_length = positive(scaling, "original_max_position_embeddings", longest)};
  if (rotary.llama3->high_factor <= rotary.llama3->low_factor) {
    bad_input("{}: 'high_freq_factor' is {}, expected more than 'low_freq_factor', which is {}",
              scaling.where(), rotary.llama3->high_factor, rotary.llama3->low_factor);
  }
}

/// Wavelengths beyond original_length / low_factor are stretched, those below original_length /
/// high_factor are not, those between in part.
at::Tensor stretched(const at::Tensor& frequencies, double factor, const Llama3Scaling& scaling) {
  const at::Tensor wavelengths = 2 * std::numbers::pi / frequencies;
  const at::Tensor share = (scaling.original_length / wavelengths - scaling.low_factor) /
                           (scaling.high_factor - scaling.low_factor);
  const at::Tensor between = (1 - share) * frequencies / factor + share * frequencies;
  const at::Tensor is_long = wavelengths > scaling.original_length / scaling.low_factor;
  const at::Tensor is_short = wavelengths < scaling.original_length / scaling.high_factor;
  return at::where(is_long, frequencies / factor, at::where(is_short, frequencies, between));
}

}  // namespace

Rotary read_rotary(const JsonObject& config, int64_t head_width, const RotaryKeys& keys) {
  const Json nothing = Json::object();
  const auto holds = [&](const char* key) {
    return is_given(config, key) && !config.at(key).empty();
  };
  const char* where = holds("rope_scaling") ? "rope_scaling" : "rope_parameters";
  const JsonObject parameters(holds(where) ? config.at(where) : nothing,
                              config.where() + ": " + where);
  const double base = is_given(parameters, "rope_theta") ? positive(parameters, "rope_theta", 0)
                                                         : positive(config, keys.base, 10000);
  const double share =
      positive(parameters, "partial_rotary_factor", positive(config, keys.share, keys.otherwise));
  Rotary rotary{.width = static_cast<int64_t>(static_cast<double>(head_width) * share),
                .base = base,
                .llama3 = {}};
  if (share > 1 || rotary.width < 2 || rotary.width % 2 != 0) {
    bad_input("{}: rotary positions of {} of a head's {} channels; expected an even number of them",
              config.where(), rotary.width, head_width);
  }
  read_scaling(parameters, number_or(config, "max_position_embeddings", 0), rotary);
  return rotary;
}

RotaryTables rotary_tables(const Rotary& rotary, const at::Tensor& positions) {
  const at::Tensor exponents =
      at::arange(0, rotary.width, 2, at::kFloat) / static_cast<double>(rotary.width);
  at::Tensor frequencies = 1.0 / at::pow(rotary.base, exponents);
  frequencies = rotary.llama3 ? stretched(frequencies, rotary.factor, *rotary.llama3)
                              : frequencies / rotary.factor;
  const at::Tensor angles = at::outer(positions.to(at::kFloat), frequencies.to(positions.device()));
  return {at::cos(angles), at::sin(angles)};
}

at::Tensor rotated(const Rotary& rotary, const RotaryTables& tables, const at::Tensor& x) {
  const int64_t half = rotary.width / 2;
  const at::Tensor first =
      rotary.interleaved ? x.slice(2, 0, rotary.width, 2) : x.slice(2, 0, half);
  const at::Tensor second =
      rotary.interleaved ? x.slice(2, 1, rotary.width, 2) : x.slice(2, half, rotary.width);
  const at::Tensor cosines = tables.cosines.unsqueeze(1), sines = tables.sines.unsqueeze(1);
  const at::Tensor real = first * cosines - second * sines;
  const at::Tensor imaginary = second * cosines + first * sines;
  const at::Tensor rest = x.slice(2, rotary.width);
  if (rotary.interleaved) return at::cat({at::stack({real, imaginary}, 3).flatten(2), rest}, 2);
  return at::cat({real, imaginary, rest}, 2);
}

}  // namespace ssmi::model
