#include <c10/util/Exception.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>

#include "commands.h"
#include "ssmi/core/error.h"
#include "ssmi/core/memory.h"

namespace {

using ssmi::ExitCode;

int report(ExitCode code, const char* message) {
  std::fprintf(stderr, "ssmi: %s\n", message);
  return static_cast<int>(code);
}

int report_bug(const char* message) {
  std::fprintf(stderr,
               "ssmi: %s\nssmi: this is a bug; please report it with the command line and the "
               "message above\n",
               message);
  return static_cast<int>(ExitCode::kBug);
}

/// LibTorch has no exception type of its own for memory it could not get.
bool is_out_of_memory(const c10::Error& error) {
  return std::string_view(error.what_without_backtrace()).find("llocat") != std::string_view::npos;
}

int run(int argc, char** argv) {
  CLI::App app{"ssmi: what code models know, layer by layer", "ssmi"};
  app.set_version_flag("--version", SSMI_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 a check failed, 2 usage, 3 bad input or checkpoint, 4 model and "
      "request do not fit,\n5 out of memory, 6 disk, 70 a bug, 130 interrupted, 143 "
      "terminated.");
  ssmi::cli::add_probe(app);
  ssmi::cli::add_spectrum(app);
  ssmi::cli::add_inspect(app);
  ssmi::cli::add_embed(app);
  ssmi::cli::add_eval(app);
  ssmi::cli::add_init(app);
  ssmi::cli::add_convert(app);
  ssmi::cli::add_parse(app);
  ssmi::cli::add_tokens(app);
  ssmi::cli::add_train(app);
  ssmi::cli::add_finetune(app);
  ssmi::cli::add_cache(app);
  ssmi::cli::add_doctor(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const auto is_named = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(is_named).empty()) {
      ssmi::fail(ExitCode::kUsage, "'{}' is not a sub-command; see ssmi --help", argv[1]);
    }
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  std::cout.flush();
  if (!std::cout) ssmi::fail(ExitCode::kDisk, "standard output: cannot write (is the disk full?)");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Where MKL chooses its kernels by how operands happen to lie in memory, equal runs differ.
  setenv("MKL_CBWR", "AUTO,STRICT", 0);
  ssmi::keep_freed_memory();
  try {
    return run(argc, argv);
  } catch (const ssmi::Error& error) {
    return error.code() == ExitCode::kBug ? report_bug(error.what())
                                          : report(error.code(), error.what());
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) return report(ExitCode::kOutOfMemory, "out of memory");
    return report_bug(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return report_bug(error.what());
  }
}
