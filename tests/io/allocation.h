#pragma once

#include <atomic>
#include <cstddef>

#ifdef __SANITIZE_ADDRESS__
// Of sanitizer/allocator_interface.h, which GCC does not install.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             size_t),
                                                         void (*free_hook)(const volatile void*));
#endif

namespace ssmi::test {

/// Notes the largest single allocation by anyone in the process while it lives. Sees only what
/// AddressSanitizer shows it: nothing in other builds.
class AllocationWatch {
 public:
#ifdef __SANITIZE_ADDRESS__
  static constexpr bool kSees = true;
  AllocationWatch() {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, size_t size) {
          if (size > largest_) largest_ = size;
        },
        [](const volatile void*) {});
    static_cast<void>(installed);
    largest_ = 0;
  }
#else
  static constexpr bool kSees = false;
  AllocationWatch() { largest_ = 0; }
#endif

  size_t largest() const { return largest_; }

 private:
  static inline std::atomic<size_t> largest_ = 0;
};

}  // namespace ssmi::test
