#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "commands.h"
#include "source.h"
#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {
namespace {

constexpr uint64_t kMaxText = uint64_t{16} << 20;

struct Options {
  std::string model;
  std::string file = "-";
  bool json = false;
};

void print_json(const text::Tokenizer& tokenizer, const text::Encoding& encoding) {
  Json report{{"schema", "ssmi/tokens/1"},
              {"tokenizer_sha256", tokenizer.sha256()},
              {"ids", encoding.ids},
              {"spans", Json::array()},
              {"tokens", Json::array()}};
  for (const text::Span& span : encoding.spans) {
    report["spans"].push_back({span.begin, span.end});
  }
  for (const int64_t id : encoding.ids)
    report["tokens"].push_back(tokenizer.token(id));
  std::cout << to_text(report) << '\n';
}

void print_table(const text::Tokenizer& tokenizer, const text::Encoding& encoding) {
  std::cout << fmt::format("{:>7} {:>15} {:>7}  {}\n", "token", "bytes", "id", "text");
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const text::Span& span = encoding.spans[i];
    std::cout << fmt::format("{:>7} {:>15} {:>7}  {}\n", i,
                             fmt::format("{}..{}", span.begin, span.end), encoding.ids[i],
                             shown(tokenizer.token(encoding.ids[i])));
  }
}

/// Weights are not opened.
std::unique_ptr<text::Tokenizer> open_tokenizer(const std::filesystem::path& path) {
  if (const auto gguf = io::find_gguf(path)) return text::load_gguf_tokenizer(*gguf);
  return text::load_tokenizer(path, io::read_config(path / "config.json"));
}

void run(const Options& options) {
  const auto tokenizer = open_tokenizer(resolve_model(options.model));
  const auto encoding = tokenizer->encode(read_source(options.file, kMaxText));
  if (options.json) {
    print_json(*tokenizer, encoding);
  } else {
    print_table(*tokenizer, encoding);
  }
}

}  // namespace

void add_tokens(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokens", "Show how a checkpoint's tokenizer cuts a text");
  add_checkpoint(*command, options->model)->required();
  command->add_option("file", options->file, "Text; - or nothing reads standard input")
      ->type_name("FILE|-");
  command->add_flag("--json", options->json, "Print JSON instead of a table");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
