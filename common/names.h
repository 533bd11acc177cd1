// common/names.h - the names of apps, workers, labels and instances, and sets of workers. Pure:
// knows the grammar of names, never which of them exist.
//
//   app     [a-z0-9][a-z0-9_-]{0,62}, but not "all"
//   worker  [a-z0-9][a-z0-9._-]{0,62}, but not "all"; so never "." or ".." or a path
//   label   KEY=VALUE, both like a worker's name ("all" is no special word there)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dm {

inline constexpr std::size_t kMaxName = 63;  // bytes
inline constexpr std::size_t kMaxWorkersInSet = 10000;
inline constexpr std::int64_t kMaxInstanceNumber = 999'999'999;

bool is_app_name(std::string_view text);
bool is_worker_name(std::string_view text);
bool is_label_key(std::string_view text);
bool is_label_value(std::string_view text);

struct Label {
  std::string key;
  std::string value;
};
// "rack=r1"; nullopt where it is no label. It is split at the first "=".
std::optional<Label> parse_label(std::string_view text);

// The app name of a file without --as: its base name in lower case, each other character as "-"
// (one for a character of several bytes), without leading "-" and "_", cut at kMaxName bytes;
// "app" where nothing is left, "app-all" for "all". Always a valid app name.
std::string app_name_from_file(std::string_view path);

struct InstanceName {
  std::string app;
  std::int64_t number = 0;
};
// "APP.N", N decimal from 1 to kMaxInstanceNumber without leading zeros; nullopt for anything else.
std::optional<InstanceName> parse_instance_name(std::string_view text);

// The members of a WORKERS argument, in order and each once: comma-separated names, "all",
// "key=value" labels, and names with numeric ranges: "w[1-50]", "w[1,3-5]", "r[1-2]n[1-8]".
// Leading zeros give the width: "w[08-10]" is w08, w09, w10. The result still holds "all" and
// labels as they are: the caller knows which workers these mean.
// Errors: bad-arg, for what is none of these, and for more than kMaxWorkersInSet members
// (repeated ones count as well).
Result<std::vector<std::string>> expand_workers(std::string_view spec);

// The reverse, for people: names in order, each once, with the last number of each folded into
// ranges: w1 w2 w3 x -> "w[1-3],x". For worker names expand_workers() gives the same set again.
std::string fold_names(const std::vector<std::string>& names);

// The known word that `word` may be a typing error for: at most two insertions, deletions, changes
// or swaps of neighbours away, and fewer than half of the length of `word` plus one; for a word of
// up to four letters it begins with the same one. The nearest one, the first of equals; nullopt
// where none is near.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string_view>& known);

}  // namespace dm
