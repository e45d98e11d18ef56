#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ssmi::probe {

/// Vectors with labels, in two parts.
struct VectorSet {
  at::Tensor train_x, test_x;            ///< [n, d] and [m, d], as they are stored
  std::vector<int64_t> train_y, test_y;  ///< places in `labels`
  std::vector<std::string> labels;       ///< of either part; in order, numbers by value
  std::string sha256;                    ///< of all of it
};

/// Reads a set from one of
///   a safetensors file with train_x, train_y, test_x and test_y,
///   a folder with the same as .npy files,
///   a folder with train.emb, train.ent, test.emb and test.ent: DirectProbe's text, a line a vector
///   with its numbers between spaces, and a line an item with its label behind the last tab.
/// Vectors are of a floating type, labels of files with numbers are integers. Throws
/// Error{kBadInput} for anything else, for parts that do not fit together, for fewer than two
/// labels in training and for values that are not finite; Error{kDisk}.
VectorSet read_vectors(const std::filesystem::path& path);

}  // namespace ssmi::probe
