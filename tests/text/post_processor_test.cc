// Ids and trimmed spans are those of PyPI tokenizers 0.23; markers' spans are ours
// (docs/tokens.md).

#include "text/post_processor.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::cut;
using test::Recipe;

const std::vector<std::string> kTokens{"<unk>",  "<s>",     "</s>",    "a",      "b",
                                       "\u0120", "\u0120a", "\u0120b", "a\u0120"};
const std::vector<std::string> kMerges{"\u0120 a", "\u0120 b", "a \u0120"};

Recipe with(const std::string& post_processor, bool prefix = false) {
  return {test::bpe(kTokens, kMerges), "null",
          R"({"type":"ByteLevel","add_prefix_space":)" + std::string(prefix ? "true" : "false") +
              R"(,"use_regex":false})",
          post_processor};
}

std::string templated(const std::string& single, const std::string& special) {
  return R"({"type":"TemplateProcessing","single":[)" + single +
         R"(],"pair":[{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{)" + special + "}}";
}

const std::string kText = R"({"Sequence":{"id":"A","type_id":0}})",
                  kBegin = R"({"SpecialToken":{"id":"B","type_id":0}})",
                  kEnd = R"({"SpecialToken":{"id":"E","type_id":0}})",
                  kSpecial = R"("B":{"id":"B","ids":[1],"tokens":["<s>"]},)"
                             R"("E":{"id":"E","ids":[2],"tokens":["</s>"]})";

std::string trimming(const std::string& type, bool trim, bool prefix) {
  const std::string markers =
      type == "RobertaProcessing" ? R"(,"cls":["<s>",1],"sep":["</s>",2])" : "";
  return fmt::format(R"({{"type":"{}","trim_offsets":{},"add_prefix_space":{}{}}})", type, trim,
                     prefix, markers);
}

TEST_CASE(
    "post_processor: a template puts its tokens around the text, without bytes of their own") {
  CHECK(cut(with(templated(kBegin + "," + kText + "," + kEnd, kSpecial)), "ab") ==
        "<s>:0-0 a:0-1 b:1-2 </s>:2-2");
  CHECK(cut(with(templated(kBegin + "," + kText, kSpecial)), "a") == "<s>:0-0 a:0-1");
  CHECK(cut(with(templated(kText + "," + kEnd + "," + kBegin, kSpecial)), "a") ==
        "a:0-1 </s>:1-1 <s>:1-1");
  CHECK(cut(with(templated(kText, "")), "a") == "a:0-1");
  CHECK(cut(with(templated(kBegin + "," + kText + "," + kEnd, kSpecial)), "") ==
        "<s>:0-0 </s>:0-0");
  // One special token may be several.
  CHECK(cut(with(templated(kBegin + "," + kText,
                           R"("B":{"id":"B","ids":[2,1],"tokens":["</s>","<s>"]})")),
            "a") == "</s>:0-0 <s>:0-0 a:0-1");
}

TEST_CASE("post_processor: markers are left out when asked to") {
  const auto tokenizer = test::made(with(templated(kBegin + "," + kText + "," + kEnd, kSpecial)));
  CHECK(cut(*tokenizer, "ab", Markers::kNone) == "a:0-1 b:1-2");
}

TEST_CASE("post_processor: markers beyond the vocabulary count") {
  CHECK(test::made(with("null"))->vocab_size() == 9);
  const auto tokenizer = test::made(
      with(templated(kBegin + "," + kText, R"("B":{"id":"B","ids":[40],"tokens":["x"]})")));
  CHECK(tokenizer->vocab_size() == 41);
  CHECK(cut(*tokenizer, "a") == "<unused>:0-0 a:0-1");
}

TEST_CASE("post_processor: BertProcessing and RobertaProcessing") {
  const std::string bert = R"({"type":"BertProcessing","sep":["</s>",2],"cls":["<s>",1]})";
  CHECK(cut(with(bert), "a b") == "<s>:0-0 a:0-1  b:1-3 </s>:3-3");
  CHECK(cut(with(trimming("RobertaProcessing", false, true)), " ab") ==
        "<s>:0-0  a:0-2 b:2-3 </s>:3-3");
  CHECK(cut(with(trimming("RobertaProcessing", true, true)), "b a") ==
        "<s>:0-0 b:0-1  a:2-3 </s>:3-3");
}

TEST_CASE("post_processor: trimmed spans leave out the spaces a token has at its ends") {
  CHECK(cut(with(trimming("ByteLevel", false, false)), "b a b") == "b:0-1  a:1-3  b:3-5");
  CHECK(cut(with(trimming("ByteLevel", true, false)), "b a b") == "b:0-1  a:2-3  b:4-5");
  CHECK(cut(with(trimming("ByteLevel", true, false)), " a") == " a:1-2");
  CHECK(cut(with(trimming("ByteLevel", true, true)), " a") == " a:0-2");
  CHECK(cut(with(trimming("ByteLevel", true, false)), "b  b") == "b:0-1  :2-2  b:3-4");
  CHECK(cut({test::bpe(kTokens, {"a \u0120"}), "null",
             R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})",
             trimming("ByteLevel", true, true)},
            "a b") == "a :0-1 b:2-3");
}

TEST_CASE("post_processor: a prefix that was put in has no byte to lose") {
  CHECK(cut(with(trimming("ByteLevel", true, true), true), "ab a") == " a:0-1 b:1-2  a:3-4");
  CHECK(cut(with(trimming("ByteLevel", true, true), true), " ab") == " a:0-2 b:2-3");
}

TEST_CASE("post_processor: a Sequence may trim and then put markers around, not the reverse") {
  const auto sequence = [](const std::vector<std::string>& steps) {
    return fmt::format(R"({{"type":"Sequence","processors":[{}]}})", fmt::join(steps, ","));
  };
  const std::string around = templated(kBegin + "," + kText + "," + kEnd, kSpecial),
                    bert = R"({"type":"BertProcessing","sep":["b",4],"cls":["a",3]})",
                    roberta = trimming("RobertaProcessing", true, false),
                    level = trimming("ByteLevel", true, false);
  CHECK(cut(with(sequence({level, around})), "b a") == "<s>:0-0 b:0-1  a:2-3 </s>:3-3");
  CHECK(cut(with(sequence({level, sequence({}), "null", bert})), "b a") ==
        "a:0-0 b:0-1  a:2-3 b:3-3");
  CHECK(cut(with(sequence({around, trimming("ByteLevel", false, false)})), "b a") ==
        "<s>:0-0 b:0-1  a:1-3 </s>:3-3");
  // The reference puts markers around markers.
  for (const std::string& first : {around, bert, roberta}) {
    for (const std::string& second : {around, bert, roberta, level}) {
      const auto type = parse_json(second, "").at("type").get<std::string>();
      check_refused(with(sequence({first, second})),
                    "post_processor " + type + " behind markers is not supported");
    }
  }
}

TEST_CASE("post_processor: what is not supported or damaged is refused by name") {
  const auto refused = [](const std::string& post, const std::string& message) {
    CAPTURE(post);
    check_refused(with(post), message);
  };
  refused(R"({"type":"Other"})", "post_processor 'Other' is not supported");
  refused("true", "post_processor: expected a JSON object, found boolean");
  refused(R"({"type":"Sequence","processors":{}})", "processors should be a list");
  refused(R"({"type":"ByteLevel"})", "key 'trim_offsets' is missing");
  refused(R"({"type":"ByteLevel","trim_offsets":true})", "key 'add_prefix_space' is missing");
  for (const char* pair :
       {R"("<s>")", R"(["<s>"])", R"(["<s>","1"])", R"(["<s>",-1])", R"(["<s>",1.5])",
        R"(["<s>",2147483648])", R"(["<s>",1,2])", R"(["<s>",18446744073709551615])"}) {
    refused(std::string(R"({"type":"BertProcessing","sep":["</s>",2],"cls":)") + pair + "}",
            "'cls' should be a token and its id");
  }
  refused(R"({"type":"BertProcessing","cls":["<s>",1]})", "key 'sep' is missing");
  const std::string once = "TemplateProcessing should hold the text once";
  refused(templated(kBegin, kSpecial), once);
  refused(templated(kText + "," + kText, ""), once);
  refused(templated(R"({"Sequence":{"id":"B","type_id":0}})", ""), once);
  refused(templated(kBegin + "," + kText, ""), "special_tokens: key 'B' is missing");
  refused(templated("{}," + kText, ""), "single: key 'SpecialToken' is missing");
  refused(templated(kBegin + "," + kText, R"("B":{"ids":[-1]})"),
          "an entry of 'ids' should be an integer from 0 to 2147483647, found -1");
  refused(templated(kBegin + "," + kText, R"("B":{"ids":3})"),
          "'ids' should be a list of integers");
  refused(R"({"type":"TemplateProcessing","single":"$A","special_tokens":{}})",
          "'single' should be a list");
  refused(R"({"type":"TemplateProcessing","single":[]})", "key 'special_tokens' is missing");
  std::string nested = "null";
  for (int depth = 0; depth < 10; ++depth) {
    nested.insert(0, R"({"type":"Sequence","processors":[)");
    nested += "]}";
  }
  refused(nested, "post_processors nested more than 8 deep");
}

}  // namespace
}  // namespace ssmi::text
