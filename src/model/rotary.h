#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

#include "ssmi/core/json.h"

namespace ssmi::model {

/// How long wavelengths are stretched for texts longer than those of the pretraining (Llama 3.1).
struct Llama3Scaling {
  double low_factor, high_factor, original_length;
};

/// Rotary positions (Su et al. 2021) of the first `width` channels of each head.
struct Rotary {
  int64_t width;      ///< even
  double base;        ///< theta
  double factor = 1;  ///< positions are divided by it ("linear"), or long wavelengths alone
  std::optional<Llama3Scaling> llama3;
  bool interleaved = false;  ///< pairs are neighbours; otherwise half of `width` apart
};

/// The keys beside rope_parameters and rope_scaling by which an architecture's config tells the
/// base and the share of a head's channels that is rotated.
struct RotaryKeys {
  const char* base = "rope_theta";
  const char* share = "partial_rotary_factor";
  double otherwise = 1;  ///< the share, where nothing tells it
};

/// Reads both dialects as the reference does: rope_scaling, if it holds anything, or else
/// rope_parameters, and the keys beside them for what neither says. Throws Error{kBadInput} for a
/// scaling, or a share of channels, that is not known.
Rotary read_rotary(const JsonObject& config, int64_t head_width, const RotaryKeys& keys = {});

/// Cosines and sines of every token's angles, [S, width / 2] each, computed in float32 as the
/// reference does.
struct RotaryTables {
  at::Tensor cosines, sines;
};
RotaryTables rotary_tables(const Rotary& rotary, const at::Tensor& positions);

/// x [S, H, W] with its pairs rotated.
at::Tensor rotated(const Rotary& rotary, const RotaryTables& tables, const at::Tensor& x);

}  // namespace ssmi::model
