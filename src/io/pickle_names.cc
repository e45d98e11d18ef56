#include "pickle_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "conversion.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

constexpr size_t kMaxDimensions = 64;  // PyTorch's

struct Row {
  std::string_view module, name;
  PickleGlobal meaning;
};

constexpr std::array kAllowed{
    Row{"collections", "OrderedDict", {PickleName::kOrderedDict, {}}},
    Row{"torch", "Size", {PickleName::kSize, {}}},
    Row{"torch._utils", "_rebuild_tensor", {PickleName::kRebuildTensor, {}}},
    Row{"torch._utils", "_rebuild_tensor_v2", {PickleName::kRebuildTensorV2, {}}},
    Row{"torch._utils", "_rebuild_tensor_v3", {PickleName::kRebuildTensorV3, {}}},
    Row{"torch._utils", "_rebuild_parameter", {PickleName::kRebuildParameter, {}}},
    Row{"torch.storage", "UntypedStorage", {PickleName::kStorage, {}}},
    Row{"torch", "BoolStorage", {PickleName::kStorage, Dtype::kBool}},
    Row{"torch", "ByteStorage", {PickleName::kStorage, Dtype::kU8}},
    Row{"torch", "CharStorage", {PickleName::kStorage, Dtype::kI8}},
    Row{"torch", "ShortStorage", {PickleName::kStorage, Dtype::kI16}},
    Row{"torch", "IntStorage", {PickleName::kStorage, Dtype::kI32}},
    Row{"torch", "LongStorage", {PickleName::kStorage, Dtype::kI64}},
    Row{"torch", "HalfStorage", {PickleName::kStorage, Dtype::kF16}},
    Row{"torch", "BFloat16Storage", {PickleName::kStorage, Dtype::kBF16}},
    Row{"torch", "FloatStorage", {PickleName::kStorage, Dtype::kF32}},
    Row{"torch", "DoubleStorage", {PickleName::kStorage, Dtype::kF64}},
    Row{"torch", "ComplexFloatStorage", {PickleName::kStorage, Dtype::kC64}},
    // The types without a storage class of their own, of _rebuild_tensor_v3.
    Row{"torch", "uint16", {PickleName::kDtype, Dtype::kU16}},
    Row{"torch", "uint32", {PickleName::kDtype, Dtype::kU32}},
    Row{"torch", "uint64", {PickleName::kDtype, Dtype::kU64}},
    Row{"torch", "float8_e4m3fn", {PickleName::kDtype, Dtype::kF8_E4M3}},
    Row{"torch", "float8_e5m2", {PickleName::kDtype, Dtype::kF8_E5M2}},
    Row{"torch", "float8_e8m0fnu", {PickleName::kDtype, Dtype::kF8_E8M0}},
    Row{"torch", "float8_e4m3fnuz", {PickleName::kDtype, Dtype::kF8_E4M3FNUZ}},
    Row{"torch", "float8_e5m2fnuz", {PickleName::kDtype, Dtype::kF8_E5M2FNUZ}},
};

/// Reads the arguments of a call one after the other.
class Arguments {
 public:
  Arguments(const std::vector<PickleRef>& items, const Pickle& pickle, const std::string& file,
            std::string_view callee)
      : items_(items), pickle_(pickle), file_(file), callee_(callee) {}

  bool done() const { return at_ == items_.size(); }
  [[noreturn]] void refuse() const {
    bad_input("{}: the arguments of {} are not what torch.save writes", file_, callee_);
  }
  void finish() const {
    if (!done()) refuse();
  }
  const PickleValue& any() {
    if (done()) refuse();
    return pickle_.at(items_[at_++]);
  }
  template <typename Type>
  const Type& take() {
    const auto* value = std::get_if<Type>(&any());
    if (value == nullptr) refuse();
    return *value;
  }
  int64_t count() {
    const int64_t value = take<int64_t>();
    if (value < 0) refuse();
    return value;
  }
  std::vector<int64_t> counts() {
    const auto& tuple = take<PickleTuple>();
    if (tuple.items.size() > kMaxDimensions) {
      bad_input("{}: a tensor has more than {} dimensions", file_, kMaxDimensions);
    }
    std::vector<int64_t> values;
    Arguments inside(tuple.items, pickle_, file_, callee_);
    while (!inside.done())
      values.push_back(inside.count());
    return values;
  }
  PickleName name_of_class() { return take<PickleGlobal>().name; }

 private:
  const std::vector<PickleRef>& items_;
  const Pickle& pickle_;
  const std::string& file_;
  std::string_view callee_;
  size_t at_ = 0;
};

/// requires_grad and the (empty) dict of hooks.
void skip_gradient(Arguments& arguments) {
  arguments.take<bool>();
  arguments.take<PickleDict>();
}

/// The optional last argument: None or an empty dict. Conjugate and negative bits would be there.
void skip_metadata(Arguments& arguments) {
  if (arguments.done()) return;
  const PickleValue& value = arguments.any();
  const auto* dict = std::get_if<PickleDict>(&value);
  const bool empty = dict != nullptr && dict->items.empty();
  if (!empty && !std::holds_alternative<PickleNone>(value)) arguments.refuse();
}

PickleValue rebuild_tensor(PickleName version, Arguments arguments) {
  PickleTensor tensor{*arguments.take<std::shared_ptr<const PickleStorage>>(), {}, 0, {}, {}};
  tensor.offset = arguments.count();
  tensor.shape = arguments.counts();
  tensor.strides = arguments.counts();
  if (version != PickleName::kRebuildTensor) skip_gradient(arguments);
  auto dtype = tensor.storage.dtype;
  if (version == PickleName::kRebuildTensorV3) {
    const auto& named = arguments.take<PickleGlobal>();
    if (named.name != PickleName::kDtype || dtype) arguments.refuse();
    dtype = named.dtype;
  }
  if (version != PickleName::kRebuildTensor) skip_metadata(arguments);
  arguments.finish();
  if (!dtype || tensor.shape.size() != tensor.strides.size()) arguments.refuse();
  tensor.dtype = *dtype;
  return std::make_shared<const PickleTensor>(std::move(tensor));
}

}  // namespace

PickleGlobal allowed_name(std::string_view module, std::string_view name, const std::string& file) {
  const auto* found = std::find_if(kAllowed.begin(), kAllowed.end(), [&](const Row& row) {
    return row.module == module && row.name == name;
  });
  if (found != kAllowed.end()) return found->meaning;
  if (module == "torch" && name.ends_with("Storage")) {
    bad_input("{}: holds a torch.{}, whose element type is not read", file, excerpt(name));
  }
  bad_input("{}: holds a pickled Python object '{}.{}', expected a state dict of tensors; {}", file,
            excerpt(module), excerpt(name), conversion_of_pickle(file));
}

PickleValue called(const PickleGlobal& callee, const PickleTuple& arguments, const Pickle& pickle,
                   const std::string& file) {
  const auto* row = std::find_if(kAllowed.begin(), kAllowed.end(), [&](const Row& candidate) {
    return candidate.meaning.name == callee.name;
  });
  Arguments list(arguments.items, pickle, file, row->name);
  switch (callee.name) {
    case PickleName::kOrderedDict:
      list.finish();
      return PickleDict{};
    case PickleName::kSize: {
      const auto& size = list.take<PickleTuple>();
      if (size.items.size() > kMaxDimensions) list.refuse();  // it is copied
      list.finish();
      return size;
    }
    case PickleName::kRebuildParameter: {
      auto tensor = list.take<std::shared_ptr<const PickleTensor>>();
      skip_gradient(list);
      list.finish();
      return tensor;
    }
    case PickleName::kStorage:
    case PickleName::kDtype:
      bad_input("{}: calls a type of torch, which no state dict does", file);
    default:
      return rebuild_tensor(callee.name, list);
  }
}

PickleValue storage_of(const PickleValue& id, const Pickle& pickle, const std::string& file) {
  static const PickleTuple kNothing;
  const auto* tuple = std::get_if<PickleTuple>(&id);
  Arguments list((tuple != nullptr ? *tuple : kNothing).items, pickle, file, "a persistent id");
  if (list.take<std::string_view>() != "storage") list.refuse();
  const auto& type = list.take<PickleGlobal>();
  if (type.name != PickleName::kStorage) list.refuse();
  PickleStorage storage{list.take<std::string_view>(), type.dtype, 0};
  list.take<std::string_view>();  // the device it was on
  storage.numel = list.count();
  // The legacy format has views of storages there, which PyTorch stopped writing in 0.4.
  if (!list.done()) list.take<PickleNone>();
  list.finish();
  return std::make_shared<const PickleStorage>(storage);
}

}  // namespace ssmi::io
