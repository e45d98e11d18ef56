#include "ssmi/core/excerpt.h"

#include "support.h"

namespace ssmi {
namespace {

TEST_CASE("excerpt: untrusted text is short and harmless") {
  CHECK(excerpt("weight") == "weight");
  CHECK(excerpt("a\x1b[2J\nb\x7f") == "a?[2J?b?");
  CHECK(excerpt("abcdef", 3) == "abc...");
  CHECK(excerpt("abc", 3) == "abc");
  CHECK(excerpt("a\u00e9b", 2) == "a...");  // not within the two bytes of e acute
  CHECK(excerpt("a\u00e9b", 3) == "a\u00e9...");
}

TEST_CASE("excerpt: of many names five are listed") {
  CHECK(listed({}).empty());
  CHECK(listed({"a", "b\n"}) == "'a', 'b?'");
  CHECK(listed({"a", "b", "c", "d", "e"}) == "'a', 'b', 'c', 'd', 'e'");
  CHECK(listed({"a", "b", "c", "d", "e", "f", "g"}) == "'a', 'b', 'c', 'd', 'e' and 2 more");
}

}  // namespace
}  // namespace ssmi
