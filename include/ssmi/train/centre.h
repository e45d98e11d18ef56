#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/model/model.h"

namespace ssmi::train {

/// Moves the mean embedding of the rows to zero by way of the bias that is added to hidden states
/// last; gives false, and does nothing, where there is none (norms by the root mean square).
/// Pretrained hidden states have most of their length in a direction that all share (Ethayarajh
/// 2019), so that cosines between them hardly differ before it is gone.
bool centre_embeddings(model::Model& model, std::span<const std::vector<int64_t>> rows);

}  // namespace ssmi::train
