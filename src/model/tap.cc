#include "ssmi/model/tap.h"

#include <algorithm>

namespace ssmi::model {
namespace {

constexpr std::array kSites{
    SiteInfo{Site::kEmbedding, "embedding", "[S, D]", false, "what the first block is given"},
    SiteInfo{Site::kBlockInput, "block_input", "[S, D]", true, "residual stream before the block"},
    SiteInfo{Site::kMixerInput, "mixer_input", "[S, D]", true, "after the block's norm"},
    SiteInfo{Site::kConvOutput, "conv_output", "[S, E]", true,
             "after the short convolution and its activation"},
    SiteInfo{Site::kDelta, "delta", "[S, E]", true, "step sizes of the selective scan"},
    SiteInfo{Site::kStateOutput, "state_output", "[S, E]", true,
             "what the state-space layer gives, skip included, before the gate"},
    SiteInfo{Site::kGate, "gate", "[S, E]", true, "the activated gate"},
    SiteInfo{Site::kAttentionProbs, "attention_probs", "[H, T, T]", true,
             "attention probabilities, row after row"},
    SiteInfo{Site::kMixerOutput, "mixer_output", "[S, D]", true,
             "what the mixer adds to the residual stream"},
    SiteInfo{Site::kMlpOutput, "mlp_output", "[S, D]", true,
             "what the block's MLP adds to the residual stream"},
    SiteInfo{Site::kBlockOutput, "block_output", "[S, D]", true, "residual stream after the block"},
    SiteInfo{Site::kFinalNorm, "final_norm", "[S, D]", false, "after the norm that the head reads"},
    SiteInfo{Site::kLogits, "logits", "[S, V]", false, "what the head gives"},
};

}  // namespace

std::span<const SiteInfo> sites() {
  return kSites;
}

const SiteInfo& info(Site site) {
  return kSites[static_cast<size_t>(site)];
}

std::optional<Site> site_named(std::string_view name) {
  const auto* found = std::find_if(kSites.begin(), kSites.end(),
                                   [&](const SiteInfo& entry) { return entry.name == name; });
  if (found == kSites.end()) return std::nullopt;
  return found->site;
}

Tap::Tap(std::span<const std::pair<Site, int64_t>> points, Visitor visitor)
    : visitor_(std::move(visitor)) {
  for (const auto& [site, layer] : points) {
    const auto index = static_cast<size_t>(layer);
    if (index >= sites_of_layer_.size()) sites_of_layer_.resize(index + 1, 0);
    sites_of_layer_[index] |= 1U << static_cast<uint32_t>(site);
  }
}

bool Tap::wants(Site site, int64_t layer) const {
  const auto index = static_cast<size_t>(layer);
  return index < sites_of_layer_.size() &&
         ((sites_of_layer_[index] >> static_cast<uint32_t>(site)) & 1U) != 0;
}

int64_t Tap::depth(int64_t layers) const {
  if (wants_head()) return layers;
  return std::clamp<int64_t>(static_cast<int64_t>(sites_of_layer_.size()) - 1, 0, layers);
}

}  // namespace ssmi::model
