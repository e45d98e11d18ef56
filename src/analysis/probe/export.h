#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/leaf_vectors.h"
#include "ssmi/code/functions.h"

namespace ssmi::probe {

/// Writes the drawn pairs as CSV, a line each: which part they are in, their row in the vectors'
/// tensors, their label, where their function and tokens stand (nothing of a second one where there
/// is none). Throws Error{kDisk}.
void export_pairs(const std::filesystem::path& path, const PairSet& set, const Corpus& corpus,
                  const std::vector<code::Function>& functions);

/// Writes the vectors of the pairs at one layer, `vectors` [slots, D], as read_vectors() takes them
/// and the probes see them: train_x [n, columns] float64 and train_y [n], training before
/// validation, test_x, test_y. Labels are their numbers; names of labels their places in the
/// task's. Throws Error{kDisk}.
void export_vectors(const std::filesystem::path& path, const PairSet& set, const LeafSlots& slots,
                    const at::Tensor& vectors, const std::map<std::string, std::string>& metadata);

}  // namespace ssmi::probe
