#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Pickles put together by hand, valid or not: each function gives the opcodes that leave one value
// on the stack. The opcodes are those of Python's pickletools.
namespace ssmi::test::pickle {

using Bytes = std::string;

template <typename Number>
Bytes raw(Number number) {
  Bytes bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

inline Bytes text(std::string_view value) {
  return "X" + raw(static_cast<uint32_t>(value.size())) + Bytes(value);
}
/// LONG1 of eight bytes, which any int64 fits.
inline Bytes integer(int64_t value) {
  return "\x8a\x08" + raw(value);
}
inline Bytes boolean(bool value) {
  return value ? "\x88" : "\x89";
}
inline Bytes none() {
  return "N";
}
inline Bytes global(std::string_view module, std::string_view name) {
  return "c" + Bytes(module) + "\n" + Bytes(name) + "\n";
}
inline Bytes tuple(const std::vector<Bytes>& items) {
  Bytes bytes = "(";
  for (const Bytes& item : items)
    bytes += item;
  return bytes + "t";
}
inline Bytes list(const std::vector<Bytes>& items) {
  Bytes bytes = "](";
  for (const Bytes& item : items)
    bytes += item;
  return bytes + "e";
}
inline Bytes dict(const std::vector<std::pair<Bytes, Bytes>>& items) {
  Bytes bytes = "}(";
  for (const auto& [key, value] : items)
    bytes += key + value;
  return bytes + "u";
}
inline Bytes call(const Bytes& callee, const std::vector<Bytes>& arguments) {
  return callee + tuple(arguments) + "R";
}
inline Bytes integers(const std::vector<int64_t>& values) {
  std::vector<Bytes> items;
  items.reserve(values.size());
  for (const int64_t value : values)
    items.push_back(integer(value));
  return tuple(items);
}
inline Bytes ordered_dict() {
  return call(global("collections", "OrderedDict"), {});
}
inline Bytes storage(std::string_view type, std::string_view key, int64_t numel) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(numel)}) +
         "Q";
}
inline Bytes tensor(const Bytes& storage, int64_t offset, const std::vector<int64_t>& shape,
                    const std::vector<int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), integers(shape), integers(strides), boolean(false),
               ordered_dict()});
}
/// A row-major float32 vector that fills its storage.
inline Bytes vector(std::string_view key, int64_t numel) {
  return tensor(storage("FloatStorage", key, numel), 0, {numel}, {1});
}
/// A whole pickle of protocol 2.
inline Bytes pickled(const Bytes& value) {
  return "\x80\x02" + value + ".";
}

}  // namespace ssmi::test::pickle
