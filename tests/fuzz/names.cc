// common/names.h: a name that is accepted is safe everywhere; sets fold and unfold.
#include "common/names.h"

#include <algorithm>
#include <set>

#include "common/escape.h"
#include "tests/fuzz/target.h"

using namespace dm;
using namespace dm::fuzz;

namespace {

// Whatever is made of a name - a file, a word of a shell, a field of a line - it stays one.
void check_safe(std::string_view name) {
  CHECK(!name.empty() && name.size() <= kMaxName);
  CHECK(name != "." && name != ".." && name != "all" && name[0] != '-');
  for (const char c : name)
    CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
}

void check_set(std::string_view spec) {
  const auto members = expand_workers(spec);
  if (!members) {
    CHECK(members.error().code == Code::kBadArg);
    CHECK_EQ(escape_for_terminal(members.error().message), members.error().message);
    return;
  }
  CHECK(!members->empty() && members->size() <= kMaxWorkersInSet);
  const std::set<std::string> unique(members->begin(), members->end());
  CHECK_EQ(unique.size(), members->size());
  std::vector<std::string> names;
  for (const std::string& member : *members) {
    if (member == "all" || parse_label(member)) continue;
    check_safe(member);
    CHECK(is_worker_name(member));
    names.push_back(member);
  }
  if (names.empty()) return;
  const auto again = expand_workers(fold_names(names));
  REQUIRE(again.has_value());
  CHECK(std::set<std::string>(again->begin(), again->end()) ==
        std::set<std::string>(names.begin(), names.end()));
}

}  // namespace

TARGET(names) {
  if (is_app_name(input)) check_safe(input);
  if (is_worker_name(input)) check_safe(input);
  check_safe(app_name_from_file(input));
  CHECK(is_app_name(app_name_from_file(input)));
  if (const auto name = parse_instance_name(input)) {
    CHECK(is_app_name(name->app));
    CHECK_EQ(name->app + "." + std::to_string(name->number), input);
  }
  if (const auto label = parse_label(input)) CHECK_EQ(label->key + "=" + label->value, input);
  check_set(input);

  const std::vector<std::string_view> known = {"launch", "logs", "workers forget", "kill", "ps"};
  if (const auto near = nearest(input, known))
    CHECK(std::find(known.begin(), known.end(), *near) != known.end());
  if (std::find(known.begin(), known.end(), input) != known.end())
    CHECK_EQ(nearest(input, known).value_or(""), input);
  // Foreign names are folded as well, for people's eyes.
  std::vector<std::string> foreign;
  for (const std::string_view row : rows_of(input)) foreign.emplace_back(row);
  const std::string folded = fold_names(foreign);
  std::reverse(foreign.begin(), foreign.end());
  CHECK_EQ(fold_names(foreign), folded);
}
