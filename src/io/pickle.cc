#include "pickle.h"

#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "conversion.h"
#include "pickle_names.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

// No real state dict comes near these; together they bound time and memory.
constexpr size_t kMaxPickle = 64 << 20;
constexpr size_t kMaxOpcodes = 1 << 22;
constexpr uint8_t kMaxDepth = 64;

class Interpreter {
 public:
  Interpreter(std::span<const std::byte> bytes, const std::string& file)
      : bytes_(bytes.first(std::min(bytes.size(), kMaxPickle))), file_(file) {}

  Pickle run();

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    bad_input("{}: {}, at byte {} of the pickle", file_,
              fmt::format(format, std::forward<Args>(args)...), at_);
  }

  std::span<const std::byte> take(uint64_t count);
  std::string_view text(uint64_t count);
  template <typename Number>
  Number number();
  std::string_view line();

  void push(PickleRef ref) { stack_.push_back(ref); }
  void push_new(PickleValue value);
  PickleRef pop();
  std::vector<PickleRef> pop_to_mark();
  template <typename Type>
  Type& top(std::string_view expected);

  bool frame(uint8_t opcode);
  bool literal(uint8_t opcode);
  bool container(uint8_t opcode);
  bool memo(uint8_t opcode);
  bool call(uint8_t opcode);

  int64_t long_integer();
  void push_tuple(size_t count);
  void put(uint32_t index);
  void get(uint32_t index);
  void reduce();
  void build();
  void stack_global();

  std::span<const std::byte> bytes_;
  const std::string& file_;
  size_t at_ = 0;
  Pickle result_;
  std::vector<PickleRef> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::unordered_map<uint32_t, PickleRef> memo_;
};

std::span<const std::byte> Interpreter::take(uint64_t count) {
  if (count > bytes_.size() - at_) {
    if (bytes_.size() == kMaxPickle) refuse("has a pickle of more than {} bytes", kMaxPickle);
    refuse("is cut short: {} bytes more are expected, {} are there", count, bytes_.size() - at_);
  }
  const auto taken = bytes_.subspan(at_, static_cast<size_t>(count));
  at_ += taken.size();
  return taken;
}

std::string_view Interpreter::text(uint64_t count) {
  const auto taken = take(count);
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

template <typename Number>
Number Interpreter::number() {
  Number value;
  std::memcpy(&value, take(sizeof value).data(), sizeof value);
  return value;
}

std::string_view Interpreter::line() {
  const auto rest = bytes_.subspan(at_);
  const void* end =
      rest.empty() ? nullptr : std::memchr(rest.data(), '\n', std::min<size_t>(rest.size(), 4096));
  if (end == nullptr) refuse("has a name without an end");
  const auto length = static_cast<size_t>(static_cast<const std::byte*>(end) - rest.data());
  const std::string_view name = text(length);
  ++at_;
  return name;
}

void Interpreter::push_new(PickleValue value) {
  stack_.push_back(static_cast<PickleRef>(result_.values.size()));
  result_.values.push_back(std::move(value));
}

PickleRef Interpreter::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("takes from an empty stack");
  const PickleRef ref = stack_.back();
  stack_.pop_back();
  return ref;
}

std::vector<PickleRef> Interpreter::pop_to_mark() {
  if (marks_.empty()) refuse("has no mark on its stack");
  const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
  std::vector<PickleRef> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

template <typename Type>
Type& Interpreter::top(std::string_view expected) {
  const PickleRef ref = pop();
  push(ref);
  auto* value = std::get_if<Type>(&result_.values[ref]);
  if (value == nullptr) refuse("has no {} on its stack where one is needed", expected);
  return *value;
}

/// PROTO and FRAME, which change nothing.
bool Interpreter::frame(uint8_t opcode) {
  if (opcode == 0x95) {
    number<uint64_t>();
    return true;
  }
  if (opcode != 0x80) return false;
  const auto protocol = number<uint8_t>();
  if (protocol < 2 || protocol > 5) {
    refuse("is pickled by protocol {}, expected 2 to 5", static_cast<int>(protocol));
  }
  return true;
}

bool Interpreter::literal(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push_new(PickleNone{});
      break;
    case 0x88:
    case 0x89:
      push_new(opcode == 0x88);
      break;
    case 'J':
      push_new(int64_t{number<int32_t>()});
      break;
    case 'K':
      push_new(int64_t{number<uint8_t>()});
      break;
    case 'M':
      push_new(int64_t{number<uint16_t>()});
      break;
    case 0x8a:
      push_new(long_integer());
      break;
    case 'G':  // big endian
      push_new(std::bit_cast<double>(__builtin_bswap64(number<uint64_t>())));
      break;
    case 'X':
      push_new(text(number<uint32_t>()));
      break;
    case 0x8c:
      push_new(text(number<uint8_t>()));
      break;
    default:
      return false;
  }
  return true;
}

/// Two's complement, little endian, of as many bytes as needed.
int64_t Interpreter::long_integer() {
  const auto length = number<uint8_t>();
  if (length > sizeof(int64_t)) refuse("has an integer of {} bytes", static_cast<int>(length));
  const auto bytes = take(length);
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
  int64_t value = negative ? -1 : 0;
  if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

bool Interpreter::container(uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      break;
    case ')':
      push_new(PickleTuple{});
      break;
    case 't':
      push_new(PickleTuple{pop_to_mark()});
      break;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(opcode - size_t{0x84});
      break;
    case ']':
      push_new(PickleList{});
      break;
    case '}':
      push_new(PickleDict{});
      break;
    case 'a': {
      const PickleRef item = pop();
      top<PickleList>("list").items.push_back(item);
      break;
    }
    case 'e': {
      const auto items = pop_to_mark();
      auto& list = top<PickleList>("list").items;
      list.insert(list.end(), items.begin(), items.end());
      break;
    }
    case 's': {
      const PickleRef value = pop(), key = pop();
      auto& dict = top<PickleDict>("dict").items;
      dict.insert(dict.end(), {key, value});
      break;
    }
    case 'u': {
      const auto items = pop_to_mark();
      if (items.size() % 2 != 0) refuse("has a key without a value");
      auto& dict = top<PickleDict>("dict").items;
      dict.insert(dict.end(), items.begin(), items.end());
      break;
    }
    default:
      return false;
  }
  return true;
}

void Interpreter::push_tuple(size_t count) {
  std::vector<PickleRef> items(count);
  for (size_t i = count; i > 0; --i)
    items[i - 1] = pop();
  push_new(PickleTuple{std::move(items)});
}

bool Interpreter::memo(uint8_t opcode) {
  switch (opcode) {
    case 'q':
      put(number<uint8_t>());
      break;
    case 'r':
      put(number<uint32_t>());
      break;
    case 0x94:
      put(static_cast<uint32_t>(memo_.size()));
      break;
    case 'h':
      get(number<uint8_t>());
      break;
    case 'j':
      get(number<uint32_t>());
      break;
    default:
      return false;
  }
  return true;
}

void Interpreter::put(uint32_t index) {
  const PickleRef ref = pop();
  push(ref);
  memo_[index] = ref;
}

void Interpreter::get(uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) refuse("takes memo entry {}, which is not there", index);
  push(found->second);
}

bool Interpreter::call(uint8_t opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = line(), name = line();
      push_new(allowed_name(module, name, file_));
      break;
    }
    case 0x93:
      stack_global();
      break;
    case 'R':
      reduce();
      break;
    case 'b':
      build();
      break;
    case 'Q':
      push_new(storage_of(result_.at(pop()), result_, file_));
      break;
    default:
      return false;
  }
  return true;
}

void Interpreter::stack_global() {
  const PickleRef name = pop(), module = pop();
  const auto* name_text = std::get_if<std::string_view>(&result_.at(name));
  const auto* module_text = std::get_if<std::string_view>(&result_.at(module));
  if (name_text == nullptr || module_text == nullptr) refuse("has a name that is no text");
  push_new(allowed_name(*module_text, *name_text, file_));
}

void Interpreter::reduce() {
  const PickleRef arguments = pop(), callee = pop();
  const auto* global = std::get_if<PickleGlobal>(&result_.at(callee));
  const auto* tuple = std::get_if<PickleTuple>(&result_.at(arguments));
  if (global == nullptr || tuple == nullptr) refuse("calls what is no function");
  push_new(called(*global, *tuple, result_, file_));
}

/// The state of an OrderedDict is what Module.state_dict() adds (versions of layouts): not used.
void Interpreter::build() {
  pop();
  top<PickleDict>("dict");
}

Pickle Interpreter::run() {
  for (size_t count = 0;; ++count) {
    if (count == kMaxOpcodes) refuse("has a pickle of more than {} opcodes", kMaxOpcodes);
    const auto opcode = number<uint8_t>();
    if (opcode == '.') break;
    if (frame(opcode) || literal(opcode) || container(opcode) || memo(opcode) || call(opcode)) {
      continue;
    }
    --at_;
    refuse("has pickle opcode 0x{:02x}, which no state dict of tensors needs", opcode);
  }
  result_.root = pop();
  if (!stack_.empty() || !marks_.empty()) refuse("leaves values on its stack");
  result_.size = at_;
  return std::move(result_);
}

/// Refuses cycles and depth bombs, each value looked at once.
class TreeCheck {
 public:
  TreeCheck(const Pickle& pickle, const std::string& file)
      : pickle_(pickle), file_(file), heights_(pickle.values.size(), kNew) {}

  /// The height of the tree under `ref`, which stands at `depth`.
  uint8_t visit(PickleRef ref, uint8_t depth) {
    if (heights_[ref] == kOpen) bad_input("{}: a value of the pickle contains itself", file_);
    if (heights_[ref] == kNew) {
      heights_[ref] = kOpen;
      check(depth);
      uint8_t height = 0;
      for (const PickleRef item : items(ref))
        height = std::max<uint8_t>(height, visit(item, depth + 1) + 1);
      heights_[ref] = height;
    }
    check(depth + heights_[ref]);
    return heights_[ref];
  }

 private:
  static constexpr uint8_t kNew = 255, kOpen = 254;

  void check(int depth) const {
    if (depth > kMaxDepth) {
      bad_input("{}: the pickle is nested deeper than {} levels", file_, kMaxDepth);
    }
  }
  std::span<const PickleRef> items(PickleRef ref) const {
    const PickleValue& value = pickle_.at(ref);
    if (const auto* tuple = std::get_if<PickleTuple>(&value)) return tuple->items;
    if (const auto* list = std::get_if<PickleList>(&value)) return list->items;
    if (const auto* dict = std::get_if<PickleDict>(&value)) return dict->items;
    return {};
  }

  const Pickle& pickle_;
  const std::string& file_;
  std::vector<uint8_t> heights_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& file) {
  Pickle pickle = Interpreter(bytes, file).run();
  TreeCheck(pickle, file).visit(pickle.root, 0);
  return pickle;
}

}  // namespace ssmi::io
