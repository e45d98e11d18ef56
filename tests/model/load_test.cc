#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/max.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>

#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using test::check_fails;
using test::TemporaryFolder;

/// A bimamba small enough to write for each test.
Json small_config() {
  return {{"model_type", "bimamba"},
          {"hidden_size", 4},
          {"num_hidden_layers", 1},
          {"intermediate_size", 3},
          {"state_size", 2},
          {"time_step_rank", 1},
          {"conv_kernel", 4},
          {"conv_padding", {1, 2}},
          {"norm", "layer_norm"},
          {"layer_norm_epsilon", 1e-6},
          {"use_bias", true},
          {"use_x_proj_bias", true},
          {"use_conv_bias", true},
          {"time_step_floor_added", 1e-4},
          {"bidirectional", "shared_weights_sum"},
          {"vocab_size", 5},
          {"num_labels", 2}};
}

struct Stored {
  std::vector<io::TensorBytes> tensors;
  std::vector<std::vector<std::byte>> data;

  io::TensorBytes& find(const std::string& name) {
    for (auto& tensor : tensors) {
      if (tensor.name == name) return tensor;
    }
    throw std::runtime_error("no tensor " + name);
  }
};

/// The tensors the config implies, filled with `fill` of `dtype`.
Stored stored_tensors(const Json& config, io::Dtype dtype, std::vector<std::byte> element) {
  Stored stored;
  make_model(config, "config.json")->visit([&](const Parameter& parameter, at::Tensor&) {
    std::vector<std::byte> bytes;
    int64_t count = 1;
    for (const int64_t extent : parameter.shape)
      count *= extent;
    for (int64_t i = 0; i < count; ++i)
      bytes.insert(bytes.end(), element.begin(), element.end());
    stored.data.push_back(std::move(bytes));
    stored.tensors.push_back({parameter.name, dtype, parameter.shape, {}});
  });
  for (size_t i = 0; i < stored.data.size(); ++i)
    stored.tensors[i].data = stored.data[i];
  return stored;
}

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int value : values)
    result.push_back(static_cast<std::byte>(value));
  return result;
}

void write_checkpoint(const std::filesystem::path& folder, const Json& config,
                      const Stored& stored) {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", config.dump());
  io::write_safetensors(folder / "model.safetensors", stored.tensors);
}

Stored good() {
  return stored_tensors(small_config(), io::Dtype::kF32, bytes({0, 0, 0xc0, 0x3f}));
}

/// Loads a small checkpoint after `damage`.
void load_damaged(const std::function<void(Json&, Stored&)>& damage) {
  const TemporaryFolder folder;
  Json config = small_config();
  Stored stored = good();
  damage(config, stored);
  write_checkpoint(folder.path(), config, stored);
  load_model(io::open_checkpoint(folder.path()));
}

TEST_CASE("load: float32, float16, bfloat16 and float64 give the same values") {
  const std::pair<io::Dtype, std::vector<std::byte>> cases[] = {
      {io::Dtype::kF32, bytes({0, 0, 0xc0, 0x3f})},  // 1.5
      {io::Dtype::kF16, bytes({0, 0x3e})},
      {io::Dtype::kBF16, bytes({0xc0, 0x3f})},
      {io::Dtype::kF64, bytes({0, 0, 0, 0, 0, 0, 0xf8, 0x3f})}};
  for (const auto& [dtype, element] : cases) {
    const TemporaryFolder folder;
    write_checkpoint(folder.path(), small_config(), stored_tensors(small_config(), dtype, element));
    const auto model = load_model(io::open_checkpoint(folder.path())).model;
    model->visit([](const Parameter& parameter, at::Tensor& tensor) {
      CAPTURE(parameter.name);
      CHECK((tensor.scalar_type() == at::kFloat));
      CHECK((tensor - 1.5).abs().max().item<float>() == 0);
    });
  }
}

TEST_CASE("load: every tensor that does not fit the config is named") {
  check_fails(ExitCode::kBadInput, "missing tensors: 'classifier.bias'",
              [] { load_damaged([](Json&, Stored& stored) { stored.tensors.pop_back(); }); });
  check_fails(ExitCode::kBadInput, "unexpected tensors: 'extra.weight'", [] {
    load_damaged([](Json&, Stored& stored) {
      stored.tensors.push_back({"extra.weight", io::Dtype::kU8, {0}, {}});
    });
  });
  check_fails(ExitCode::kBadInput,
              "tensor 'backbone.norm_f.weight' has shape [2, 2], config.json says [4]", [] {
                load_damaged([](Json&, Stored& stored) {
                  stored.find("backbone.norm_f.weight").shape = {2, 2};
                });
              });
  check_fails(ExitCode::kBadInput, "'classifier.bias' is I32, expected a floating type", [] {
    load_damaged(
        [](Json&, Stored& stored) { stored.find("classifier.bias").dtype = io::Dtype::kI32; });
  });
  check_fails(ExitCode::kBadInput, "and 9 more",
              [] { load_damaged([](Json& config, Stored&) { config["num_hidden_layers"] = 2; }); });
}

/// The notes on loading a small checkpoint whose tensors were renamed.
std::vector<std::string> notes_of(
    const std::function<std::string(const std::string&)>& renamed,
    const std::function<void(Stored&)>& change = [](Stored&) {}) {
  const TemporaryFolder folder;
  Stored stored = good();
  change(stored);
  for (auto& tensor : stored.tensors)
    tensor.name = renamed(tensor.name);
  write_checkpoint(folder.path(), small_config(), stored);
  return load_model(io::open_checkpoint(folder.path())).notes;
}

TEST_CASE("load: prefixes of wrappers are stripped, a missing base prefix is added") {
  using Notes = std::vector<std::string>;
  const std::string base = "backbone.";
  const auto without = [&](const std::string& name) {
    return name.starts_with(base) ? name.substr(base.size()) : name;
  };
  CHECK(notes_of([](const std::string& name) { return name; }) == Notes{});
  CHECK(notes_of([](const std::string& name) { return "module." + name; }) ==
        Notes{"names: stripped 'module.' from 19 tensors"});
  CHECK(notes_of([](const std::string& name) { return "_orig_mod.module.model." + name; }) ==
        Notes{"names: stripped '_orig_mod.module.model.' from 19 tensors"});
  CHECK(notes_of([&](const std::string& name) {
          return name == without(name) ? name : base + name;
        }) == Notes{"names: stripped 'backbone.' from 17 tensors"});
  CHECK(notes_of(without) == Notes{"names: added 'backbone.' to 17 tensors"});
  CHECK(
      notes_of([&](const std::string& name) { return "module." + without(name); }) ==
      Notes{"names: stripped 'module.' from 19 tensors", "names: added 'backbone.' to 17 tensors"});
}

TEST_CASE("load: names that no rule brings home are refused") {
  const auto with = [](const std::string& name) {
    return [=] {
      load_damaged([&](Json&, Stored& stored) {
        stored.tensors.push_back(stored.find("classifier.bias"));
        stored.tensors.back().name = name;
      });
    };
  };
  check_fails(ExitCode::kBadInput, "unexpected tensors: 'net.classifier.bias'",
              with("net.classifier.bias"));
  check_fails(ExitCode::kBadInput, "unexpected tensors: 'module.net.classifier.bias'",
              with("module.net.classifier.bias"));
  check_fails(ExitCode::kBadInput, "unexpected tensors: 'module.'", with("module."));
  check_fails(ExitCode::kBadInput,
              "tensors 'classifier.bias' and 'module.classifier.bias' are both 'classifier.bias'",
              with("module.classifier.bias"));
}

TEST_CASE("load: state-space parameters in half precision get a warning") {
  const auto halve = [](io::TensorBytes& tensor) {
    tensor.dtype = io::Dtype::kBF16;
    tensor.data = tensor.data.first(tensor.data.size() / 2);
  };
  const auto notes = notes_of([](const std::string& name) { return name; },
                              [&](Stored& stored) {
                                halve(stored.find("backbone.layers.0.mixer.A_log"));
                                halve(stored.find("backbone.layers.0.mixer.in_proj.bias"));
                              });
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].starts_with("1 state-space parameters are stored in half precision"));
  CHECK(notes[0].find("'backbone.layers.0.mixer.A_log';") != std::string::npos);
}

TEST_CASE("save: half precision rounds all but vectors and state-space parameters") {
  const TemporaryFolder folder;
  const auto model = make_model(small_config(), "config.json");
  initialise(*model, 7);
  std::map<std::string, at::Tensor> values;
  model->visit([&](const Parameter& parameter, at::Tensor& tensor) {
    tensor += 0.1;  // no half precision has it
    values[parameter.name] = tensor;
  });
  for (const auto& [dtype, type] :
       {std::pair(io::Dtype::kF16, at::kHalf), std::pair(io::Dtype::kBF16, at::kBFloat16)}) {
    const auto path = folder / std::string(io::dtype_name(dtype));
    save_model(*model, small_config(), path, dtype);
    const auto checkpoint = io::open_checkpoint(path);
    const Loaded loaded = load_model(checkpoint);
    CHECK(loaded.notes.empty());
    std::set<std::string> kept, expected{"backbone.layers.0.mixer.A_log"};
    loaded.model->visit([&](const Parameter& parameter, at::Tensor& tensor) {
      CAPTURE(parameter.name);
      const at::Tensor& before = values.at(parameter.name);
      const bool is_kept = at::equal(tensor, before);
      CHECK((is_kept || at::equal(tensor, before.to(type).to(at::kFloat))));
      CHECK((checkpoint.tensors.at(parameter.name).dtype == (is_kept ? io::Dtype::kF32 : dtype)));
      if (is_kept) kept.insert(parameter.name);
      if (tensor.dim() == 1) expected.insert(parameter.name);
    });
    CHECK(kept == expected);
  }
}

TEST_CASE("load: configs that describe no network are refused by key") {
  const auto with = [](const char* key, const Json& value) {
    return [=] {
      Json config = small_config();
      config[key] = value;
      make_model(config, "config.json");
    };
  };
  check_fails(ExitCode::kBadInput, "model_type 'xlnet' is not known; known are: BiGS, bert, bigs",
              with("model_type", "xlnet"));
  check_fails(ExitCode::kBadInput, "'hidden_size' should be an integer from 1",
              with("hidden_size", 0));
  check_fails(ExitCode::kBadInput, "'num_hidden_layers' should be", with("num_hidden_layers", 1e9));
  check_fails(ExitCode::kBadInput, "'num_hidden_layers' should be",
              with("num_hidden_layers", 1'000'000'000));
  check_fails(ExitCode::kBadInput, "'norm' is \"rms\", bimamba supports only \"layer_norm\"",
              with("norm", "rms"));
  check_fails(ExitCode::kBadInput, "'use_bias' is false", with("use_bias", false));
  check_fails(ExitCode::kBadInput, "'conv_padding'", with("conv_padding", {1, 1}));
  check_fails(ExitCode::kBadInput, "'layer_norm_epsilon' should be a number",
              with("layer_norm_epsilon", "x"));
  Json config = small_config();
  config.erase("state_size");
  check_fails(ExitCode::kBadInput, "config.json: key 'state_size' is missing",
              [&] { make_model(config, "config.json"); });
  check_fails(ExitCode::kBadInput, "expected a JSON object",
              [] { make_model(Json::array(), "config.json"); });
}

}  // namespace
}  // namespace ssmi::model
