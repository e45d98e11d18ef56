// Writes the first inputs of each fuzz target: seeds FOLDER makes FOLDER/<target>/<name>.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "io/raw_gguf.h"
#include "io/raw_npy.h"
#include "io/raw_safetensors.h"
#include "io/raw_torch.h"
#include "ssmi/code/language.h"
#include "ssmi/core/file.h"

namespace {

using namespace ssmi::test;
using namespace ssmi::test::pickle;

std::filesystem::path root;

void seed(const std::string& target, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(root / target);
  std::ofstream(root / target / name, std::ios::binary) << bytes;
}

void seed_safetensors() {
  const std::string header = "{" + header_entry("a", "F32", "[2]", "[0,8]") + "," +
                             header_entry("b", "U8", "[1,3]", "[8,11]") +
                             R"(,"__metadata__":{"format":"pt"}})";
  seed("safetensors", "two", raw_safetensors(header, "12345678abc"));
  seed("safetensors", "none", raw_safetensors("{}", ""));
}

void seed_npy() {
  seed("npy", "matrix", raw_npy(npy_header("<f4", "(2, 2)"), std::string(16, 'x')));
  seed("npy", "labels", raw_npy(npy_header("<i8", "(1,)", "True"), std::string(8, 'x'), 3));
}

void seed_json() {
  seed("config", "model",
       R"({"model_type":"bigs","hidden_size":8,"layer_norm_eps":1e-12,"use_cache":true,)"
       R"("id2label":{"0":"a"},"pad":null,"conv":[1,-2,3.5,"\u00e9"]})");
  seed("index", "two", R"({"metadata":{"total_size":3},"weight_map":{"a":"x","b":"y","c":"x"}})");
  seed("index", "outside", R"({"weight_map":{"a":"../x"}})");
}

void seed_pickles() {
  const Bytes matrix = tensor(storage("HalfStorage", "1", 6), 0, {3, 2}, {1, 3});
  const Bytes weights = dict({{text("a"), vector("0", 2)}, {text("b"), matrix}});
  const Bytes untyped = tuple({text("storage"), global("torch.storage", "UntypedStorage"),
                               text("0"), text("cpu"), integer(8)}) +
                        "Q";
  const Bytes version3 = call(global("torch._utils", "_rebuild_tensor_v3"),
                              {untyped, integer(1), integers({3}), integers({1}), boolean(false),
                               ordered_dict(), global("torch", "uint16")});
  const Bytes parameter = call(global("torch._utils", "_rebuild_parameter"),
                               {vector("0", 2), boolean(true), ordered_dict()});
  const Bytes checkpoint = dict({{text("epoch"), "K\x03"},
                                 {text("rate"), "G" + raw(uint64_t{0x3f})},
                                 {text("list"), list({none(), "M\x01\x02", "J\x01\x02\x03\x04"})},
                                 {text("state_dict"), weights}});
  const Bytes memo =
      "\x80\x04\x95" + raw(uint64_t{60}) + "}\x94(\x8c\x01w\x94" + version3 + "\x94h\x01h\x02u}b.";
  const std::vector<std::pair<std::string, Bytes>> values{
      {"weights", weights},
      {"ordered", ordered_dict() + "q\x01(" + text("p") + parameter + "u}b"},
      {"version3", dict({{text("u"), version3}})},
      {"checkpoint", checkpoint}};
  const std::string first = "12345678", second = "abcdefghijkl";
  for (const auto& [name, value] : values) {
    seed("pickle", name, pickled(value));
    seed("pytorch", name + ".zip", torch_zip(value, {{"0", first}, {"1", second}}));
  }
  seed("pickle", "memo", memo);
  seed("pytorch", "old",
       torch_legacy({weights, {"0", "1"}, raw(int64_t{2}) + first + raw(int64_t{6}) + second}));
}

void seed_gguf() {
  namespace g = ssmi::test::gguf;
  using Texts = std::vector<std::string>;
  Bytes types = g::raw(uint32_t{5}) + g::raw(uint64_t{4});
  for (const int32_t type : {1, 1, 1, 3})
    types += g::raw(type);
  seed("gguf", "llama",
       g::file(
           {g::entry("general.architecture", "llama"), g::entry("llama.block_count", 1U),
            g::entry("llama.context_length", 16U), g::entry("llama.embedding_length", 32U),
            g::entry("llama.feed_forward_length", 8U), g::entry("llama.attention.head_count", 1U),
            g::entry("llama.attention.layer_norm_rms_epsilon", 1e-5F),
            g::entry("llama.rope.freq_base", 500.0F), g::entry("llama.rope.scaling.type", "linear"),
            g::entry("llama.rope.scaling.factor", 2.0F)},
           {g::tensor("token_embd.weight", {32, 2}, 8, 0),
            g::tensor("blk.0.attn_q.weight", {32, 2}, 3, 96)},
           g::padded(Bytes(68, 'a')) + g::padded(Bytes(40, 'b'))));
  seed("gguf", "tokenizer",
       g::file({g::entry("tokenizer.ggml.model", "gpt2"), g::entry("tokenizer.ggml.pre", "smollm"),
                g::entry("tokenizer.ggml.tokens", Texts{"d", "e", "de", "<s>"}),
                g::entry("tokenizer.ggml.merges", Texts{"d e"}),
                g::entry("tokenizer.ggml.token_type", 9, types),
                g::entry("tokenizer.ggml.add_bos_token", true),
                g::entry("tokenizer.ggml.bos_token_id", 3U)},
               {}, ""));
}

/// A tokenizer.json of a model and what stands before and behind it.
void seed_tokenizer(const std::string& name, const std::string& model,
                    const std::string& normalizer, const std::string& pre_tokenizer,
                    const std::string& post_processor) {
  seed("tokenizer", name,
       R"({"added_tokens":[{"id":0,"content":"<s>","single_word":false,"lstrip":true,)"
       R"("rstrip":false,"normalized":false},{"id":1,"content":"def","single_word":true,)"
       R"("lstrip":false,"rstrip":true,"normalized":true}],"normalizer":)" +
           normalizer + R"(,"pre_tokenizer":)" + pre_tokenizer + R"(,"post_processor":)" +
           post_processor + R"(,"model":)" + model + "}");
}

void seed_tokenizers() {
  const std::string bpe =
      R"({"type":"BPE","unk_token":"u","fuse_unk":true,"byte_fallback":true,"ignore_merges":false,)"
      R"("vocab":{"u":0,"a":1,"b":2,"ab":3,"\u0120":4,"\u0120ab":5,"<0xC3>":6,"<0xA9>":7},)"
      R"("merges":["a b",["\u0120","ab"]]})";
  const std::string unigram =
      R"({"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["u",0],["\u2581",-2.5],)"
      R"(["\u2581ab",-3],["e",-4.25],["<0xC3>",-9]]})";
  const std::string wordpiece =
      R"({"type":"WordPiece","unk_token":"u","continuing_subword_prefix":"##",)"
      R"("max_input_chars_per_word":100,"vocab":{"u":0,"x":1,"##1":2,"ab":3,"##b":4,"re":5}})";
  const std::string marks =
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"c"}},{"Sequence":)"
      R"({"id":"A"}}],"special_tokens":{"c":{"id":"c","ids":[1,9],"tokens":["c","d"]}}})";
  seed_tokenizer("gpt2", bpe, R"({"type":"NFC"})",
                 R"({"type":"ByteLevel","add_prefix_space":true,"use_regex":true})",
                 R"({"type":"ByteLevel","trim_offsets":true,"add_prefix_space":true})");
  seed_tokenizer("split", bpe,
                 R"({"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"StripAccents"}]})",
                 R"x({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":)x"
                 R"x("(?i:'s)|\\p{N}{1,3}|\\s+(?!\\S)"},"behavior":"MergedWithNext",)x"
                 R"x("invert":true},{"type":"Digits","individual_digits":false}]})x",
                 R"({"type":"RobertaProcessing","cls":["a",1],"sep":["b",2],"trim_offsets":true,)"
                 R"("add_prefix_space":false})");
  seed_tokenizer("bert", wordpiece,
                 R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,)"
                 R"("strip_accents":null,"lowercase":true})",
                 R"({"type":"BertPreTokenizer"})",
                 R"({"type":"BertProcessing","cls":["a",1],"sep":["b",2]})");
  seed_tokenizer("llama", bpe,
                 R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},)"
                 R"({"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]})",
                 "null", marks);
  seed_tokenizer("unigram", unigram,
                 R"({"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"},)"
                 R"({"type":"Strip","strip_left":true,"strip_right":true}]})",
                 R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first",)"
                 R"("split":true})",
                 marks);
  seed_tokenizer("words", wordpiece, "null",
                 R"({"type":"Sequence","pretokenizers":[{"type":"Whitespace"},)"
                 R"({"type":"WhitespaceSplit"},{"type":"Punctuation","behavior":"Contiguous"}]})",
                 "null");
}

/// The samples of each language, a seed for each of their paragraphs.
void seed_programs() {
  using namespace ssmi;
  const std::filesystem::path folder = SSMI_SOURCE_DIR "/tests/data/languages";
  const auto languages = code::Language::all();
  for (size_t i = 0; i < languages.size(); ++i) {
    const auto name = "sample" + std::string(languages[i]->extensions()[0]);
    const std::string text = read_file(folder / name, 1 << 20);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find("\n\n", begin), text.size() - 1) + 1;
      seed("parse", name + std::to_string(begin),
           static_cast<char>(i) + text.substr(begin, end - begin));
      begin = end;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\n";
    return 2;
  }
  root = arguments[1];
  seed_safetensors();
  seed_npy();
  seed_json();
  seed_pickles();
  seed_gguf();
  seed_tokenizers();
  seed_programs();
}
