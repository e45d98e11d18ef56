#include "io/damage.h"

#include <functional>
#include <numeric>

#include "io/allocation.h"
#include "io/raw_torch.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/io/weights.h"
#include "support.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;
using test::AllocationWatch;
using test::TemporaryFolder;

/// A valid checkpoint of one or two weight files.
void make_checkpoint(const fs::path& folder, bool sharded) {
  fs::create_directories(folder);
  write_file(folder / "config.json",
             R"({"model_type":"bimamba","hidden_size":8,"id2label":{"0":"a"},)"
             R"("conv_padding":[1,2],"epsilon":1e-6,"use_bias":true})");
  const std::string data(2048, 'd');
  const auto bytes = std::as_bytes(std::span(data));
  std::vector<TensorBytes> tensors;
  for (int i = 0; i < 4; ++i) {
    const std::string prefix = "backbone.layers." + std::to_string(i);
    tensors.push_back({prefix + ".mixer.weight", Dtype::kF32, {8, 8}, bytes.first(256)});
    tensors.push_back({prefix + ".norm.bias", Dtype::kF16, {8}, bytes.first(16)});
  }
  if (!sharded) {
    write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
    return;
  }
  write_safetensors(folder / "model-1.safetensors", std::span(tensors).first(4));
  write_safetensors(folder / "model-2.safetensors", std::span(tensors).last(4));
  Json index;
  for (size_t i = 0; i < tensors.size(); ++i) {
    index["weight_map"][tensors[i].name] = i < 4 ? "model-1.safetensors" : "model-2.safetensors";
  }
  write_file(folder / "model.safetensors.index.json", index.dump(1));
}

size_t size_of(const fs::path& folder) {
  size_t size = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    size += entry.file_size();
  return size;
}

/// Reads every byte of every tensor, so that a view outside its mapping is found.
void touch(const Checkpoint& checkpoint) {
  size_t touched = 0;
  for (const auto& [name, view] : checkpoint.tensors) {
    const auto elements =
        std::accumulate(view.shape.begin(), view.shape.end(), int64_t{1}, std::multiplies<>());
    CHECK(view.data.size() == static_cast<size_t>(elements * dtype_size(view.dtype)));
    for (const std::byte byte : view.data)
      touched += static_cast<size_t>(byte);
  }
  CHECK(touched < SIZE_MAX);
  CHECK(checkpoint_sha256(checkpoint).size() == 64);
}

TEST_CASE("damage: the allocation watch sees") {
  const AllocationWatch watch;
  const std::string large(1 << 20, 'x');
  if (AllocationWatch::kSees) CHECK(watch.largest() == large.size() + 1);
}

TEST_CASE("damage: 400 damaged checkpoints open or are refused, without a large allocation") {
  constexpr size_t kOverhead = 40'000;  // of opendir(), realpath() and messages
  test::Damage damage(1, "checkpoints");
  const TemporaryFolder whole;
  make_checkpoint(whole / "0", false);
  make_checkpoint(whole / "1", true);
  int opened = 0, refused = 0;
  for (int i = 0; i < 400; ++i) {
    const TemporaryFolder folder;
    fs::copy(whole / std::to_string(i % 2), folder.path());
    const std::string what = damage.folder(folder.path());
    CAPTURE(i);
    CAPTURE(what);
    const size_t size = size_of(folder.path());
    const AllocationWatch watch;
    try {
      const Checkpoint checkpoint = open_checkpoint(folder.path());
      CHECK(watch.largest() <= size + kOverhead);
      touch(checkpoint);
      ++opened;
    } catch (const Error& error) {
      CHECK(watch.largest() <= size + kOverhead);
      CHECK_MESSAGE(error.code() == ExitCode::kBadInput, error.what());
      CHECK(std::string(error.what()).size() > folder.path().string().size());
      ++refused;
    }
  }
  CHECK(opened >= 40);
  CHECK(refused >= 200);
}

/// Opens these bytes; whether they were read. What is refused is refused as bad input, and no
/// single allocation is more than `times` the file.
bool opens_damaged(const fs::path& path, const std::string& bytes, size_t times) {
  constexpr size_t kOverhead = 8192;  // of messages
  std::ofstream(path, std::ios::binary) << bytes;
  const AllocationWatch watch;
  try {
    const WeightFile file = open_weights(path);
    CHECK(watch.largest() <= times * bytes.size() + kOverhead);
    size_t touched = 0;
    for (const auto& [name, view] : file.tensors) {
      for (const std::byte byte : view.data)
        touched += static_cast<size_t>(byte);
    }
    CHECK(touched < SIZE_MAX);
    return true;
  } catch (const Error& error) {
    CHECK(watch.largest() <= times * bytes.size() + kOverhead);
    CHECK_MESSAGE(error.code() == ExitCode::kBadInput, error.what());
    return false;
  }
}

TEST_CASE("damage: every byte of a PyTorch file, changed or missing") {
  using namespace test::pickle;
  const Bytes matrix = tensor(storage("FloatStorage", "1", 6), 0, {3, 2}, {1, 3});
  const Bytes value = dict({{text("a"), vector("0", 2)}, {text("b"), matrix}});
  const std::string data = "12345678", more(24, 'm');
  const std::vector<std::string> files{
      test::torch_zip(value, {{"0", data}, {"1", more}}),
      test::torch_legacy({value, {"0", "1"}, raw(int64_t{2}) + data + raw(int64_t{6}) + more})};
  const TemporaryFolder folder;
  for (const std::string& whole : files) {
    CHECK(opens_damaged(folder / "m", whole, 4));
    size_t opened = 0, tried = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      CAPTURE(at);
      CHECK_FALSE(opens_damaged(folder / "m", whole.substr(0, at), 4));
      for (const char mask : {'\x01', '\x80', '\xff'}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ mask);
        opened += opens_damaged(folder / "m", changed, 4) ? 1 : 0;
        ++tried;
      }
    }
    CHECK(opened >= 3 * (data.size() + more.size()));  // the values themselves are anyone's
    CHECK(opened < tried / 3);
  }
}

}  // namespace
}  // namespace ssmi::io
