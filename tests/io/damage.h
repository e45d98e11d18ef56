#pragma once

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ssmi/core/file.h"
#include "ssmi/core/random.h"

namespace ssmi::test {

/// Random damage to bytes: what a bad disk, a cut download or a hostile editor would do.
class Damage {
 public:
  Damage(uint64_t seed, std::string_view stream) : random_(seed, stream) {}

  /// Damages one file of the folder, or removes it. Gives a description for messages.
  std::string folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const auto file = files[random_.below(files.size())];
    const std::string name = file.filename().string();
    if (random_.below(20) == 0) {
      std::filesystem::remove(file);
      return name + " removed";
    }
    std::string bytes = read_file(file, 1 << 30);
    const std::string what = this->bytes(bytes);
    std::ofstream(file, std::ios::binary) << bytes;  // unlike write_file(), without syncing
    return name + ": " + what;
  }

  /// Damages the bytes of a file in one of eight ways.
  std::string bytes(std::string& bytes) {
    if (bytes.empty()) return insert(bytes);
    switch (random_.below(8)) {
      case 0:
        return flip(bytes);
      case 1:
        return truncate(bytes);
      case 2:
        return edit_length(bytes);
      case 3:
        return edit_number(bytes);
      case 4:
        return edit_structure(bytes);
      case 5:
        return erase(bytes);
      case 6:
        return duplicate(bytes);
      default:
        return insert(bytes);
    }
  }

 private:
  /// A position, every other time near the beginning, where headers are.
  size_t position(const std::string& bytes) {
    const size_t end = random_.below(2) == 0 ? std::min<size_t>(bytes.size(), 600) : bytes.size();
    return random_.below(end);
  }
  size_t length(const std::string& bytes, size_t from) {
    return 1 + random_.below(std::min<size_t>(bytes.size() - from, 40));
  }

  std::string flip(std::string& bytes) {
    const size_t count = 1 + random_.below(8);
    for (size_t i = 0; i < count; ++i) {
      bytes[position(bytes)] ^= static_cast<char>(1 << random_.below(8));
    }
    return "flipped " + std::to_string(count) + " bits";
  }
  std::string truncate(std::string& bytes) {
    bytes.resize(position(bytes));
    return "cut to " + std::to_string(bytes.size()) + " bytes";
  }
  /// The first eight bytes, the header length of a safetensors file: near the old value, near the
  /// size of the file, or anything.
  std::string edit_length(std::string& bytes) {
    uint64_t value = random_.next() >> random_.below(64);
    if (random_.below(3) == 0) value = bytes.size() + random_.below(32) - 16;
    bytes.resize(std::max(bytes.size(), sizeof value));
    if (random_.below(3) == 0) {
      std::memcpy(&value, bytes.data(), sizeof value);
      value += random_.below(32) - 16;
    }
    std::memcpy(bytes.data(), &value, sizeof value);
    return "length " + std::to_string(value);
  }
  /// Replaces a run of digits by another number.
  std::string edit_number(std::string& bytes) {
    const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    const auto from = static_cast<std::ptrdiff_t>(position(bytes));
    const auto begin = std::find_if(bytes.begin() + from, bytes.end(), is_digit);
    const auto end = std::find_if_not(begin, bytes.end(), is_digit);
    static const std::vector<std::string> numbers{"0",
                                                  "1",
                                                  "-1",
                                                  "3",
                                                  "1.5",
                                                  "1e9",
                                                  "4294967296",
                                                  "9223372036854775807",
                                                  "18446744073709551615",
                                                  "99999999999999999999999"};
    const std::string& number = numbers[random_.below(numbers.size())];
    bytes.replace(begin, end, number);
    return "number " + number;
  }
  /// Replaces a byte by one that means something in JSON.
  std::string edit_structure(std::string& bytes) {
    constexpr std::string_view kCharacters = "{}[]\":,\\-0.en \x01";
    const char character = kCharacters[random_.below(kCharacters.size())];
    const size_t at = position(bytes);
    bytes[at] = character;
    return "byte " + std::to_string(at) + " is " + character;
  }
  std::string erase(std::string& bytes) {
    const size_t from = position(bytes);
    bytes.erase(from, length(bytes, from));
    return "erased at " + std::to_string(from);
  }
  std::string duplicate(std::string& bytes) {
    const size_t from = position(bytes);
    bytes.insert(from, bytes.substr(from, length(bytes, from)));
    return "duplicated at " + std::to_string(from);
  }
  std::string insert(std::string& bytes) {
    const size_t from = bytes.empty() ? 0 : position(bytes);
    std::string added(1 + random_.below(40), '\0');
    for (char& byte : added)
      byte = static_cast<char>(random_.below(256));
    bytes.insert(from, added);
    return "inserted at " + std::to_string(from);
  }

  Random random_;
};

}  // namespace ssmi::test
