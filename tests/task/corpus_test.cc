#include "ssmi/task/corpus.h"

#include "ssmi/core/file.h"
#include "ssmi/task/split.h"
#include "task/words.h"

namespace ssmi::task {
namespace {

using Ids = std::vector<int32_t>;

/// Writes rows to a file and reads it as a corpus.
class Corpus {
 public:
  TokenCorpus read(const std::string& rows, const CorpusOptions& options = {}) {
    write_file(folder_ / "c.jsonl", rows);
    return read_corpus(folder_ / "c.jsonl", *tokenizer_, options, progress);
  }
  void check_refused(const std::string& rows, const std::string& message) {
    ssmi::test::check_fails(ExitCode::kBadInput, message, [&] { read(rows); });
  }

  struct : NoProgress {
    void note(std::string_view line) override { notes += line; }
    std::string notes;
  } progress;

 private:
  ssmi::test::TemporaryFolder folder_;
  std::unique_ptr<text::Tokenizer> tokenizer_ = test::words();
};

TEST_CASE("corpus: documents lie end to end between markers, whole packages are held out") {
  // In order of sha256sum of 0:NAME: two, one; neither fits in 5 %, two is smaller.
  const auto corpus = Corpus().read(R"({"pkg":"one","text":"a b c"})"
                                    "\n"
                                    R"({"pkg":"two","text":"d"})"
                                    "\n\n"
                                    R"({"pkg":"one","code":"e f"})"
                                    "\n");
  CHECK(corpus.held_out == std::vector<std::string>{"two"});
  CHECK(corpus.training.ids == Ids{1, 5, 6, 7, 2, 1, 9, 10, 2});
  CHECK(corpus.training.offsets == std::vector<int64_t>{0, 5, 9});
  CHECK(corpus.validation.ids == Ids{1, 8, 2});
  CHECK(corpus.validation.offsets == std::vector<int64_t>{0, 3});
  CHECK(corpus.rows == 3);
  CHECK(corpus.groups == 2);
  const auto second = corpus.training[1];
  CHECK(Ids(second.begin(), second.end()) == Ids{1, 9, 10, 2});
}

TEST_CASE("corpus: groups are files where no package is known, else rows") {
  CorpusOptions all;
  all.hold_out = false;
  const auto corpus = Corpus().read(R"({"path":"x.py","text":"a"})"
                                    "\n"
                                    R"({"path":"x.py","pkg":"","text":"b"})"
                                    "\n"
                                    R"({"pkg":null,"text":"c"})"
                                    "\n"
                                    R"({"text":"d"})"
                                    "\n",
                                    all);
  CHECK(corpus.groups == 3);
  CHECK(corpus.held_out.empty());
  CHECK(corpus.validation.size() == 0);
  CHECK(corpus.training.size() == 4);
}

TEST_CASE("corpus: what is left out is counted and told") {
  Corpus corpus;
  const auto read = corpus.read(R"({"pkg":"python3-tornado","text":"a"})"
                                "\n"
                                R"({"pkg":"kept","text":""})"
                                "\n"
                                R"({"pkg":"kept","text":"b"})"
                                "\n");
  CHECK(read.excluded == 1);
  CHECK(read.empty == 1);
  CHECK(read.groups == 1);
  CHECK(read.training.ids == Ids{1, 6, 2});
  CHECK(corpus.progress.notes.find("left out 1 of 3 rows for their package, 1 without text") !=
        std::string::npos);
}

TEST_CASE("corpus: rows without a package are left out for a folder of their path") {
  Corpus corpus;
  const auto read = corpus.read(R"({"path":"lib/networkx/a1.py","text":"a"})"
                                "\n"
                                R"({"path":"lib/networkx.py","text":"a"})"
                                "\n"
                                R"({"pkg":"kept","path":"lib/networkx/a1.py","text":"b"})"
                                "\n");
  CHECK(read.excluded == 1);
  CHECK(read.groups == 2);
}

TEST_CASE("corpus: the hash is of packages and texts") {
  Corpus corpus;
  const std::string row = R"({"pkg":"p","text":"a b"})";
  const std::string hash = corpus.read(row).sha256;
  CHECK(corpus.read(R"({"text": "a b", "pkg": "p", "path": "q"})").sha256 == hash);
  CHECK(corpus.read(R"({"pkg":"p","text":"a c"})").sha256 != hash);
  CHECK(corpus.read(R"({"pkg":"q","text":"a b"})").sha256 != hash);
}

TEST_CASE("corpus: bad rows are refused with file and line") {
  Corpus corpus;
  corpus.check_refused("{\"text\":\"a\"}\n{\"text\":", "c.jsonl:2: not valid JSON");
  corpus.check_refused("[]", "c.jsonl:1: expected a JSON object");
  corpus.check_refused(R"({"body":"a"})", "c.jsonl:1: neither 'text' nor 'code'");
  corpus.check_refused(R"({"text":7})", "c.jsonl:1: 'text' should be a string");
  corpus.check_refused(R"({"pkg":7,"text":"a"})", "c.jsonl:1: 'pkg' should be a string");
  corpus.check_refused("{\"text\":\"\xff\"}", "c.jsonl:1: not valid JSON");
  corpus.check_refused("", "no text to train on");
  corpus.check_refused(R"({"pkg":"tornado","text":"a"})", "1 were left out for their package");
  ssmi::test::check_fails(ExitCode::kDisk, "none.jsonl", [] {
    NoProgress none;
    read_corpus("none.jsonl", *test::words(), {}, none);
  });
}

TEST_CASE("corpus: the functions that are probed are never trained on") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  ssmi::test::check_fails(ExitCode::kBadInput, "1767 rows, of which 1767 were left out", [&] {
    NoProgress none;
    read_corpus(*shared / "data/functions/python_docstring_dev.jsonl.xz", text::ByteTokenizer(), {},
                none);
  });
}

}  // namespace
}  // namespace ssmi::task
