#include "ssmi/io/dtype.h"

#include <algorithm>
#include <array>
#include <string>

namespace ssmi::io {
namespace {

struct Row {
  std::string_view name;
  int64_t size;
};

// In the order of Dtype.
constexpr std::array<Row, 19> kTable{{{"BOOL", 1},
                                      {"U8", 1},
                                      {"I8", 1},
                                      {"F8_E4M3", 1},
                                      {"F8_E5M2", 1},
                                      {"F8_E8M0", 1},
                                      {"F8_E4M3FNUZ", 1},
                                      {"F8_E5M2FNUZ", 1},
                                      {"U16", 2},
                                      {"I16", 2},
                                      {"F16", 2},
                                      {"BF16", 2},
                                      {"U32", 4},
                                      {"I32", 4},
                                      {"F32", 4},
                                      {"U64", 8},
                                      {"I64", 8},
                                      {"F64", 8},
                                      {"C64", 8}}};
static_assert(static_cast<size_t>(Dtype::kC64) + 1 == kTable.size());

const Row& row(Dtype dtype) {
  return kTable[static_cast<size_t>(dtype)];
}

}  // namespace

std::string_view dtype_name(Dtype dtype) {
  return row(dtype).name;
}

int64_t dtype_size(Dtype dtype) {
  return row(dtype).size;
}

std::optional<Dtype> dtype_from_name(std::string_view name) {
  const auto found =
      std::find_if(kTable.begin(), kTable.end(), [&](const Row& row) { return row.name == name; });
  if (found == kTable.end()) return std::nullopt;
  return static_cast<Dtype>(found - kTable.begin());
}

std::string_view dtype_names() {
  static const std::string names = [] {
    std::string joined;
    for (const Row& row : kTable) {
      if (!joined.empty()) joined += ", ";
      joined += row.name;
    }
    return joined;
  }();
  return names;
}

}  // namespace ssmi::io
