#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "embed_rows.h"
#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"

namespace ssmi::cli {

/// What to keep of a pass, and under which name.
using EmbedNames = std::map<std::pair<model::Site, int64_t>, std::string>;

/// Runs the rows and writes each value as [B, T, width], rows padded as they came, held in memory
/// until it is written. Returns the number of tensors.
size_t embed_padded(const model::Model& model, const EmbedRows& rows, const EmbedNames& names,
                    const std::string& out, Progress& progress);

/// Runs rows of texts and writes each value as [S, width], rows end to end, to its place in the
/// file as soon as it is there: memory does not grow with the rows. Returns the number of tensors.
size_t embed_packed(const model::Model& model, const EmbedRows& rows, const EmbedNames& names,
                    const std::string& out, Progress& progress);

}  // namespace ssmi::cli
