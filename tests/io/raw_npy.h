#pragma once

#include <cstdint>
#include <string>

namespace ssmi::test {

/// A file as NumPy writes it: the header is filled with spaces to a multiple of 64 bytes.
inline std::string raw_npy(std::string header, const std::string& data, int major = 1) {
  const size_t before = major == 1 ? 10 : 12;
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  const auto length = static_cast<uint32_t>(header.size());
  bytes.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  return bytes + header + data;
}

/// The dictionary of a header.
inline std::string npy_header(const std::string& descr, const std::string& shape,
                              const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

}  // namespace ssmi::test
