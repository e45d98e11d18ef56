#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::task {

/// The class of all types that have none of their own.
inline constexpr std::string_view kOtherType = "other";

/// A type in one of the ways it can be written: no spaces, no quotes around it, `typing.` left out,
/// `list` for `List` (and `dict`, `set`, `tuple`, `type`), `X|None` for `Optional[X]`.
std::string plain_type(std::string_view type);

/// The `count` most frequent types of a file of rows with `targets`, most frequent first, then
/// kOtherType. Throws as read_types() does.
std::vector<std::string> frequent_types(const std::filesystem::path& path, int64_t count,
                                        std::span<const std::string> excluded = {});

/// Where a name stands whose type was annotated, and which class that is.
struct TypedPlace {
  int64_t begin, end;  ///< its tokens
  int64_t label;
};

struct TypedFunction {
  std::vector<int64_t> ids;
  std::vector<TypedPlace> places;  ///< at least one
};

struct TypedFunctions {
  std::vector<TypedFunction> functions;
  int64_t rows = 0;
  int64_t excluded = 0;  ///< further rows, left out because of their package
  int64_t targets = 0;   ///< annotations, of which
  int64_t unplaced = 0;  ///< no such name is bound in the code, which may not parse
  int64_t cut_off = 0;   ///< it stands beyond the tokens that are read
  std::string sha256;    ///< of codes and targets
};

/// Reads JSON Lines whose rows have a `code` without annotations and `targets`, a list of [kind,
/// name, type] of kind "param", "return" or "var". A parameter or variable is judged where its name
/// is first bound, a return type at the function's name. Functions are read up to `length` tokens;
/// those without a place, or of an excluded package (is_of()), are left out. Throws Error{kDisk},
/// Error{kBadInput} for rows of another form and where no place is found, Error{kMismatch} where
/// `classes` lack kOtherType.
TypedFunctions read_types(const std::filesystem::path& path, const text::Tokenizer& tokenizer,
                          const std::vector<std::string>& classes, int64_t length,
                          std::span<const std::string> excluded = {});

/// Functions laid end to end, and their places in them.
struct TypeBatch {
  model::Batch batch;
  std::vector<TypedPlace> places;  ///< tokens of the batch
  at::Tensor labels;               ///< [M] int64
};

TypeBatch type_batch(std::span<const TypedFunction> functions);

/// The mean over each place's tokens: [M, width] of x [S, width]. Gradients pass.
at::Tensor place_means(const at::Tensor& x, std::span<const TypedPlace> places);

/// What the model's head says of each place: [M, labels]. Gradients pass. Throws Error{kMismatch}
/// where the head does not give each token a value for each label.
at::Tensor place_logits(const model::Model& model, const TypeBatch& batch, int64_t labels);

}  // namespace ssmi::task
