#include <cstring>
#include <ctime>
#include <iostream>
#include <vector>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/text/tokenizer.h"

namespace {

using namespace ssmi;

constexpr uint64_t kMaxFile = uint64_t{4} << 30;

std::vector<std::string> read_texts(const std::string& path) {
  const std::string file = read_file(path, kMaxFile);
  std::vector<std::string> texts;
  for (size_t at = 0; at + sizeof(uint32_t) <= file.size();) {
    uint32_t size;
    std::memcpy(&size, file.data() + at, sizeof size);
    texts.push_back(file.substr(at + sizeof size, size));
    at += sizeof size + size;
  }
  return texts;
}

/// CPU time of this thread, which other processes do not lengthen.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

template <typename T>
void append(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void run(const std::string& folder, const std::string& texts_path, const std::string& out_path,
         bool markers) {
  const double begin = cpu_seconds();
  const auto gguf = io::find_gguf(folder);
  const auto tokenizer =
      gguf ? text::load_gguf_tokenizer(*gguf)
           : text::load_tokenizer(folder, io::read_config(folder + "/config.json"));
  const double load = cpu_seconds() - begin;
  const auto texts = read_texts(texts_path);
  std::string out;
  size_t bytes = 0, tokens = 0;
  double spent = 0;
  for (const std::string& text : texts) {
    const double start = cpu_seconds();
    const auto encoding =
        tokenizer->encode(text, markers ? text::Markers::kAdd : text::Markers::kNone);
    spent += cpu_seconds() - start;
    bytes += text.size();
    tokens += encoding.ids.size();
    append(static_cast<int64_t>(encoding.ids.size()), out);
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      append(encoding.ids[i], out);
      append(encoding.spans[i].begin, out);
      append(encoding.spans[i].end, out);
    }
  }
  if (out_path != "-") write_file(out_path, out);
  std::cout << fmt::format("{} texts, {} bytes, {} tokens, {:.1f} MB/s, loaded in {:.3f} s\n",
                           texts.size(), bytes, tokens, static_cast<double>(bytes) / 1e6 / spent,
                           load);
}

}  // namespace

/// tokenize FOLDER TEXTS OUT [--no-markers]: tokens of texts, each a 32-bit length and its bytes,
/// as 64-bit integers: how many, then id, begin and end of each. OUT - only says how fast it was.
int main(int argc, char** argv) {
  if (argc < 4) return 2;
  try {
    run(argv[1], argv[2], argv[3], argc < 5);
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
  return 0;
}
