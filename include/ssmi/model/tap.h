#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ssmi::model {

/// The named points of a forward pass, one vocabulary for all architectures.
enum class Site : uint8_t {
  kEmbedding,
  kBlockInput,
  kMixerInput,
  kConvOutput,
  kDelta,
  kStateOutput,
  kGate,
  kAttentionProbs,
  kMixerOutput,
  kMlpOutput,
  kBlockOutput,
  kFinalNorm,
  kLogits,
};

struct SiteInfo {
  Site site;
  std::string_view name;
  std::string_view
      shape;       ///< S tokens, T of one row, D width, E inner channels, H heads, V outputs
  bool per_block;  ///< has one value for each block; otherwise one for the pass
  std::string_view meaning;
};

/// All sites, in the order of a pass.
std::span<const SiteInfo> sites();
const SiteInfo& info(Site site);
std::optional<Site> site_named(std::string_view name);

/// What one forward pass is asked to show, known before it starts, and what to do with it. The
/// visitor may look, keep or replace: a tensor it assigns is what the pass goes on with.
class Tap {
 public:
  /// Layers are blocks counted from 1; 0 for the sites that are not per block.
  using Visitor = std::function<void(Site site, int64_t layer, at::Tensor& value)>;

  Tap(std::span<const std::pair<Site, int64_t>> points, Visitor visitor);

  bool wants(Site site, int64_t layer) const;
  /// Hands `value` to the visitor if it was asked for.
  void operator()(Site site, int64_t layer, at::Tensor& value) const {
    if (wants(site, layer)) visitor_(site, layer, value);
  }
  /// The number of blocks that have to run: `layers`, if anything after the last one is asked for.
  int64_t depth(int64_t layers) const;
  /// Whether anything after the last block is asked for.
  bool wants_head() const { return wants(Site::kFinalNorm, 0) || wants(Site::kLogits, 0); }

 private:
  std::vector<uint32_t> sites_of_layer_;  // a bit for each site
  Visitor visitor_;
};

}  // namespace ssmi::model
