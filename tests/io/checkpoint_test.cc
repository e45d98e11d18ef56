#include "ssmi/io/checkpoint.h"

#include <cstring>

#include "io/raw_safetensors.h"
#include "ssmi/core/hash.h"
#include "support.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;
using test::check_fails;
using test::header_entry;
using test::raw_safetensors;
using test::TemporaryFolder;

/// A safetensors file with one byte tensor a name.
std::string weights(const std::vector<std::string>& names) {
  std::string header = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    const auto offsets = "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]";
    header += (i > 0 ? "," : "") + header_entry(names[i], "U8", "[1]", offsets);
  }
  return raw_safetensors(header + "}", std::string(names.size(), 'x'));
}

/// Two shards: x has a and c, y has b.
void make_sharded(const fs::path& folder) {
  fs::create_directories(folder);
  write_file(folder / "config.json", "{}");
  write_file(folder / "x", weights({"a", "c"}));
  write_file(folder / "y", weights({"b"}));
  write_file(folder / "model.safetensors.index.json",
             R"({"metadata":{"total_size":3},"weight_map":{"a":"x","b":"y","c":"x"}})");
}

void refuses(const fs::path& folder, const std::string& message) {
  check_fails(ExitCode::kBadInput, message, [&] { open_checkpoint(folder); });
}

/// A sharded checkpoint whose index is this text is refused.
void refuses_index(const std::string& index, const std::string& message) {
  const TemporaryFolder folder;
  make_sharded(folder.path());
  write_file(folder / "model.safetensors.index.json", index);
  refuses(folder.path(), message);
  refuses(folder.path(), "model.safetensors.index.json");
}

TEST_CASE("checkpoint: one weight file") {
  const TemporaryFolder folder;
  write_file(folder / "config.json", R"({"model_type":"bimamba"})");
  write_file(folder / "model.safetensors", weights({"a", "b"}));
  const Checkpoint checkpoint = open_checkpoint(folder.path());
  CHECK(checkpoint.config.at("model_type") == "bimamba");
  CHECK(checkpoint.tensors.size() == 2);
  CHECK(checkpoint.files == std::vector<std::string>{"config.json", "model.safetensors"});
  CHECK(checkpoint_sha256(checkpoint) ==
        sha256(R"({"model_type":"bimamba"})" + weights({"a", "b"})));
}

TEST_CASE("checkpoint: shards of an index") {
  const TemporaryFolder folder;
  make_sharded(folder.path());
  const Checkpoint checkpoint = open_checkpoint(folder.path());
  CHECK(checkpoint.tensors.size() == 3);
  CHECK(checkpoint.files == std::vector<std::string>{"config.json", "x", "y"});
  CHECK(checkpoint_sha256(checkpoint) == sha256("{}" + weights({"a", "c"}) + weights({"b"})));
  // The single file wins, as in the transformers library.
  write_file(folder / "model.safetensors", weights({"d"}));
  CHECK(open_checkpoint(folder.path()).tensors.count("d") == 1);
}

TEST_CASE("checkpoint: what is missing is said") {
  const TemporaryFolder folder;
  check_fails(ExitCode::kDisk, "gone: is not there; a checkpoint is a folder",
              [&] { open_checkpoint(folder / "gone"); });
  refuses(folder.path(), "no weights: expected model.safetensors");
  write_file(folder / "model.safetensors", weights({"a"}));
  refuses(folder.path(), "no config.json: the architecture is not known");
  refuses(folder / "model.safetensors", "no config.json: the architecture is not known");
  const Checkpoint checkpoint = open_tensors(folder.path());
  CHECK(checkpoint.config.is_null());
  CHECK(checkpoint.tensors.size() == 1);
  CHECK(checkpoint.files == std::vector<std::string>{"model.safetensors"});
  CHECK(checkpoint_sha256(checkpoint) == sha256(weights({"a"})));
}

TEST_CASE("checkpoint: weights are found by a fixed order of names") {
  const TemporaryFolder folder;
  const auto takes = [&](const std::string& tensor) {
    const auto tensors = open_tensors(folder.path()).tensors;
    CHECK(tensors.size() == 1);
    CHECK(tensors.contains(tensor));
  };
  write_file(folder / "epoch3.ckpt", weights({"only"}));
  write_file(folder / "notes.txt", "");
  takes("only");
  write_file(folder / "epoch4.pt", weights({"other"}));
  refuses(folder.path(),
          "several weight files, and none has the usual name: 'epoch3.ckpt', "
          "'epoch4.pt'; name the one that is meant");
  CHECK(open_tensors(folder / "epoch4.pt").tensors.contains("other"));
  write_file(folder / "pytorch_model.bin.index.json", R"({"weight_map":{"only":"epoch3.ckpt"}})");
  takes("only");
  write_file(folder / "pytorch_model.bin", weights({"bin"}));
  takes("bin");
  write_file(folder / "model.safetensors.index.json", R"({"weight_map":{"other":"epoch4.pt"}})");
  takes("other");
  write_file(folder / "model.safetensors", weights({"single"}));
  takes("single");
}

TEST_CASE("checkpoint: a weight file with the config beside it") {
  const TemporaryFolder folder;
  write_file(folder / "config.json", R"({"model_type":"bimamba"})");
  write_file(folder / "best.pt", weights({"a"}));
  write_file(folder / "last.pt", weights({"b"}));
  const Checkpoint checkpoint = open_checkpoint(folder / "last.pt");
  CHECK(checkpoint.config.at("model_type") == "bimamba");
  CHECK(checkpoint.folder == folder.path());
  CHECK(checkpoint.tensors.contains("b"));
  CHECK(checkpoint.files == std::vector<std::string>{"config.json", "last.pt"});
}

TEST_CASE("checkpoint: the configuration is a JSON object of bounded size") {
  const TemporaryFolder folder;
  write_file(folder / "model.safetensors", weights({"a"}));
  const auto refuses_config = [&](const std::string& config, const std::string& message) {
    write_file(folder / "config.json", config);
    refuses(folder.path(), message);
    refuses(folder.path(), "config.json: ");
  };
  refuses_config("", "not valid JSON");
  refuses_config("[]", "expected a JSON object, found array");
  refuses_config(R"({"a":1,"a":2})", "key 'a' is given twice");
  refuses_config(std::string(100, '['), "nested deeper than 32 levels");
  refuses_config("{}" + std::string(4 << 20, ' '), "has 4194306 bytes, expected at most 4194304");
}

TEST_CASE("checkpoint: the index maps tensors to files of the folder") {
  refuses_index("", "not valid JSON");
  refuses_index("[]", "expected a JSON object");
  refuses_index("{}", "key 'weight_map' is missing");
  refuses_index(R"({"weight_map":[]})", "'weight_map' should be an object");
  refuses_index(R"({"weight_map":{}})", "'weight_map' should be an object");
  refuses_index(R"({"weight_map":{"a":1}})", "the file of tensor 'a' should be a string");
  refuses_index(R"({"weight_map":{"a":"x","a":"x"}})", "key 'a' is given twice");
  refuses_index(R"({"weight_map":{"a":"gone"}})", "shard 'gone' is not in the folder");
  refuses_index(std::string((16 << 20) + 1, ' '), "expected at most 16777216");
  for (const char* name :
       {"", ".", "..", "../x", "/etc/passwd", "sub/x", "x/", "..\\\\x", "x\\u0000"}) {
    refuses_index(R"({"weight_map":{"a":")" + std::string(name) + R"("}})",
                  "is not the name of a file in the folder");
  }
}

TEST_CASE("checkpoint: a shard holds what the index says") {
  const TemporaryFolder folder;
  make_sharded(folder.path());
  write_file(folder / "y", weights({"b", "a"}));
  refuses(folder.path(), "y: tensor 'a' is unexpected");
  write_file(folder / "y", weights({"B"}));
  refuses(folder.path(), "y: tensor 'b' is missing");
  write_file(folder / "y", "no weights");
  refuses(folder.path(), "y: is no weight file");
}

TEST_CASE("checkpoint: symbolic links lead nowhere but to the folder and a cache's blobs") {
  const TemporaryFolder home;
  const fs::path revision = home / "models--x/snapshots/abc";
  make_sharded(revision);
  fs::create_directories(home / "models--x/blobs");
  const auto move_and_link = [&](const fs::path& target) {
    fs::rename(revision / "y", target);
    fs::create_symlink(target, revision / "y");
  };
  move_and_link(home / "models--x/blobs/0123");
  CHECK(open_checkpoint(revision).tensors.size() == 3);
  fs::remove(revision / "y");
  fs::create_symlink("x", revision / "y");
  refuses(revision, "y: tensor 'b' is missing");  // followed: it is in the folder
  fs::remove(revision / "y");
  fs::create_symlink(home / "models--x/blobs/none", revision / "y");
  refuses(revision, "shard 'y' is not in the folder");
  fs::remove(revision / "y");
  write_file(revision / "y", weights({"b"}));
  move_and_link(home / "outside");
  refuses(revision, "shard 'y' is a symbolic link out of the folder");
}

// Expected: what Python's safetensors 0.8.0 and `cat config.json model.safetensors | sha256sum`
// say.
TEST_CASE("checkpoint: the shipped model opens") {
  const Checkpoint checkpoint = open_checkpoint(test::share() / "models/bimamba-typeseg");
  CHECK(checkpoint.config.at("hidden_size") == 256);
  CHECK(checkpoint.tensors.size() == 89);
  size_t bytes = 0;
  for (const auto& [name, view] : checkpoint.tensors)
    bytes += view.data.size();
  CHECK(bytes == 1364035 * sizeof(float));
  const TensorView& view = checkpoint.tensors.at("backbone.layers.5.mixer.A_log");
  CHECK(view.dtype == Dtype::kF32);
  CHECK(view.shape == std::vector<int64_t>{256, 16});
  CHECK(std::memcmp(view.data.data(), "\x49\xd8\x4a\xbd\xac\x57\x0b\xbb", 8) == 0);
  CHECK(checkpoint_sha256(checkpoint) ==
        "486bc7419e5ce3834be0a000f25690101768edd99045c27ed5d32735ab7af9d4");
}

}  // namespace
}  // namespace ssmi::io
