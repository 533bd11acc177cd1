#include "common/fields.h"

#include <charconv>

namespace dm {
namespace {

constexpr std::int64_t kMostFigure = 1'000'000'000'000'000;
constexpr double kMostDecimal = 1e9;

}  // namespace

std::optional<std::int64_t> figure(const Line& line, std::string_view key) {
  const auto value = line.number(key);
  return value && *value >= 0 && *value <= kMostFigure ? value : std::nullopt;
}

std::optional<double> decimal(const Line& line, std::string_view key) {
  const auto text = line.get(key);
  if (!text) return std::nullopt;
  double value = 0;
  const char* last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, value);
  const bool sane = error == std::errc() && end == last && value >= 0 && value < kMostDecimal;
  return sane ? std::optional(value) : std::nullopt;
}

}  // namespace dm
