#include "ssmi/io/weights.h"

#include "io/raw_safetensors.h"
#include "io/raw_torch.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::packed;
using test::TemporaryFolder;

WeightFile open_named(const std::string& name, const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / name, bytes);
  return open_weights(folder / name);
}

void refuses(const std::string& message, const std::string& name, const std::string& bytes) {
  test::check_fails(ExitCode::kBadInput, message, [&] { open_named(name, bytes); });
}

TEST_CASE("weights: the format is told by content, not by name") {
  using namespace test::pickle;
  const std::string safetensors =
      test::raw_safetensors("{" + test::header_entry("a", "U8", "[1]", "[0,1]") + "}", "x");
  const std::string zip = test::torch_zip(dict({{text("a"), vector("0", 1)}}), {{"0", "1234"}});
  const std::string legacy =
      test::torch_legacy({dict({{text("a"), vector("0", 1)}}), {"0"}, raw(int64_t{1}) + "1234"});
  for (const char* name : {"m.safetensors", "m.bin", "m.pt", "m"}) {
    CHECK(open_named(name, safetensors).tensors.at("a").dtype == Dtype::kU8);
    CHECK(open_named(name, zip).tensors.at("a").dtype == Dtype::kF32);
    CHECK(open_named(name, legacy).tensors.at("a").dtype == Dtype::kF32);
  }
}

TEST_CASE("weights: what is something else is named") {
  constexpr auto kExpected = "expected safetensors, or a state dict saved by torch.save";
  refuses(kExpected, "m.bin", "");
  refuses("m.bin: is no weight file, expected", "m.bin", "whatever this is");
  refuses("is a GGUF file, expected", "m.bin", "GGUF\x03");
  refuses("is an HDF5 file", "tf_model.h5", "\x89HDF\r\n\x1a\n");
  refuses("is a NumPy array", "m.bin", "\x93NUMPY");
  refuses("Git LFS pointer", "m.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
  refuses("is a pickle that torch.save did not write", "m.pkl", "\x80\x02}.");
  refuses("torch.load('m.pkl'", "m.pkl", "\x80\x04].");
  // A damaged file keeps the messages of the format that its name promises.
  refuses("a safetensors file has at least 8", "m.safetensors", "1234");
  refuses("the header does not begin with '{'", "m.safetensors", packed(uint64_t{2}) + "[]");
  std::string tar(1024, '\0');
  tar.replace(257, 5, "ustar");
  refuses("is a tar archive, as PyTorch before 0.4 wrote", "m.pth", tar);
}

// The first format of llama2.c: dim 8, hidden 16, 1 layer, 2 heads, 1 kv head, 10 tokens, length 4,
// so embedding 80, layer 2*8 + 2*64 + 2*8*4 + 3*128, norm 8, rotary tables 4*4 floats.
TEST_CASE("weights: a model of llama2.c is named") {
  constexpr size_t kFloats = 80 + 16 + 128 + 64 + 384 + 8 + 16;
  const auto model = [](int32_t vocabulary, size_t floats) {
    return packed(int32_t{8}, int32_t{16}, int32_t{1}, int32_t{2}, int32_t{1}, vocabulary,
                  int32_t{4}) +
           std::string(4 * floats, '\0');
  };
  refuses("is a llama2.c model, expected", "stories.bin", model(10, kFloats));
  refuses("is a llama2.c model, expected", "stories.bin", model(-10, kFloats + 80));
  refuses("is no weight file", "stories.bin", model(10, kFloats + 1));
  refuses("is no weight file", "stories.bin", model(INT32_MIN, kFloats));
}

}  // namespace
}  // namespace ssmi::io
