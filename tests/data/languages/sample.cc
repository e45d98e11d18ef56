#include <vector>
#define TWICE(x) (2 * (x))

namespace a::b {

/// A point.
template <typename T, int N = 3>
class Point final : public Base<T> {
 public:
  explicit Point(int x) noexcept : Base<T>(x), x_{x} {}
  Point(const Point&) = delete;
  virtual ~Point() = default;
  Point& operator+=(const Point& o) & { x_ += o.x_; return *this; }
  operator bool() const { return x_ != 0; }
  static constexpr auto kText = R"x(raw "text")x";

 private:
  int x_ = 0;
};

enum class Colour : unsigned { kRed = 1'000, kGreen };
using Names = std::vector<std::string>;
template <class T> concept Small = requires(T t) { { t.size() } -> Same<int>; sizeof(T) < 8; };

template <typename... A>
auto run(A&&... args) -> decltype(auto) {
  auto [first, second] = std::pair{1, 2.5f};
  for (const auto& x : Names{"a" "b", "c"}) {
    if (auto it = x.find('q'); it != x.npos and not x.empty()) continue; /* why */
  }
  auto f = [&, second = std::move(second)](int y) mutable -> int { return y ? first : -1; };
  try { throw std::runtime_error("no"); } catch (const std::exception& e) { delete new int[3]; } catch (...) {}
  while (true) { do { break; } while (false); }
  switch (first) { case 1: return nullptr; default: ; }
  if constexpr (sizeof...(A) > 1) return static_cast<int>((args + ...));
  co_return TWICE(first) <=> 2;
}

template <> int Point<int>::norm() const { return this->x_; }

}  // namespace a::b
