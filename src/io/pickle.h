#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssmi/io/dtype.h"

namespace ssmi::io {

/// The place of a value in Pickle::values.
using PickleRef = uint32_t;

/// The classes and functions that a pickle may name, and nothing else.
enum class PickleName : uint8_t {
  kOrderedDict,
  kSize,
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kStorage,  ///< of elements of a type, or of bytes
  kDtype,
};

struct PickleGlobal {
  PickleName name{};
  std::optional<Dtype> dtype;  ///< of kStorage (nothing: bytes) and kDtype
};

struct PickleNone {};
struct PickleTuple {
  std::vector<PickleRef> items;
};
struct PickleList {
  std::vector<PickleRef> items;
};
struct PickleDict {
  std::vector<PickleRef> items;  ///< key, value, key, value, ...
};
/// A stretch of elements that lies outside the pickle, under a key.
struct PickleStorage {
  std::string_view key;
  std::optional<Dtype> dtype;  ///< nothing: bytes
  int64_t numel = 0;
};
/// A view of a storage, in elements: element (i, j) is storage[offset + i * strides[0] + ...].
struct PickleTensor {
  PickleStorage storage;
  Dtype dtype{};
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
};

/// Text points into the pickle's bytes.
using PickleValue =
    std::variant<PickleNone, bool, int64_t, double, std::string_view, PickleGlobal, PickleTuple,
                 PickleList, PickleDict, std::shared_ptr<const PickleStorage>,
                 std::shared_ptr<const PickleTensor>>;

/// A tree of plain values (with shared branches, without cycles) and the bytes it was read from.
struct Pickle {
  std::vector<PickleValue> values;
  PickleRef root = 0;
  size_t size = 0;  ///< bytes of the pickle

  const PickleValue& at(PickleRef ref) const { return values[ref]; }
};

/// Reads the pickle that `bytes` begin with. Only what state dicts of torch.save need is known: a
/// few opcodes of protocols 2 to 5 and the names of PickleName, whose meaning is built in; nothing
/// is imported, looked up or called. Values take at most a constant times the bytes read. `file`
/// begins every message. Throws Error{kBadInput}.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& file);

}  // namespace ssmi::io
