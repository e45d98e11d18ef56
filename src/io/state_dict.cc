#include "state_dict.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "conversion.h"
#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

using TensorRef = std::shared_ptr<const PickleTensor>;

/// Copies of tensors that are not row-major may take this many times the file's size in all.
constexpr uint64_t kMaxCopies = 4;

bool is_row_major(const PickleTensor& tensor) {
  int64_t expected = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

/// One more than the largest index of an element in the storage; nothing on overflow.
std::optional<int64_t> end_of(const PickleTensor& tensor) {
  std::optional<int64_t> end = checked_add<int64_t>(tensor.offset, 1);
  for (size_t i = 0; i < tensor.shape.size() && end; ++i) {
    const auto reach = checked_mul(tensor.shape[i] - 1, tensor.strides[i]);
    end = reach ? checked_add(*end, *reach) : std::nullopt;
  }
  return end;
}

class Reader {
 public:
  Reader(const Pickle& pickle, const StorageBytes& bytes_of,
         const std::shared_ptr<const MappedFile>& file)
      : pickle_(pickle), bytes_of_(bytes_of), file_(file), where_(file->path().string()) {}

  WeightFile read();

 private:
  const PickleDict& state_dict();
  const PickleDict& nested(const PickleDict& checkpoint);
  bool has_tensors(const PickleDict& dict) const;
  std::vector<std::string> keys(const PickleDict& dict, bool tensors_too) const;
  void take(std::string_view name, const PickleTensor& tensor);
  TensorView view(const std::string& name, const PickleTensor& tensor);
  void copy_rows(const PickleTensor& tensor, std::span<const std::byte> storage, TensorView& view);

  const Pickle& pickle_;
  const StorageBytes& bytes_of_;
  const std::shared_ptr<const MappedFile>& file_;
  std::string where_;
  WeightFile result_;
  uint64_t copied_ = 0;
};

bool Reader::has_tensors(const PickleDict& dict) const {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (std::holds_alternative<TensorRef>(pickle_.at(dict.items[i]))) return true;
  }
  return false;
}

/// The dict's keys; without those of tensors that have a name, unless asked for.
std::vector<std::string> Reader::keys(const PickleDict& dict, bool tensors_too) const {
  std::vector<std::string> names;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const auto* key = std::get_if<std::string_view>(&pickle_.at(dict.items[i]));
    const bool tensor = std::holds_alternative<TensorRef>(pickle_.at(dict.items[i + 1]));
    if (!tensors_too && tensor && key != nullptr) continue;
    names.push_back(key != nullptr ? excerpt(*key) : "(no text)");
  }
  return names;
}

/// The one dict of tensors under the usual names of training checkpoints.
const PickleDict& Reader::nested(const PickleDict& checkpoint) {
  const PickleDict* found = nullptr;
  std::vector<std::string> names;
  for (size_t i = 0; i + 1 < checkpoint.items.size(); i += 2) {
    const auto* key = std::get_if<std::string_view>(&pickle_.at(checkpoint.items[i]));
    const auto* dict = std::get_if<PickleDict>(&pickle_.at(checkpoint.items[i + 1]));
    const bool usual =
        key != nullptr && (*key == "state_dict" || *key == "model_state_dict" || *key == "model");
    if (!usual || dict == nullptr || !has_tensors(*dict)) continue;
    found = dict;
    names.emplace_back(*key);
  }
  if (found == nullptr) {
    bad_input("{}: holds no tensors, expected a state dict; its keys are: {}", where_,
              listed(keys(checkpoint, true)));
  }
  if (names.size() > 1) {
    bad_input("{}: holds several state dicts ({}); save the one that is meant alone", where_,
              listed(names));
  }
  auto others = keys(checkpoint, true);
  std::erase(others, names.front());
  std::string note = fmt::format("took '{}' of a training checkpoint", names.front());
  if (!others.empty()) note += ", left out: " + listed(others);
  result_.notes.push_back(note);
  return *found;
}

const PickleDict& Reader::state_dict() {
  const auto* root = std::get_if<PickleDict>(&pickle_.at(pickle_.root));
  if (root == nullptr) {
    bad_input("{}: holds no dict, expected a state dict of tensors; {}", where_,
              conversion_of_pickle(where_));
  }
  return has_tensors(*root) ? *root : nested(*root);
}

WeightFile Reader::read() {
  const PickleDict& dict = state_dict();
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const auto* name = std::get_if<std::string_view>(&pickle_.at(dict.items[i]));
    const auto* tensor = std::get_if<TensorRef>(&pickle_.at(dict.items[i + 1]));
    if (name != nullptr && tensor != nullptr) take(*name, **tensor);
  }
  const auto others = keys(dict, false);
  if (!others.empty()) {
    result_.notes.push_back(
        fmt::format("left out {} entries that are no tensors: {}", others.size(), listed(others)));
  }
  return std::move(result_);
}

void Reader::take(std::string_view name, const PickleTensor& tensor) {
  const std::string key(name);
  if (!result_.tensors.emplace(key, view(key, tensor)).second) {
    bad_input("{}: tensor '{}' is given twice", where_, excerpt(name));
  }
}

TensorView Reader::view(const std::string& name, const PickleTensor& tensor) {
  const auto storage = bytes_of_(tensor.storage);
  const int64_t size = dtype_size(tensor.dtype);
  const auto capacity = static_cast<int64_t>(storage.size()) / size;
  const auto elements = checked_numel(tensor.shape);
  const auto outside = [&] {
    bad_input("{}: tensor '{}' of shape [{}], strides [{}], offset {} leaves its storage of {}",
              where_, excerpt(name), fmt::join(tensor.shape, ", "), fmt::join(tensor.strides, ", "),
              tensor.offset, capacity);
  };
  if (!elements || tensor.offset > capacity) outside();
  TensorView view{tensor.dtype, tensor.shape, {}, file_};
  if (elements == 0) return view;
  const auto end = end_of(tensor);
  if (!end || *end > capacity) outside();
  if (elements > capacity) {
    bad_input("{}: tensor '{}' is expanded: {} elements in a storage of {}; save it contiguous",
              where_, excerpt(name), *elements, capacity);
  }
  if (!is_row_major(tensor)) {
    copy_rows(tensor, storage, view);
    return view;
  }
  view.data = storage.subspan(static_cast<size_t>(tensor.offset * size),
                              static_cast<size_t>(*elements * size));
  return view;
}

/// Gathers a tensor that lies otherwise than row-major, within the bounds that view() has checked.
void Reader::copy_rows(const PickleTensor& tensor, std::span<const std::byte> storage,
                       TensorView& view) {
  const auto size = static_cast<size_t>(dtype_size(tensor.dtype));
  const auto elements = static_cast<size_t>(*checked_numel(tensor.shape));
  copied_ += elements * size;
  if (copied_ / kMaxCopies > file_->bytes().size()) {
    bad_input("{}: its tensors that are not contiguous take more than {} times the file", where_,
              kMaxCopies);
  }
  const auto copy = std::make_shared<std::vector<std::byte>>(elements * size);
  std::vector<int64_t> index(tensor.shape.size(), 0);
  int64_t from = tensor.offset;
  for (size_t to = 0; to < elements; ++to) {
    std::memcpy(copy->data() + to * size, storage.data() + static_cast<size_t>(from) * size, size);
    for (size_t i = index.size(); i-- > 0;) {
      from += tensor.strides[i];
      if (++index[i] < tensor.shape[i]) break;
      from -= tensor.strides[i] * tensor.shape[i];
      index[i] = 0;
    }
  }
  view.data = *copy;
  view.owner = copy;
}

}  // namespace

uint64_t storage_size(const PickleStorage& storage, const std::string& file) {
  const auto bytes =
      checked_mul(storage.numel, storage.dtype ? dtype_size(*storage.dtype) : int64_t{1});
  if (!bytes) {
    bad_input("{}: storage '{}' has {} elements, more than any file holds", file,
              excerpt(storage.key), storage.numel);
  }
  return static_cast<uint64_t>(*bytes);
}

WeightFile read_state_dict(const Pickle& pickle, const StorageBytes& bytes_of,
                           const std::shared_ptr<const MappedFile>& file) {
  return Reader(pickle, bytes_of, file).read();
}

}  // namespace ssmi::io
