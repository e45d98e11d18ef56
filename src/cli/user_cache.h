#pragma once

#include <optional>

#include "ssmi/core/json.h"
#include "ssmi/io/activation_cache.h"

namespace ssmi::cli {

/// The activation cache of this user: the folder SSMI_CACHE, else ssmi in XDG_CACHE_HOME, else
/// ~/.cache/ssmi; nothing where none of them is named. SSMI_CACHE_BYTES is the most it keeps, 8 GB
/// without it. Throws Error{kUsage} where that is no number.
std::optional<io::ActivationCache> user_cache(const Json& environment = {});

/// Why user_cache() gave nothing, with the way out.
inline constexpr const char* kNoCacheFolder =
    "there is no folder for the cache: set SSMI_CACHE, XDG_CACHE_HOME or HOME";

}  // namespace ssmi::cli
