#include "ssmi/io/activation_cache.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "damage.h"
#include "support.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using Values = std::vector<float>;

constexpr uint64_t kPlenty = 1 << 20;
constexpr size_t kValues = 1000;  ///< 4,000 bytes, and some 500 more an entry

class Notes : public NoProgress {
 public:
  void note(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

Json key_of(int64_t layer) {
  return {{"what", "test"}, {"layer", layer}};
}

Values values_of(int64_t layer) {
  return Values(kValues, static_cast<float>(layer));
}

void put(ActivationCache& cache, int64_t layer, Progress& progress) {
  const Values values = values_of(layer);
  const TensorBytes tensor{"x", Dtype::kF32, {10, kValues / 10}, std::as_bytes(std::span(values))};
  cache.put(key_of(layer), "model", {&tensor, 1}, progress);
}

/// What is kept for a layer; empty where nothing is.
Values got(const ActivationCache& cache, int64_t layer, Progress& progress) {
  const auto tensors = cache.find(key_of(layer), progress);
  if (!tensors) return {};
  const TensorView& view = tensors->at("x");
  CHECK(view.shape == std::vector<int64_t>{10, kValues / 10});
  Values values(view.data.size() / sizeof(float));
  std::memcpy(values.data(), view.data.data(), view.data.size());
  return values;
}

size_t folders(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST_CASE("activation cache: what was put is found by an equal key alone") {
  const TemporaryFolder folder;
  Notes notes;
  ActivationCache cache(folder / "new/cache", kPlenty, {{"threads", 2}});
  CHECK(got(cache, 1, notes).empty());
  CHECK(cache.entries().empty());
  put(cache, 1, notes);
  put(cache, 2, notes);
  CHECK(got(cache, 1, notes) == values_of(1));
  CHECK(got(cache, 2, notes) == values_of(2));
  CHECK(got(cache, 3, notes).empty());
  CHECK(got({folder / "new/cache", kPlenty, {{"threads", 2}}}, 1, notes) == values_of(1));
  CHECK(got({folder / "new/cache", kPlenty, {{"threads", 3}}}, 1, notes).empty());
  CHECK(notes.lines.empty());
  const auto entries = cache.entries();
  REQUIRE(entries.size() == 2);
  const Json manifest = ActivationCache::manifest(entries[1]);
  CHECK(manifest["checkpoint"] == "model");
  CHECK(manifest["key"]["layer"] == 1);  // used last
  CHECK(entries[1].bytes > kValues * sizeof(float));
}

TEST_CASE("activation cache: the least recently used entries go first") {
  const TemporaryFolder folder;
  Notes notes;
  ActivationCache cache(folder.path(), 15'000);
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  for (int64_t layer = 1; layer <= 3; ++layer) {
    put(cache, layer, notes);
    pause();
  }
  CHECK(cache.entries().size() == 3);
  CHECK(got(cache, 1, notes) == values_of(1));
  pause();
  put(cache, 4, notes);
  CHECK(got(cache, 2, notes).empty());
  for (const int64_t layer : {1, 3, 4})
    CHECK(got(cache, layer, notes) == values_of(layer));
  ActivationCache smaller(folder.path(), 3'999);
  put(smaller, 5, notes);
  CHECK(cache.entries().size() == 3);  // too large to be kept, and nothing goes for it
  CHECK(got(cache, 5, notes).empty());
  CHECK(notes.lines.empty());
}

TEST_CASE("activation cache: tensors outlive their entry") {
  const TemporaryFolder folder;
  NoProgress progress;
  ActivationCache cache(folder.path(), kPlenty);
  put(cache, 7, progress);
  const auto tensors = cache.find(key_of(7), progress);
  REQUIRE(tensors);
  CHECK(ActivationCache::remove(cache.entries().front()));
  CHECK(folders(folder.path()) == 0);
  const Values values = values_of(7);
  CHECK(std::ranges::equal(tensors->at("x").data, std::as_bytes(std::span(values))));
}

TEST_CASE("activation cache: damage is noted, never taken for an answer, and made again") {
  const TemporaryFolder folder;
  Notes notes;
  ActivationCache cache(folder.path(), kPlenty);
  test::Damage damage(1, "activation cache");
  for (int round = 0; round < 200; ++round) {
    put(cache, 1, notes);
    REQUIRE(got(cache, 1, notes) == values_of(1));
    notes.lines.clear();
    const std::string what = damage.folder(cache.entries().front().folder);
    CAPTURE(what);
    const Values values = got(cache, 1, notes);
    // A name, or spaces in the manifest, may change without a word.
    REQUIRE((values == values_of(1) || values.empty()));
    if (values.empty()) {
      REQUIRE(notes.lines.size() == 1);
      CHECK(notes.lines[0].starts_with("cache: an entry is damaged and made again: "));
      CHECK(cache.entries().empty());
    }
    notes.lines.clear();
  }
}

TEST_CASE("activation cache: every flipped bit of the tensors is seen") {
  const TemporaryFolder folder;
  ActivationCache cache(folder.path(), kPlenty);
  for (const int64_t from_end : {1, 2'000, 3'999, 4'001, 4'050}) {
    Notes notes;
    put(cache, 1, notes);
    const auto path = cache.entries().front().folder / "tensors.safetensors";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-from_end, std::ios::end);
    const int byte = file.peek();
    file.seekp(-from_end, std::ios::end);
    file.put(static_cast<char>(byte ^ 4));
    file.close();
    CHECK(got(cache, 1, notes).empty());
    REQUIRE(notes.lines.size() == 1);
    CHECK(notes.lines[0].find("its SHA-256 is not that of the manifest") != std::string::npos);
  }
}

TEST_CASE("activation cache: a folder that cannot be written is noted once") {
  const TemporaryFolder folder;
  Notes notes;
  write_file(folder / "file", "");
  ActivationCache cache(folder / "file/cache", kPlenty);
  put(cache, 1, notes);
  put(cache, 2, notes);
  CHECK(got(cache, 1, notes).empty());
  REQUIRE(notes.lines.size() == 1);
  CHECK(notes.lines[0].starts_with("cache: nothing more is kept: "));
}

TEST_CASE("activation cache: only its own folders are ever counted or removed") {
  const TemporaryFolder folder;
  NoProgress progress;
  ActivationCache cache(folder.path(), kPlenty);
  put(cache, 1, progress);
  const std::string key = cache.entries().front().folder.filename().string();
  const std::string others[]{"keep", std::string(64, 'x'), key + "x", key.substr(1)};
  for (const std::string& name : others)
    fs::create_directory(folder / name);
  fs::create_directory(folder / (key + ".0000abcd"));
  CHECK(cache.entries().size() == 1);
  cache.remove_leftovers(std::chrono::hours(1));
  CHECK(folders(folder.path()) == 6);
  cache.remove_leftovers(std::chrono::seconds(0));
  CHECK(folders(folder.path()) == 5);
  for (const std::string& name : others)
    CHECK(fs::exists(folder / name));
}

TEST_CASE("activation cache: many at once, beyond the bound, see whole entries or none") {
  const TemporaryFolder folder;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4), hits(4);
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      NoProgress progress;
      ActivationCache cache(folder.path(), 15'000);
      for (int64_t i = 0; i < 100; ++i) {
        const int64_t layer = (i * (static_cast<int64_t>(t) + 1)) % 5;
        put(cache, layer, progress);
        const auto tensors = cache.find(key_of(layer), progress);
        if (!tensors) continue;
        const Values values = values_of(layer);
        ++hits[t];
        wrong[t] += !std::ranges::equal(tensors->at("x").data, std::as_bytes(std::span(values)));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  const ActivationCache cache(folder.path(), 15'000);
  CHECK(cache.entries().size() <= 3);
  CHECK(folders(folder.path()) == cache.entries().size());
  for (size_t t = 0; t < 4; ++t) {
    CHECK(wrong[t] == 0);
    CHECK(hits[t] > 0);
  }
}

}  // namespace
}  // namespace ssmi::io
