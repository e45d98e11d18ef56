#include "ssmi/io/npy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"

namespace ssmi::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kVersion = kMagic.size(), kLength = kVersion + 2;
constexpr size_t kMaxHeader = 1 << 16, kMaxDimensions = 64;

struct Header {
  std::string_view text;  ///< a Python dictionary
  size_t data;            ///< where the data begin
};

Header header_of(std::string_view bytes, const std::string& where) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kLength + 2) {
    bad_input("{}: is no .npy file: does not begin with \\x93NUMPY and a version", where);
  }
  const int major = static_cast<unsigned char>(bytes[kVersion]);
  if (major < 1 || major > 3) {
    bad_input("{}: has format version {}, expected 1, 2 or 3", where, major);
  }
  const size_t width = major == 1 ? 2 : 4;
  uint32_t length = 0;
  if (bytes.size() >= kLength + width) std::memcpy(&length, bytes.data() + kLength, width);
  const size_t begin = kLength + width;
  if (length > kMaxHeader || begin + length > bytes.size()) {
    bad_input("{}: announces a header of {} bytes, the file has {}", where, length, bytes.size());
  }
  return {bytes.substr(begin, length), begin + length};
}

/// Reads the dictionary that NumPy writes: three keys, with a string, a truth value and a tuple.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  void read() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        descr_ = quoted();
      } else if (key == "fortran_order") {
        fortran_order_ = truth();
      } else if (key == "shape") {
        shape_ = tuple();
      } else {
        broken("an unknown key");
      }
      if (!accept(',') && !next_is('}')) broken("no comma behind a value");
    }
    skip_space();
    if (!rest_.empty()) broken("something behind the dictionary");
    if (!descr_ || !fortran_order_ || !shape_) broken("not all of descr, fortran_order and shape");
  }

  std::string_view descr() const { return *descr_; }
  bool fortran_order() const { return *fortran_order_; }
  const std::vector<int64_t>& shape() const { return *shape_; }

 private:
  [[noreturn]] void broken(std::string_view what) const {
    bad_input("{}: the header of the .npy file has {}, at '{}'", where_, what, excerpt(rest_));
  }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  bool next_is(char c) {
    skip_space();
    return rest_.starts_with(c);
  }
  bool accept(char c) {
    if (!next_is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) broken(std::string("no '") + c + "' where one is due");
  }
  std::string_view quoted() {
    expect('\'');
    const size_t end = rest_.find('\'');
    if (end == std::string_view::npos) broken("a string without an end");
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return found;
  }
  bool truth() {
    skip_space();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(std::strlen(word));
      return value;
    }
    broken("neither True nor False for fortran_order");
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> values;
    expect('(');
    while (!accept(')')) {
      if (values.size() == kMaxDimensions) broken("too many dimensions");
      skip_space();
      const auto [end, error] =
          std::from_chars(rest_.data(), rest_.data() + rest_.size(), values.emplace_back());
      if (error != std::errc() || values.back() < 0) broken("no length of a dimension");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      if (!accept(',') && !next_is(')')) broken("no comma in the shape");
    }
    return values;
  }

  std::string_view rest_;
  const std::string& where_;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<int64_t>> shape_;
};

Dtype dtype_of(std::string_view descr, const std::string& where) {
  constexpr std::array<std::pair<std::string_view, Dtype>, 13> kTypes{{{"|b1", Dtype::kBool},
                                                                       {"|u1", Dtype::kU8},
                                                                       {"|i1", Dtype::kI8},
                                                                       {"<u2", Dtype::kU16},
                                                                       {"<i2", Dtype::kI16},
                                                                       {"<f2", Dtype::kF16},
                                                                       {"<u4", Dtype::kU32},
                                                                       {"<i4", Dtype::kI32},
                                                                       {"<f4", Dtype::kF32},
                                                                       {"<u8", Dtype::kU64},
                                                                       {"<i8", Dtype::kI64},
                                                                       {"<f8", Dtype::kF64},
                                                                       {"<c8", Dtype::kC64}}};
  const auto* found = std::ranges::find(kTypes, descr, &decltype(kTypes)::value_type::first);
  if (found == kTypes.end()) {
    bad_input(
        "{}: holds elements of type '{}'; read are numbers and truth values, little endian: "
        "convert with numpy's astype()",
        where, excerpt(descr));
  }
  return found->second;
}

}  // namespace

TensorView open_npy(const std::filesystem::path& path) {
  const std::string where = path.string();
  const auto file = MappedFile::open(path);
  const std::span<const std::byte> bytes = file->bytes();
  const Header header =
      header_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where);
  HeaderReader reader(header.text, where);
  reader.read();
  TensorView view{dtype_of(reader.descr(), where), reader.shape(), bytes.subspan(header.data),
                  file};
  if (reader.fortran_order() && view.shape.size() > 1) {
    bad_input("{}: is in Fortran order; write it with numpy.ascontiguousarray()", where);
  }
  const auto elements = checked_numel(view.shape);
  const auto wanted = elements ? checked_mul(*elements, dtype_size(view.dtype)) : std::nullopt;
  if (wanted != static_cast<int64_t>(view.data.size())) {
    bad_input("{}: has {} bytes of data, expected those of the shape [{}] of {}", where,
              view.data.size(), fmt::join(view.shape, ", "), dtype_name(view.dtype));
  }
  return view;
}

}  // namespace ssmi::io
