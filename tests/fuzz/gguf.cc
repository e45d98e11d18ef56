#include "fuzz/input.h"
#include "io/gguf_checkpoint.h"
#include "ssmi/text/tokenizer.h"

/// Whole files: the model's tensors and configuration, and the tokenizer beside them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ssmi::fuzz::InputFile file({data, size});
  ssmi::fuzz::taken_or_refused(
      [&] { ssmi::fuzz::touch(ssmi::io::open_gguf_checkpoint(file.path()).tensors); });
  return ssmi::fuzz::taken_or_refused([&] {
    ssmi::text::load_gguf_tokenizer(file.path())->encode("def f(x):\n  return x + 12 \xC3\xA9");
  });
}
