#include "fuzz/input.h"
#include "ssmi/io/weights.h"

/// Whole files: zip archives, the old format, and what is neither.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ssmi::fuzz::InputFile file({data, size});
  return ssmi::fuzz::taken_or_refused(
      [&] { ssmi::fuzz::touch(ssmi::io::open_weights(file.path()).tensors); });
}
