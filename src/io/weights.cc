#include "ssmi/io/weights.h"

#include "foreign.h"
#include "ssmi/core/file.h"
#include "ssmi/io/pytorch.h"
#include "ssmi/io/safetensors.h"

namespace ssmi::io {
namespace {

/// A JSON object after the header's length.
bool is_safetensors(const MappedFile& file) {
  constexpr size_t kLength = 8;
  return file.bytes().size() > kLength && file.bytes()[kLength] == std::byte{'{'};
}

}  // namespace

WeightFile open_weights(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  refuse_lfs_pointer(file->bytes(), path.string());
  const bool is_pickled = !is_safetensors(*file) && is_pytorch(*file);
  if (is_pickled) return open_pytorch(file);
  // A damaged file of that name is told what is wrong with it.
  if (is_safetensors(*file) || path.extension() == ".safetensors") {
    return {open_safetensors(file).tensors, {}};
  }
  refuse_foreign(file->bytes(), path.string());
}

}  // namespace ssmi::io
