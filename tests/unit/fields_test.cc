#include "common/fields.h"

#include "tests/unit/check.h"

using namespace dm;

namespace {

struct Thing {
  std::string name;
  std::int64_t count = 0;
  bool big = false;
  std::optional<std::int64_t> age;
  std::optional<double> share;
  std::optional<std::string> signal;
  std::vector<std::string> tags;
  bool operator==(const Thing&) const = default;
};

constexpr Field<Thing> kFields[] = {
    {"name", &Thing::name, WhenEmpty::kPrint, 4},
    {"count", &Thing::count},
    {"big", &Thing::big},
    {"age", &Thing::age},
    {"share", &Thing::share},
    {"signal", &Thing::signal, WhenEmpty::kOmit, 3},
    {"tag", &Thing::tags, WhenEmpty::kOmit, 2},
};

std::string printed(const Thing& thing) {
  Line line("THING");
  print_fields<Thing>(line, thing, kFields);
  return line.print();
}

Thing parsed(std::string_view text) {
  Thing thing;
  thing.name = "before";
  parse_fields<Thing>(*parse_line(text), thing, kFields);
  return thing;
}

}  // namespace

TEST(fields_print_what_is_not_empty) {
  CHECK_EQ(printed(Thing()), "THING name=\n");
  CHECK_EQ(printed({"web", 3, true, 0, 0.5, "KILL", {"a", "b"}}),
           "THING name=web count=3 big=1 age=0 signal=KILL tag=a tag=b\n");
}

TEST(fields_come_back_as_they_were) {
  const Thing thing{"web", 3, true, 0, std::nullopt, "HUP", {"a", "b"}};
  CHECK(parsed(printed(thing).substr(0, printed(thing).size() - 1)) == thing);
}

TEST(fields_that_are_absent_or_out_of_range_are_empty) {
  CHECK(parsed("THING") == Thing());
  CHECK(parsed("THING count=-1 age=x share=1e99 big=no").count == 0);
  CHECK(!parsed("THING age=9999999999999999").age);
  CHECK(!parsed("THING share=nan").share);
  CHECK_EQ(*parsed("THING share=12.5").share, 12.5);
}

TEST(fields_that_are_too_long_are_cut) {
  const Thing thing = parsed("THING name=longer signal=SIGKILL tag=a tag=b tag=c");
  CHECK_EQ(thing.name, "long");
  CHECK_EQ(*thing.signal, "SIG");
  CHECK_EQ(thing.tags.size(), 2U);
}
