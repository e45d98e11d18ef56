#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "safetensors_header.h"
#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/json.h"
#include "ssmi/io/safetensors.h"

namespace ssmi::io {
namespace {

/// Throws Error{kBug} unless the names differ and every tensor's size fits 63 bits.
void check_specs(std::span<const TensorSpec> tensors, const std::string& where) {
  std::set<std::string_view> names{kMetadataKey};
  for (const TensorSpec& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      fail(ExitCode::kBug, "{}: tensor '{}' cannot be written twice", where, tensor.name);
    }
    const auto elements = checked_numel(tensor.shape);
    if (!elements || !checked_mul(*elements, dtype_size(tensor.dtype))) {
      fail(ExitCode::kBug, "{}: tensor '{}' of shape [{}] is more than any file holds", where,
           tensor.name, fmt::join(tensor.shape, ", "));
    }
  }
}

uint64_t bytes_of(const TensorSpec& tensor) {
  return static_cast<uint64_t>(*checked_numel(tensor.shape) * dtype_size(tensor.dtype));
}

/// Larger elements first, otherwise as given.
std::vector<const TensorSpec*> layout(std::span<const TensorSpec> tensors) {
  std::vector<const TensorSpec*> order;
  for (const TensorSpec& tensor : tensors)
    order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return dtype_size(a->dtype) > dtype_size(b->dtype);
  });
  return order;
}

/// The JSON header, padded with spaces so that the data begins at a multiple of 8.
std::string make_header(std::span<const TensorSpec* const> order,
                        const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += fmt::format("\"{}\":{},", kMetadataKey, Json(metadata).dump());
  }
  uint64_t offset = 0;
  for (const TensorSpec* tensor : order) {
    const uint64_t end = offset + bytes_of(*tensor);
    header += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}},)",
                          Json(tensor->name).dump(), dtype_name(tensor->dtype),
                          fmt::join(tensor->shape, ","), offset, end);
    offset = end;
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::span<const TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path) {
  check_specs(tensors, path.string());
  const auto order = layout(tensors);
  std::string header;
  try {
    header = make_header(order, metadata);
  } catch (const Json::exception&) {
    bad_input("{}: cannot be written: a name or its metadata is not UTF-8", path.string());
  }
  const uint64_t length = header.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
  size_ = sizeof(length) + length;
  for (const TensorSpec* tensor : order) {
    extents_[tensor->name] = {size_, bytes_of(*tensor)};
    size_ += bytes_of(*tensor);
  }
  file_.reserve(size_);
}

void SafetensorsWriter::write(const std::string& name, uint64_t offset,
                              std::span<const std::byte> data) {
  const auto found = extents_.find(name);
  if (found == extents_.end() || offset > found->second.size ||
      data.size() > found->second.size - offset) {
    fail(ExitCode::kBug, "tensor '{}' has no {} bytes at {}", name, data.size(), offset);
  }
  file_.write_at(found->second.begin + offset, data);
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorBytes> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorSpec> specs;
  for (const TensorBytes& tensor : tensors)
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  check_specs(specs, path.string());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (bytes_of(specs[i]) == tensors[i].data.size()) continue;
    fail(ExitCode::kBug, "{}: tensor '{}' of shape [{}] has {} bytes of {}", path.string(),
         specs[i].name, fmt::join(specs[i].shape, ", "), tensors[i].data.size(),
         dtype_name(specs[i].dtype));
  }
  SafetensorsWriter writer(path, specs, metadata);
  for (const TensorBytes& tensor : tensors)
    writer.write(tensor.name, 0, tensor.data);
  writer.finish();
}

}  // namespace ssmi::io
