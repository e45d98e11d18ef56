#pragma once

#include <memory>
#include <string>

#include "text/recipe.h"

namespace ssmi::task::test {

/// A tokenizer of a few words: <pad> 0, <s> 1, </s> 2, <mask> 3, <unk> 4, then a b c d e f. Words
/// are parted by spaces; with `markers`, <s> and </s> stand around a text.
inline std::unique_ptr<text::Tokenizer> words(bool markers = true) {
  text::test::Recipe recipe;
  recipe.model =
      R"({"type":"WordPiece","unk_token":"<unk>","continuing_subword_prefix":"##",)"
      R"("max_input_chars_per_word":100,"vocab":{"<pad>":0,"<s>":1,"</s>":2,"<mask>":3,"<unk>":4,)"
      R"("a":5,"b":6,"c":7,"d":8,"e":9,"f":10}})";
  recipe.pre_tokenizer = R"({"type":"WhitespaceSplit"})";
  if (markers) {
    recipe.post_processor = R"({"type":"BertProcessing","cls":["<s>",1],"sep":["</s>",2]})";
  }
  recipe.added_tokens = "[";
  int id = 0;
  for (const char* name : {"<pad>", "<s>", "</s>", "<mask>", "<unk>"}) {
    recipe.added_tokens += fmt::format(
        R"({}{{"id":{},"content":"{}","single_word":false,"lstrip":false,"rstrip":false,)"
        R"("normalized":false,"special":true}})",
        id == 0 ? "" : ",", id, name);
    ++id;
  }
  recipe.added_tokens += "]";
  return text::test::made(recipe);
}

}  // namespace ssmi::task::test
