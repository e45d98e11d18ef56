#include <fstream>

#include "fuzz/input.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"

namespace {

/// A folder with two shards, 'x' of tensors a and c, 'y' of tensor b.
const std::filesystem::path& shards() {
  static const ssmi::fuzz::Folder folder;
  static const bool made = [] {
    using namespace ssmi::io;
    const std::byte value{1};
    const std::vector<TensorBytes> x{{"a", Dtype::kU8, {1}, {&value, 1}},
                                     {"c", Dtype::kU8, {1}, {&value, 1}}};
    const std::vector<TensorBytes> y{{"b", Dtype::kU8, {1}, {&value, 1}}};
    write_safetensors(folder.path() / "x", x);
    write_safetensors(folder.path() / "y", y);
    return true;
  }();
  static_cast<void>(made);
  return folder.path();
}

}  // namespace

/// A model.safetensors.index.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::ofstream(shards() / "model.safetensors.index.json", std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return ssmi::fuzz::taken_or_refused(
      [] { ssmi::fuzz::touch(ssmi::io::open_tensors(shards()).tensors); });
}
