#include "io/damage.h"

#include <functional>
#include <numeric>

#include "io/allocation.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"
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
  constexpr size_t kOverhead = 8192;  // of realpath() and messages
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

}  // namespace
}  // namespace ssmi::io
