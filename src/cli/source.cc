#include "source.h"

#include <iostream>

#include "ssmi/code/language.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"

namespace ssmi::cli {

std::string read_source(const std::string& name, uint64_t max_bytes) {
  if (name != "-") return read_file(name, max_bytes);
  std::string text;
  char block[1 << 16];
  while (std::cin.read(block, sizeof(block)) || std::cin.gcount() > 0) {
    text.append(block, static_cast<size_t>(std::cin.gcount()));
    if (text.size() > max_bytes) {
      bad_input("standard input has more than {} bytes, the most that is taken", max_bytes);
    }
  }
  return text;
}

void add_language_option(CLI::App& command, std::string& language, const std::string& help) {
  const auto known = [](const std::string& name) -> std::string {
    try {
      code::Language::named(name);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  command.add_option("--language", language, help)->check(known)->type_name("NAME");
}

std::string shown(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 32 || byte == 127) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace ssmi::cli
