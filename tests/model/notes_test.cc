#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <map>

#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"
#include "support.h"

// What loading says of a checkpoint with more, fewer or other tensors than its model has, on a
// CodeSSM with the head of a masked language model.
namespace ssmi::model {
namespace {

using test::check_fails;
using test::TemporaryFolder;
using Notes = std::vector<std::string>;
using Tensors = std::map<std::string, at::Tensor>;

constexpr auto kWords = "bigs.embeddings.word_embeddings.weight";
constexpr auto kDecoder = "cls.predictions.decoder.weight";

const Json kConfig{{"model_type", "codessm"},
                   {"hidden_size", 4},
                   {"num_hidden_layers", 1},
                   {"intermediate_size", 3},
                   {"num_ssm", 2},
                   {"vocab_size", 5},
                   {"type_vocab_size", 1},
                   {"layer_norm_eps", 1e-12},
                   {"hidden_act", "gelu"},
                   {"architectures", {"CodeSSMForMaskedLM"}}};

/// Every parameter, also the tied ones, initialised.
Tensors tensors_of(Model& model) {
  Tensors tensors;
  model.visit(
      [&](const Parameter& parameter, at::Tensor& tensor) { tensors[parameter.name] = tensor; });
  return tensors;
}

void write_checkpoint(const std::filesystem::path& folder, const Tensors& tensors) {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", kConfig.dump());
  std::vector<io::TensorBytes> bytes;
  for (const auto& [name, tensor] : tensors) {
    bytes.push_back({name,
                     io::Dtype::kF32,
                     tensor.sizes().vec(),
                     {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
  }
  io::write_safetensors(folder / "model.safetensors", bytes);
}

/// Loads the checkpoint after `change`, and gives what was loaded, with its tensors.
std::pair<Tensors, Notes> loaded_after(const std::function<void(Tensors&)>& change) {
  const TemporaryFolder folder;
  const auto model = make_model(kConfig, "config.json");
  initialise(*model, 3);
  Tensors tensors = tensors_of(*model);
  change(tensors);
  write_checkpoint(folder.path(), tensors);
  auto loaded = load_model(io::open_checkpoint(folder.path()));
  return {tensors_of(*loaded.model), loaded.notes};
}

TEST_CASE("load: a tied parameter is the other's tensor, stored or not") {
  for (const bool stored : {true, false}) {
    const auto [tensors, notes] = loaded_after([&](Tensors& all) {
      if (stored) return;
      all.erase(kDecoder);
      all.erase("cls.predictions.decoder.bias");
    });
    CHECK(notes == Notes{});
    CHECK(tensors.at(kDecoder).is_same(tensors.at(kWords)));
    CHECK(tensors.at("cls.predictions.decoder.bias").is_same(tensors.at("cls.predictions.bias")));
  }
}

TEST_CASE("load: a parameter stored apart from the one it is tied to keeps its values") {
  at::Tensor own;
  const auto [tensors, notes] = loaded_after([&](Tensors& all) {
    own = all.at(kDecoder) + 1;
    all[kDecoder] = own;
  });
  CHECK(at::equal(tensors.at(kDecoder), own));
  CHECK(!at::equal(tensors.at(kWords), own));
  CHECK(notes ==
        Notes{"'cls.predictions.decoder.weight' is stored with other values than "
              "'bigs.embeddings.word_embeddings.weight', though the two are usually one; its "
              "own are used"});
}

TEST_CASE("load: what others hold a parameter to must be there") {
  check_fails(ExitCode::kBadInput, "missing tensors: 'bigs.embeddings.word_embeddings.weight'",
              [] { loaded_after([](Tensors& all) { all.erase(kWords); }); });
}

TEST_CASE("load: buffers and other heads are passed over with a note") {
  const auto [tensors, notes] = loaded_after([](Tensors& all) {
    const at::Tensor any = all.at(kWords);
    for (const char* name : {"bigs.embeddings.position_ids", "bigs.pooler.dense.weight"})
      all[name] = any;
  });
  CHECK(notes == Notes{"ignored 2 tensors that a codessm has no use for: "
                       "'bigs.embeddings.position_ids', 'bigs.pooler.dense.weight'"});
  CHECK(!tensors.contains("bigs.pooler.dense.weight"));
}

TEST_CASE("load: what is passed over is known under a wrapper's prefix too") {
  const auto [tensors, notes] = loaded_after([](Tensors& all) {
    Tensors wrapped;
    for (const auto& [name, tensor] : all)
      wrapped["module." + name] = tensor;
    wrapped["module.embeddings.position_ids"] = all.at(kWords);
    all = wrapped;
  });
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].starts_with("names: stripped 'module.' from"));
  CHECK(notes[1] ==
        "ignored 1 tensors that a codessm has no use for: "
        "'module.embeddings.position_ids'");
}

TEST_CASE("load: a head that is not there is left out with a note") {
  const auto [tensors, notes] = loaded_after([](Tensors& all) {
    std::erase_if(all, [](const auto& entry) { return entry.first.starts_with("cls."); });
  });
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].starts_with("no head: config.json names CodeSSMForMaskedLM"));
  CHECK(!tensors.contains("cls.predictions.bias"));
}

}  // namespace
}  // namespace ssmi::model
