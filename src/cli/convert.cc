#include <fmt/format.h>

#include <iostream>

#include "commands.h"
#include "dtype.h"
#include "progress.h"
#include "ssmi/core/file.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string checkpoint, out, dtype = "float32";
};

/// The checkpoint's config, with the precision that its weights get where it names one.
Json config_of(const io::Checkpoint& checkpoint, const std::string& dtype) {
  Json config = checkpoint.config;
  for (const char* key : {"torch_dtype", "dtype"}) {
    if (config.contains(key)) config[key] = dtype;
  }
  return config;
}

void run(const Options& options) {
  StderrProgress progress(false);
  const auto checkpoint = io::open_checkpoint(resolve_model(options.checkpoint));
  auto [model, notes] = model::load_model(checkpoint);
  note_all(notes, progress);
  text::TextFiles tokenizer;
  if (checkpoint.tokenizer_path == checkpoint.folder) {
    tokenizer = text::read_tokenizer_files(checkpoint.folder);
  } else {
    progress.note("the tokenizer stays in the GGUF file: put its tokenizer.json into the folder");
  }
  model::save_model(*model, config_of(checkpoint, options.dtype), options.out,
                    dtype_named(options.dtype), [&](const fs::path& folder) {
                      for (const auto& [name, text] : tokenizer)
                        write_file(folder / name, text);
                    });
  const auto size = fs::file_size(fs::path(options.out) / "model.safetensors");
  std::cout << fmt::format("{}: {} with {} parameters, {:.1f} MB in {}\n", options.out,
                           model->info().architecture, model::parameter_count(*model),
                           static_cast<double>(size) / 1e6, options.dtype);
}

}  // namespace

void add_convert(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "convert", "Write a checkpoint as safetensors, in the precision that you name");
  add_checkpoint(*command, options->checkpoint)->required();
  command->add_option("--out", options->out, "Folder to write; must not exist")
      ->required()
      ->type_name("DIR");
  add_dtype(*command, options->dtype);
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
