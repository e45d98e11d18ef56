#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/io/tensor.h"

// What the fuzz targets share. A target gives libFuzzer's bytes to a reader of files; the reader
// may take them or refuse them as bad input. Everything else ends the process and is a finding.
namespace ssmi::fuzz {

/// A file in memory that holds the input, opened by its path.
class InputFile {
 public:
  explicit InputFile(std::span<const uint8_t> input) : descriptor_(::memfd_create("input", 0)) {
    const bool written =
        ::write(descriptor_, input.data(), input.size()) == static_cast<ssize_t>(input.size());
    if (!written) std::abort();
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { ::close(descriptor_); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// A folder of this process, removed at its end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ssmi-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Runs `action`; an Error must be of bad input and say something.
template <typename Action>
int taken_or_refused(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() != ExitCode::kBadInput || std::string(error.what()).size() < 10) std::abort();
  }
  return 0;
}

/// Reads every byte of every tensor, which finds a view that leaves its file, and holds its extent
/// against its shape; decodes those that are encoded.
inline void touch(const io::TensorMap& tensors) {
  static volatile uint8_t sum = 0;
  for (const auto& [name, view] : tensors) {
    const auto elements = checked_numel(view.shape);
    if (elements && view.encoding) {
      std::vector<float> values(static_cast<size_t>(*elements));
      io::decode(view, values);
      continue;
    }
    if (!elements || view.data.size() != static_cast<uint64_t>(*elements) *
                                             static_cast<uint64_t>(io::dtype_size(view.dtype))) {
      std::abort();
    }
    for (const std::byte byte : view.data)
      sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(byte));
  }
}

}  // namespace ssmi::fuzz
