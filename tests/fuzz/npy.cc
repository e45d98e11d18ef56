#include "ssmi/io/npy.h"

#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ssmi::fuzz::InputFile file({data, size});
  return ssmi::fuzz::taken_or_refused(
      [&] { ssmi::fuzz::touch({{"array", ssmi::io::open_npy(file.path())}}); });
}
