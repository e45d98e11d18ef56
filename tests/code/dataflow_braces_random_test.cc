// The extractor of Java and JavaScript against the rules of docs/parse.md written down plainly: on
// random programs that are made as trees, carried out on these trees by recursion, with copied
// states and four rounds of every loop. The extractor's journal, its stack and its single visit of
// inner loops are shortcuts that have to give the same edges.

#include <array>
#include <map>
#include <memory>
#include <set>

#include "program.h"
#include "ssmi/code/dataflow.h"
#include "ssmi/core/random.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using Name = char;
using Occurrence = std::pair<Name, int>;  ///< the how manieth of its name, from 1
using States = std::map<Name, std::set<Occurrence>>;

struct Statement {
  enum Kind { kUse, kAssign, kAdd, kUpdate, kWhile, kDo, kFor, kIf, kIfElse, kSwitch, kTry } kind;
  Name left = 0, right = 0;                           // left is the condition, the counter ...
  std::array<std::vector<Statement>, 2> blocks = {};  // what is in braces
};

struct Flow {
  std::set<std::tuple<Occurrence, Occurrence, int32_t>> edges;
  States states;
};

Statement random_statement(Random& random, int depth) {
  const auto name = [&] { return "abcd"[random.below(4)]; };
  const auto kind = static_cast<Statement::Kind>(random.below(depth > 0 ? 11 : 4));
  Statement statement{kind, name(), name()};
  const size_t blocks = kind >= Statement::kIfElse ? 2 : kind >= Statement::kWhile ? 1 : 0;
  for (size_t block = 0; block < blocks; ++block) {
    for (uint64_t i = random.below(3) + 1; i > 0; --i) {
      statement.blocks[block].push_back(random_statement(random, depth - 1));
    }
  }
  return statement;
}

/// Writes a program and carries it out. An occurrence gets its number when it is first written, by
/// its place, so that a second round finds it again.
class Plain {
 public:
  Plain(const std::vector<Statement>& program, bool java) : java_(java) {
    write_all(program);
    run_all(program, flow_.states);
  }
  const std::string& text() const { return text_; }
  const Flow& flow() const { return flow_; }

 private:
  void name(const Statement& at, int place, Name name) {
    places_[{&at, place}] = {name, ++count_[name]};
    text_ += name;
  }
  void block(const std::vector<Statement>& statements) {
    text_ += "{ ";
    write_all(statements);
    text_ += "} ";
  }
  void write_all(const std::vector<Statement>& statements) {
    for (const Statement& statement : statements)
      write(statement);
  }

  void write(const Statement& s) {
    const auto sign = [&](const char* between, const char* after) {
      name(s, 0, s.left);
      text_ += between;
      name(s, 1, s.right);
      text_ += after;
    };
    const auto condition = [&](const char* before) {
      text_ += before;
      name(s, 0, s.left);
      text_ += ") ";
    };
    switch (s.kind) {
      case Statement::kUse:
        return sign(" + ", "; ");
      case Statement::kAssign:
        return sign(" = ", "; ");
      case Statement::kAdd:
        return sign(" += ", "; ");
      case Statement::kUpdate:
        name(s, 0, s.left);
        text_ += "++; ";
        return;
      case Statement::kWhile:
        condition("while (");
        return block(s.blocks[0]);
      case Statement::kDo:
        text_ += "do ";
        block(s.blocks[0]);
        condition("while (");
        text_ += "; ";
        return;
      case Statement::kFor:
        text_ += "for (";
        name(s, 0, s.left);
        text_ += " = 1; ";
        name(s, 1, s.left);
        text_ += " < ";
        name(s, 2, s.right);
        text_ += "; ";
        name(s, 3, s.left);
        text_ += "++) ";
        return block(s.blocks[0]);
      case Statement::kIf:
      case Statement::kIfElse:
        condition("if (");
        block(s.blocks[0]);
        if (s.kind == Statement::kIf) return;
        text_ += "else ";
        return block(s.blocks[1]);
      case Statement::kSwitch:
        condition("switch (");
        text_ += "{ case 1: ";
        block(s.blocks[0]);
        text_ += "default: ";
        block(s.blocks[1]);
        text_ += "} ";
        return;
      case Statement::kTry:
        text_ += "try ";
        block(s.blocks[0]);
        text_ += java_ ? "catch (E e) " : "catch (e) ";
        return block(s.blocks[1]);
    }
  }

  Occurrence at(const Statement& s, int place) const { return places_.at({&s, place}); }

  void use(Occurrence one, States& states) {
    std::set<Occurrence>& sources = states[one.first];
    for (const Occurrence& source : sources)
      flow_.edges.insert({one, source, kComesFrom});
    if (sources.empty()) sources = {one};
  }
  static void define(Occurrence one, States& states) { states[one.first] = {one}; }
  static void unite(States& states, const States& more) {
    for (const auto& [name, sources] : more)
      states[name].insert(sources.begin(), sources.end());
  }

  void run_all(const std::vector<Statement>& statements, States& states) {
    for (const Statement& statement : statements)
      run(statement, states);
  }
  States after(const std::vector<Statement>& statements, States states) {
    run_all(statements, states);
    return states;
  }

  template <typename Round>
  void loop(States& states, bool may_skip, Round&& round) {
    const States before = states;
    for (int i = 0; i < 4; ++i)
      round(states);
    if (may_skip) unite(states, before);
  }

  void run(const Statement& s, States& states) {
    const auto condition = [&](States& now) { use(at(s, 0), now); };
    const auto assign = [&](States& now) {
      use(at(s, 1), now);
      if (s.kind == Statement::kAdd) use(at(s, 0), now);
      flow_.edges.insert({at(s, 0), at(s, 1), kComputedFrom});
      define(at(s, 0), now);
    };
    switch (s.kind) {
      case Statement::kUse:
        use(at(s, 0), states);
        return use(at(s, 1), states);
      case Statement::kAssign:
      case Statement::kAdd:
        return assign(states);
      case Statement::kUpdate:
        use(at(s, 0), states);
        return define(at(s, 0), states);
      case Statement::kWhile:
        condition(states);
        return loop(states, true, [&](States& now) {
          run_all(s.blocks[0], now);
          condition(now);
        });
      case Statement::kDo:
        return loop(states, false, [&](States& now) {
          run_all(s.blocks[0], now);
          condition(now);
        });
      case Statement::kFor: {
        const auto look = [&](States& now) {
          use(at(s, 1), now);
          use(at(s, 2), now);
        };
        define(at(s, 0), states);
        look(states);
        return loop(states, true, [&](States& now) {
          run_all(s.blocks[0], now);
          use(at(s, 3), now);
          define(at(s, 3), now);
          look(now);
        });
      }
      case Statement::kIf:
        condition(states);
        return unite(states, after(s.blocks[0], states));
      case Statement::kIfElse: {
        condition(states);
        const States first = after(s.blocks[0], states);
        run_all(s.blocks[1], states);
        return unite(states, first);
      }
      case Statement::kSwitch:  // the first case falls through into the default
        condition(states);
        unite(states, after(s.blocks[0], states));
        return run_all(s.blocks[1], states);
      case Statement::kTry:
        unite(states, after(s.blocks[0], states));
        return unite(states, after(s.blocks[1], states));
    }
  }

  bool java_;
  std::string text_;
  std::map<Name, int> count_;
  std::map<std::pair<const Statement*, int>, Occurrence> places_;
  Flow flow_;
};

/// The extractor's edges between the names of the program.
std::set<std::tuple<Occurrence, Occurrence, int32_t>> extracted(const Program& program) {
  std::map<Name, int> count;
  std::vector<Occurrence> occurrences;
  for (int32_t i = 0; i < program.leaves.size(); ++i) {
    const std::string text = program.text(i);
    const bool is_name = text.size() == 1 && text[0] >= 'a' && text[0] <= 'd';
    occurrences.emplace_back(is_name ? text[0] : 0, is_name ? ++count[text[0]] : 0);
  }
  std::set<std::tuple<Occurrence, Occurrence, int32_t>> edges;
  for (const Edge& edge : data_flow(program.tree, program.leaves)) {
    const Occurrence from = occurrences[static_cast<size_t>(edge.from)];
    const Occurrence to = occurrences[static_cast<size_t>(edge.to)];
    if (from.first != 0 && to.first != 0) edges.insert({from, to, edge.label});
  }
  return edges;
}

TEST_CASE("dataflow braces: 400 random programs give the edges of the rules written plainly") {
  Random random(1, "brace programs");
  size_t edges = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<Statement> statements;
    for (uint64_t n = random.below(5) + 1; n > 0; --n)
      statements.push_back(random_statement(random, 4));
    for (const char* language : {"java", "javascript"}) {
      const Plain plain(statements, language == std::string("java"));
      CAPTURE(plain.text());
      const Program program(plain.text(), Language::named(language));
      REQUIRE_FALSE(program.tree.has_error());
      REQUIRE(extracted(program) == plain.flow().edges);
      edges += plain.flow().edges.size();
    }
  }
  CHECK(edges > 10'000);
}

TEST_CASE("dataflow braces: loops nested deep neither recurse nor double the work a level") {
  std::string loops;
  for (int i = 0; i < 60; ++i)
    loops += "while (a) { ";
  loops += "b = a; ";
  for (int i = 0; i < 60; ++i)
    loops += "} ";
  const Program program(loops, Language::named("java"));
  CHECK(data_flow(program.tree, program.leaves).size() == 62);
  std::string blocks;
  for (int i = 0; i < 20'000; ++i)
    blocks += "if (a) { ";
  blocks += std::string(20'000, '}');
  const Program deep(blocks, Language::named("javascript"));
  REQUIRE_FALSE(deep.tree.has_error());
  CHECK(data_flow(deep.tree, deep.leaves).size() == 19'999);
}

}  // namespace
}  // namespace ssmi::code
