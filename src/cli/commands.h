#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "ssmi/code/functions.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/checkpoint.h"

// One function a sub-command, each in the file of that name: adds its options and the callback
// that does the work. What goes wrong is thrown; main() turns it into an exit code.
namespace ssmi::cli {

void add_cache(CLI::App& app);
void add_convert(CLI::App& app);
void add_doctor(CLI::App& app);
void add_embed(CLI::App& app);
void add_eval(CLI::App& app);
void add_finetune(CLI::App& app);
void add_init(CLI::App& app);
void add_inspect(CLI::App& app);
void add_parse(CLI::App& app);
void add_probe(CLI::App& app);
void add_spectrum(CLI::App& app);
void add_tokens(CLI::App& app);
void add_train(CLI::App& app);

/// What commands open that are given no checkpoint.
inline constexpr const char* kBundledModel = "codessm-mini";

/// Adds the positional argument that names a checkpoint. What `name` holds is its default.
CLI::Option* add_checkpoint(CLI::App& command, std::string& name);

/// Adds --threads; 0 for what LibTorch takes by itself.
void add_threads(CLI::App& command, int& threads);

/// A checkpoint folder or weight file by path, else a folder by name in those of SSMI_MODELS
/// (separated by ':'), else in the installed share/models. Throws Error{kDisk} saying where it
/// looked.
std::filesystem::path resolve_model(const std::string& name);

/// Says what loading a checkpoint found worth knowing.
void note_all(const std::vector<std::string>& notes, Progress& progress);

/// Says how many files and functions were left out on reading, if any.
void note_left_out(const code::FunctionSet& set, Progress& progress);

/// The installed share/ folder: beside the binary, or the source tree's for a build folder. Throws
/// Error{kDisk} when there is none.
std::filesystem::path share_folder();

}  // namespace ssmi::cli
