#include "common/names.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "common/escape.h"
#include "common/utf8.h"

namespace dm {
namespace {

constexpr std::size_t kMaxDigits = 9;  // of an instance's or a range's number

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}
bool is_app_char(char c) {
  return is_alnum(c) || c == '_' || c == '-';
}
bool is_worker_char(char c) {
  return is_app_char(c) || c == '.';
}

bool is_name(std::string_view text, bool (*is_char)(char)) {
  return !text.empty() && text.size() <= kMaxName && is_alnum(text[0]) &&
         std::all_of(text.begin(), text.end(), is_char);
}

std::optional<std::int64_t> to_number(std::string_view digits) {
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

bool has_leading_zero(std::string_view digits) {
  return digits.size() > 1 && digits[0] == '0';
}

Error bad_set(std::string_view what, std::string_view item) {
  return fail(Code::kBadArg, std::string(what) + ": " + excerpt(item));
}

Error too_many() {
  return fail(Code::kBadArg,
              "more than " + std::to_string(kMaxWorkersInSet) + " workers in one set");
}

// Takes the text up to the next comma that stands outside brackets, and the comma. The commas of
// an item with no closing bracket all belong to it, so that its message shows what was typed.
std::string_view take_item(std::string_view& rest) {
  bool inside = false;
  std::size_t end = 0;
  for (; end < rest.size() && (inside || rest[end] != ','); ++end) {
    if (rest[end] == '[') inside = true;
    if (rest[end] == ']') inside = false;
  }
  const std::string_view item = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return item;
}

// Appends the numbers of one "N" or "N-M" to `out`.
Status expand_range(std::string_view range, std::vector<std::string>& out) {
  const std::size_t dash = range.find('-');
  const std::string_view low = range.substr(0, dash);
  const std::string_view high = dash == range.npos ? low : range.substr(dash + 1);
  const auto first = to_number(low);
  const auto last = to_number(high);
  if (!first || !last) return bad_set("not a range of numbers", range);
  if (*first > *last) return bad_set("a range that goes backwards", range);
  // [1-010] has no one width, so it is not clear what is meant.
  if (has_leading_zero(high) && high.size() != low.size())
    return bad_set("a range whose ends differ in width", range);
  const std::size_t width = has_leading_zero(low) ? low.size() : 0;
  if (static_cast<std::size_t>(*last - *first) >= kMaxWorkersInSet - out.size()) return too_many();
  for (std::int64_t number = *first; number <= *last; ++number)
    out.push_back(padded(number, width));
  return {};
}

// The numbers of the inside of a pair of brackets.
Result<std::vector<std::string>> expand_ranges(std::string_view list) {
  std::vector<std::string> numbers;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    more = comma != list.npos;
    const Status status = expand_range(list.substr(0, comma), numbers);
    if (!status) return status.error();
    list.remove_prefix(more ? comma + 1 : list.size());
  }
  return numbers;
}

// Every name with every ending. The caller keeps names and endings short, which bounds the result.
std::vector<std::string> cross(const std::vector<std::string>& names,
                               const std::vector<std::string>& endings) {
  std::vector<std::string> out;
  out.reserve(names.size() * endings.size());
  for (const std::string& name : names)
    for (const std::string& ending : endings) out.push_back(name + ending);
  return out;
}

Result<std::vector<std::string>> expand_name(std::string_view item) {
  std::vector<std::string> names{""};
  std::string_view rest = item;
  while (!rest.empty()) {
    const std::size_t open = rest.find('[');
    const std::string literal(rest.substr(0, open));
    // Refused before it is repeated: ten thousand copies of a long line are a lot of memory.
    if (names[0].size() + literal.size() > kMaxName) return bad_set("name too long", item);
    names = cross(names, {literal});
    rest.remove_prefix(literal.size());
    if (rest.empty()) break;
    const std::size_t close = rest.find(']');
    if (close == rest.npos) return bad_set("missing ]", item);
    const auto numbers = expand_ranges(rest.substr(1, close - 1));
    if (!numbers) return numbers.error();
    if (names.size() * numbers->size() > kMaxWorkersInSet) return too_many();
    names = cross(names, *numbers);
    rest.remove_prefix(close + 1);
  }
  for (const std::string& name : names)
    if (!is_worker_name(name)) return bad_set("not a worker name", name);
  return names;
}

Result<std::vector<std::string>> expand_item(std::string_view item) {
  if (item == "all" || parse_label(item)) return std::vector<std::string>{std::string(item)};
  if (item.find('=') != item.npos) return bad_set("not a label", item);
  if (item.empty()) return fail(Code::kBadArg, "an empty name in the set of workers");
  return expand_name(item);
}

// A name around its last number.
struct Split {
  std::string_view prefix;
  std::string_view digits;  // empty where there is no number of at most kMaxDigits
  std::string_view suffix;
};

Split split_name(std::string_view name) {
  const auto last = std::find_if(name.rbegin(), name.rend(), is_digit);
  const auto before = std::find_if_not(last, name.rend(), is_digit);
  const auto digits = static_cast<std::size_t>(before - last);
  const auto suffix = static_cast<std::size_t>(last - name.rbegin());
  if (digits == 0 || digits > kMaxDigits) return {name, {}, {}};
  const std::size_t at = name.size() - suffix - digits;
  return {name.substr(0, at), name.substr(at, digits), name.substr(at + digits)};
}

// Names that differ in one number alone. Width 0: numbers without leading zeros. kPlain keeps the
// name "w" apart from the family of "w1".
constexpr std::size_t kPlain = kMaxDigits + 1;
using Family =
    std::tuple<std::string_view, std::string_view, std::size_t>;  // prefix, suffix, width
using Families = std::map<Family, std::set<std::int64_t>>;

// "10" belongs to the family of "08" and "09", if there is one.
Families families_of(const std::vector<std::string>& names) {
  Families families;
  for (const std::string& name : names) {
    const auto [prefix, digits, suffix] = split_name(name);
    if (has_leading_zero(digits))
      families[{prefix, suffix, digits.size()}].insert(*to_number(digits));
  }
  for (const std::string& name : names) {
    const auto [prefix, digits, suffix] = split_name(name);
    if (digits.empty()) {
      families[{prefix, suffix, kPlain}];
      continue;
    }
    const bool is_padded = families.contains({prefix, suffix, digits.size()});
    families[{prefix, suffix, is_padded ? digits.size() : 0}].insert(*to_number(digits));
  }
  return families;
}

std::string fold_numbers(const std::set<std::int64_t>& numbers, std::size_t width) {
  std::string out;
  for (auto first = numbers.begin(); first != numbers.end();) {
    auto last = first;
    auto next = std::next(first);
    while (next != numbers.end() && *next == *last + 1) last = next++;
    if (!out.empty()) out += ',';
    out += padded(*first, width);
    if (last != first) out += "-" + padded(*last, width);
    first = next;
  }
  return numbers.size() == 1 ? out : "[" + out + "]";
}

constexpr std::size_t kMostEdits = 2;
constexpr std::size_t kLongestTypo = 64;  // bytes; beyond it nobody counts edits
constexpr std::size_t kShortWord = 4;

// Optimal string alignment: Levenshtein's distance, where a swap of neighbours is one edit.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kLongestTypo + 1>;
  Row before_last{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

bool is_app_name(std::string_view text) {
  return is_name(text, is_app_char) && text != "all";
}

bool is_worker_name(std::string_view text) {
  return is_name(text, is_worker_char) && text != "all";
}

bool is_label_key(std::string_view text) {
  return is_name(text, is_worker_char);
}

bool is_label_value(std::string_view text) {
  return is_name(text, is_worker_char);
}

std::optional<Label> parse_label(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return std::nullopt;
  const std::string_view key = text.substr(0, equals);
  const std::string_view value = text.substr(equals + 1);
  if (!is_label_key(key) || !is_label_value(value)) return std::nullopt;
  return Label{std::string(key), std::string(value)};
}

std::string app_name_from_file(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  std::string name;
  while (!path.empty() && name.size() < kMaxName) {
    char c = path[0];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!is_app_char(c)) c = '-';
    if (!name.empty() || is_alnum(c)) name += c;
    path.remove_prefix(decode(path).length);
  }
  if (name.empty()) return "app";
  return name == "all" ? "app-all" : name;
}

std::optional<InstanceName> parse_instance_name(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos || !is_app_name(text.substr(0, dot))) return std::nullopt;
  const std::string_view digits = text.substr(dot + 1);
  const auto number = to_number(digits);
  if (!number || digits[0] == '0') return std::nullopt;
  return InstanceName{std::string(text.substr(0, dot)), *number};
}

Result<std::vector<std::string>> expand_workers(std::string_view spec) {
  std::vector<std::string> members;
  std::set<std::string> seen;
  std::size_t total = 0;  // repeated ones count too, for they cost as much time
  for (bool more = true; more;) {
    const std::string_view item = take_item(spec);
    // A comma at the very end leaves nothing behind it, which is an empty name.
    more = spec.data() != item.data() + item.size();
    auto names = expand_item(item);
    if (!names) return names.error();
    total += names->size();
    if (total > kMaxWorkersInSet) return too_many();
    for (std::string& name : *names)
      if (seen.insert(name).second) members.push_back(std::move(name));
  }
  return members;
}

std::string fold_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& [family, numbers] : families_of(names)) {
    const auto& [prefix, suffix, width] = family;
    if (!out.empty()) out += ',';
    out += prefix;
    if (!numbers.empty()) out += fold_numbers(numbers, width);
    out += suffix;
  }
  return out;
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string_view>& known) {
  if (word.size() > kLongestTypo) return std::nullopt;
  std::optional<std::string> best;
  std::size_t limit = std::min(kMostEdits, word.size() / 2) + 1;  // edits must be fewer
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongestTypo) continue;
    // In a short word a wrong first letter is rather another word: top is not stop.
    const bool is_short = word.size() <= kShortWord;
    if (is_short && !candidate.starts_with(word.substr(0, 1))) continue;
    const std::size_t edits = distance(word, candidate);
    if (edits >= limit) continue;
    limit = edits;
    best = std::string(candidate);
  }
  return best;
}

}  // namespace dm
