#include "ssmi/io/safetensors.h"

#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ssmi::fuzz::InputFile file({data, size});
  return ssmi::fuzz::taken_or_refused(
      [&] { ssmi::fuzz::touch(ssmi::io::open_safetensors(file.path()).tensors); });
}
