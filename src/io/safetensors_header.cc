#include "safetensors_header.h"

#include <fmt/ranges.h>

#include <utility>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/json.h"

namespace ssmi::io {
namespace {

// Neither bounds a real file. They keep a header of many tiny items from taking a multiple of its
// own size in memory.
constexpr size_t kMaxDimensions = 64;
constexpr size_t kMaxMetadata = 100'000;

class HeaderReader : public Json::json_sax_t {
 public:
  HeaderReader(const std::shared_ptr<const MappedFile>& file, std::span<const std::byte> data)
      : file_(file), data_(data) {}

  SafetensorsFile take() { return std::move(result_); }

  bool start_object(size_t) override;
  bool key(std::string& key) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool string(std::string& value) override;
  bool number_unsigned(uint64_t value) override;

  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool number_integer(int64_t value) override { unexpected(std::to_string(value)); }
  bool number_float(double, const std::string& text) override { unexpected(excerpt(text)); }
  bool binary(Json::binary_t&) override { unexpected("binary"); }
  bool parse_error(size_t, const std::string&, const Json::exception& error) override {
    refuse("the header is not valid JSON: {}", excerpt(error.what(), 300));
  }

 private:
  enum class Inside { kFile, kHeader, kMetadata, kTensor, kShape, kOffsets };
  enum Field : unsigned { kDtype = 1, kShape = 2, kOffsets = 4 };

  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    bad_input("{}: {}", file_->path().string(), fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void unexpected(std::string_view found) const {
    refuse("{}, found {}", expectation(), found);
  }
  std::string expectation() const;
  std::string tensor() const { return fmt::format("tensor '{}'", excerpt(key_)); }

  void begin_field(const std::string& name);
  void finish_tensor();
  void check_extent(const TensorView& view) const;

  const std::shared_ptr<const MappedFile>& file_;
  const std::span<const std::byte> data_;
  SafetensorsFile result_;
  bool has_metadata_ = false;

  Inside inside_ = Inside::kFile;
  std::string key_;               // of the header: a tensor's name or kMetadataKey
  TensorView* view_ = nullptr;    // of that tensor
  std::string* value_ = nullptr;  // of the metadata key being read
  std::string metadata_key_;
  Field field_ = kDtype;
  unsigned seen_ = 0;  // Field flags of the tensor being read
  std::vector<uint64_t> offsets_;
};

std::string HeaderReader::expectation() const {
  if (inside_ == Inside::kFile) return "the header should be an object";
  if (inside_ == Inside::kHeader) {
    return (key_ == kMetadataKey ? "'__metadata__'" : tensor()) + " should be an object";
  }
  if (inside_ == Inside::kMetadata) {
    return fmt::format("metadata '{}' should be a string", excerpt(metadata_key_));
  }
  switch (field_) {
    case kDtype:
      return fmt::format("'dtype' of {} should be a string", tensor());
    case kShape:
      return fmt::format("'shape' of {} should be a list of non-negative integers", tensor());
    default:
      return fmt::format("'data_offsets' of {} should be a list of two non-negative integers",
                         tensor());
  }
}

bool HeaderReader::start_object(size_t) {
  if (inside_ == Inside::kFile) {
    inside_ = Inside::kHeader;
  } else if (inside_ == Inside::kHeader) {
    inside_ = key_ == kMetadataKey ? Inside::kMetadata : Inside::kTensor;
    seen_ = 0;
  } else {
    unexpected("an object");
  }
  return true;
}

bool HeaderReader::key(std::string& key) {
  if (inside_ == Inside::kTensor) {
    begin_field(key);
  } else if (inside_ == Inside::kMetadata) {
    const auto [place, is_new] = result_.metadata.try_emplace(key);
    if (!is_new) refuse("metadata '{}' is given twice", excerpt(key));
    if (result_.metadata.size() > kMaxMetadata) {
      refuse("'__metadata__' has more than {} entries", kMaxMetadata);
    }
    value_ = &place->second;
    metadata_key_ = key;
  } else if (key == kMetadataKey) {
    if (std::exchange(has_metadata_, true)) refuse("'__metadata__' is given twice");
    key_ = key;
  } else {
    const auto [place, is_new] = result_.tensors.try_emplace(key);
    key_ = key;
    if (!is_new) refuse("{} is given twice", tensor());
    view_ = &place->second;
  }
  return true;
}

void HeaderReader::begin_field(const std::string& name) {
  if (name == "dtype") {
    field_ = kDtype;
  } else if (name == "shape") {
    field_ = kShape;
  } else if (name == "data_offsets") {
    field_ = kOffsets;
  } else {
    refuse("{} has an unknown key '{}'", tensor(), excerpt(name));
  }
  if ((seen_ & field_) != 0) refuse("'{}' of {} is given twice", name, tensor());
  seen_ |= field_;
}

bool HeaderReader::string(std::string& value) {
  if (inside_ == Inside::kMetadata) {
    *value_ = value;
    return true;
  }
  if (inside_ != Inside::kTensor || field_ != kDtype) unexpected("a string");
  const auto dtype = dtype_from_name(value);
  if (!dtype) {
    refuse("{} has dtype '{}', expected one of {}", tensor(), excerpt(value), dtype_names());
  }
  view_->dtype = *dtype;
  return true;
}

bool HeaderReader::start_array(size_t) {
  if (inside_ != Inside::kTensor || field_ == kDtype) unexpected("a list");
  inside_ = field_ == kShape ? Inside::kShape : Inside::kOffsets;
  offsets_.clear();
  return true;
}

bool HeaderReader::number_unsigned(uint64_t value) {
  if (inside_ == Inside::kShape) {
    if (value > INT64_MAX) unexpected(std::to_string(value));
    if (view_->shape.size() == kMaxDimensions) {
      refuse("{} has more than {} dimensions", tensor(), kMaxDimensions);
    }
    view_->shape.push_back(static_cast<int64_t>(value));
  } else if (inside_ == Inside::kOffsets) {
    if (offsets_.size() == 2) unexpected("more");
    offsets_.push_back(value);
  } else {
    unexpected(std::to_string(value));
  }
  return true;
}

bool HeaderReader::end_array() {
  if (inside_ == Inside::kOffsets && offsets_.size() != 2) unexpected("fewer");
  inside_ = Inside::kTensor;
  return true;
}

bool HeaderReader::end_object() {
  if (inside_ == Inside::kTensor) finish_tensor();
  inside_ = inside_ == Inside::kHeader ? Inside::kFile : Inside::kHeader;
  return true;
}

void HeaderReader::finish_tensor() {
  for (const auto& [field, name] :
       {std::pair{kDtype, "dtype"}, {kShape, "shape"}, {kOffsets, "data_offsets"}}) {
    if ((seen_ & field) == 0) refuse("{} has no '{}'", tensor(), name);
  }
  const uint64_t begin = offsets_[0], end = offsets_[1];
  if (begin > end)
    refuse("data_offsets [{}, {}] of {} end before they begin", begin, end, tensor());
  if (end > data_.size()) {
    refuse("data_offsets [{}, {}] of {} lie outside the file, which has {} bytes of data", begin,
           end, tensor(), data_.size());
  }
  view_->data = data_.subspan(begin, end - begin);
  view_->owner = file_;
  check_extent(*view_);
}

void HeaderReader::check_extent(const TensorView& view) const {
  const auto elements = checked_numel(view.shape);
  const auto bytes = elements ? checked_mul(*elements, dtype_size(view.dtype)) : std::nullopt;
  const auto shape =
      fmt::format("shape [{}] of {}", fmt::join(view.shape, ", "), dtype_name(view.dtype));
  if (!bytes) refuse("{} has {}, more than any file holds", tensor(), shape);
  if (static_cast<uint64_t>(*bytes) != view.data.size()) {
    refuse("{} has {}, which takes {} bytes, but its data_offsets hold {}", tensor(), shape, *bytes,
           view.data.size());
  }
}

}  // namespace

SafetensorsFile read_header(const std::shared_ptr<const MappedFile>& file, std::string_view header,
                            std::span<const std::byte> data) {
  // The JSON library takes a NUL for the end of its input.
  if (header.find('\0') != header.npos) {
    bad_input("{}: the header is not valid JSON: it holds a NUL byte", file->path().string());
  }
  HeaderReader reader(file, data);
  Json::sax_parse(header.begin(), header.end(), &reader);
  return reader.take();
}

}  // namespace ssmi::io
