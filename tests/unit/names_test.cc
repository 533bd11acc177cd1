#include "common/names.h"

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/check.h"

using namespace dm;

namespace {

// The members joined by blanks; "!" and the message for an error.
std::string expanded(std::string_view spec) {
  const auto members = expand_workers(spec);
  if (!members) return "!" + members.error().message;
  std::string out;
  for (const std::string& member : *members) out += (out.empty() ? "" : " ") + member;
  return out;
}

std::string typo(std::string_view word, const std::vector<std::string_view>& known) {
  return nearest(word, known).value_or("(none)");
}

}  // namespace

TEST(names_of_apps) {
  for (std::string_view good : {"a", "0", "app", "my-app_2", "9-", "alle", "a--"})
    CHECK(is_app_name(good));
  for (std::string_view bad :
       {"", "all", "-a", "_a", "A", "aB", "a.b", "a/b", "a b", "..", "a\n", "caf\xC3\xA9", "a=b"})
    CHECK(!is_app_name(bad));
  CHECK(is_app_name(std::string(63, 'a')));
  CHECK(!is_app_name(std::string(64, 'a')));
  CHECK(!is_app_name(std::string_view("a\0", 2)));
}

TEST(names_of_workers_may_hold_dots) {
  for (std::string_view good : {"w1", "node1.rack2", "a.", "a..b", "10.0.0.1"})
    CHECK(is_worker_name(good));
  for (std::string_view bad : {"", "all", ".", "..", ".a", "-a", "W1", "a/..", "a,b", "w[1]"})
    CHECK(!is_worker_name(bad));
  CHECK(is_worker_name(std::string(63, 'w')));
  CHECK(!is_worker_name(std::string(64, 'w')));
}

TEST(names_allow_no_other_byte) {
  constexpr std::string_view kApp = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string inside{'a', c}, first{c, 'a'};
    const bool in_app = kApp.find(c) != std::string_view::npos;
    CHECK_EQ(is_app_name(inside), in_app);
    CHECK_EQ(is_worker_name(inside), in_app || c == '.');
    CHECK_EQ(is_app_name(first), in_app && c != '_' && c != '-');
    CHECK_EQ(is_worker_name(first), in_app && c != '_' && c != '-');
  }
}

TEST(names_of_labels) {
  const auto label = parse_label("rack.zone=r-1.b");
  REQUIRE(label.has_value());
  CHECK_EQ(label->key, "rack.zone");
  CHECK_EQ(label->value, "r-1.b");
  CHECK(is_label_key("all") && is_label_value("all"));
  for (std::string_view bad : {"", "rack", "=", "rack=", "=r1", "a=b=c", "a=B", "a=b,c", "a=b c"})
    CHECK(!parse_label(bad));
}

TEST(names_of_apps_from_files) {
  CHECK_EQ(app_name_from_file("/usr/bin/Server"), "server");
  CHECK_EQ(app_name_from_file("my app.sh"), "my-app-sh");
  CHECK_EQ(app_name_from_file("dir/"), "dir");
  CHECK_EQ(app_name_from_file("./__-x_-"), "x_-");
  CHECK_EQ(app_name_from_file("caf\xC3\xA9.1"), "caf--1");
  CHECK_EQ(app_name_from_file("a\xFF\xFE"), "a--");
  CHECK_EQ(app_name_from_file("/opt/ALL"), "app-all");
  for (std::string_view none : {"", "/", "///", "..", "-", "a/--", "\xE6\x97\xA5"})
    CHECK_EQ(app_name_from_file(none), "app");
  CHECK_EQ(app_name_from_file(std::string(100, '-') + std::string(100, 'x')), std::string(63, 'x'));
}

TEST(names_from_files_are_always_valid) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second)
      CHECK(is_app_name(
          app_name_from_file(std::string{static_cast<char>(first), static_cast<char>(second)})));
}

TEST(names_of_instances) {
  const auto name = parse_instance_name("my-app.120");
  REQUIRE(name.has_value());
  CHECK_EQ(name->app, "my-app");
  CHECK_EQ(name->number, 120);
  CHECK(parse_instance_name("a.999999999").has_value());
  for (std::string_view bad : {"", "a", "a.", ".1", "a.0", "a.01", "a.1x", "a.-1", "a.+1", "a. 1",
                               "a.1.2", "a.1000000000", "A.1", "all.1", "a.b.1"})
    CHECK(!parse_instance_name(bad));
}

TEST(names_expand_sets_of_workers) {
  CHECK_EQ(expanded("w1"), "w1");
  CHECK_EQ(expanded("w2,w1,all,rack=r1"), "w2 w1 all rack=r1");
  CHECK_EQ(expanded("w[1-3]"), "w1 w2 w3");
  CHECK_EQ(expanded("w[08-10]"), "w08 w09 w10");
  CHECK_EQ(expanded("w[098-101]"), "w098 w099 w100 w101");
  CHECK_EQ(expanded("w[0-1]"), "w0 w1");
  CHECK_EQ(expanded("w[1,3-5],x"), "w1 w3 w4 w5 x");
  CHECK_EQ(expanded("w[01,7]b"), "w01b w7b");
  CHECK_EQ(expanded("r[1-2]n[1-2].lan"), "r1n1.lan r1n2.lan r2n1.lan r2n2.lan");
  CHECK_EQ(expanded("[1-2]"), "1 2");
  CHECK_EQ(expanded("w1,w[1-2],w1,all,all"), "w1 w2 all");
}

TEST(names_refuse_bad_sets) {
  const std::string empty = "!an empty name in the set of workers";
  for (std::string_view bad : {"", ",", "w1,", ",w1", "w1,,w2"}) CHECK_EQ(expanded(bad), empty);
  CHECK_EQ(expanded("w[1-3"), "!missing ]: w[1-3");
  CHECK_EQ(expanded("w[1,2"), "!missing ]: w[1,2");
  CHECK_EQ(expanded("w]"), "!not a worker name: w]");
  CHECK_EQ(expanded("W1"), "!not a worker name: W1");
  CHECK_EQ(expanded("a\nb"), "!not a worker name: a\\x0Ab");
  CHECK_EQ(expanded("a[1-2]ll/"), "!not a worker name: a1ll/");
  CHECK_EQ(expanded("rack=R"), "!not a label: rack=R");
  CHECK_EQ(expanded("rack=r[1-2]"), "!not a label: rack=r[1-2]");
  CHECK_EQ(expanded("w[3-1]"), "!a range that goes backwards: 3-1");
  CHECK_EQ(expanded("w[1-010]"), "!a range whose ends differ in width: 1-010");
  for (std::string_view bad : {"w[]", "w[1-]", "w[-1]", "w[1--2]", "w[a]", "w[1,]", "w[1 -2]",
                               "w[[1]]", "w[1-9999999999]"})
    CHECK(expanded(bad).starts_with("!not a range of numbers"));
  CHECK(expand_workers("w[").error().code == Code::kBadArg);
}

TEST(names_bound_the_size_of_a_set) {
  const std::string too_many = "!more than 10000 workers in one set";
  CHECK_EQ(expand_workers("w[1-10000]").value().size(), kMaxWorkersInSet);
  CHECK_EQ(expand_workers("r[1-100]n[1-100]").value().size(), kMaxWorkersInSet);
  for (std::string_view bad :
       {"w[0-10000]", "w[0-999999999]", "w[1-10000],x", "w[1-10000,1]", "r[1-100]n[1-101]",
        "a[1-9999]b[1-9999]c[1-9999]", "w[1-5000],w[1-5000],w[1-5000]"})
    CHECK_EQ(expanded(bad), too_many);
  const std::string tail(60000, 'a');
  CHECK(expanded("w[1-10000]" + tail).starts_with("!name too long: w[1-10000]aaa"));
  CHECK(expanded("w[1-10000]" + tail).size() < 100);
  CHECK(expanded(tail).starts_with("!name too long"));
}

TEST(names_fold_for_people) {
  CHECK_EQ(fold_names({}), "");
  CHECK_EQ(fold_names({"w1"}), "w1");
  CHECK_EQ(fold_names({"w3", "x", "w1", "w2", "w1"}), "w[1-3],x");
  CHECK_EQ(fold_names({"w1", "w2", "w4", "w10", "w11"}), "w[1-2,4,10-11]");
  CHECK_EQ(fold_names({"w08", "w09", "w10", "w100", "w7"}), "w[7,100],w[08-10]");
  CHECK_EQ(fold_names({"n1.lan", "n2.lan", "n1.wan"}), "n[1-2].lan,n1.wan");
  CHECK_EQ(fold_names({"r1n1", "r1n2", "r2n1"}), "r1n[1-2],r2n1");
  CHECK_EQ(fold_names({"w", "w1", "w2"}), "w[1-2],w");
  CHECK_EQ(fold_names({"w1234567890", "w1234567891"}), "w1234567890,w1234567891");
}

TEST(names_fold_and_expand_are_inverse) {
  constexpr std::string_view kStems[] = {"w", "w0", "node-", "r1n", "1.", "x00"};
  std::uint32_t random = 7;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 16) % below;
  };
  for (int round = 0; round < 500; ++round) {
    std::set<std::string> names;
    for (int i = 0; i < 20; ++i) {
      std::string name(kStems[next(std::size(kStems))]);
      if (next(10) > 0) name += std::to_string(next(120));
      if (next(4) == 0) name += ".lan";
      names.insert(name);
    }
    const auto again = expand_workers(fold_names({names.begin(), names.end()}));
    REQUIRE(again.has_value());
    CHECK((std::set<std::string>(again->begin(), again->end()) == names));
    CHECK_EQ(again->size(), names.size());
  }
}

TEST(names_nearest_finds_typing_errors) {
  const std::vector<std::string_view> known{"workers", "launch", "stop", "start", "ps", "logs"};
  CHECK_EQ(typo("wrokers", known), "workers");  // a swap is one edit
  CHECK_EQ(typo("worker", known), "workers");
  CHECK_EQ(typo("lanchh", known), "launch");
  CHECK_EQ(typo("stpo", known), "stop");
  CHECK_EQ(typo("log", known), "logs");
  CHECK_EQ(typo("p", known), "(none)");  // half of the word would be wrong
  CHECK_EQ(typo("px", known), "ps");
  CHECK_EQ(typo("xy", known), "(none)");
  CHECK_EQ(typo("sto", known), "stop");
  CHECK_EQ(typo("abcdefgh", known), "(none)");
  CHECK_EQ(typo("", known), "(none)");
  // Of a short word the first letter is right, or it is another word.
  CHECK_EQ(typo("top", known), "(none)");
  CHECK_EQ(typo("nope", {"copy"}), "(none)");
  CHECK_EQ(typo("stop", {}), "(none)");
}

TEST(names_nearest_prefers_the_fewest_edits_then_the_first) {
  CHECK_EQ(typo("stort", {"stops", "start", "storm"}), "start");
  CHECK_EQ(typo("stort", {"sxoxt", "stort"}), "stort");
  CHECK_EQ(typo("abcd", {"dcba"}), "(none)");
  CHECK_EQ(typo("abcdef", {"badcef"}), "badcef");  // two swaps
  CHECK_EQ(typo("abcde", {"bxcde"}), "bxcde");
  CHECK_EQ(typo("abcdef", {"abc"}), "(none)");  // three edits
  CHECK_EQ(typo(std::string(65, 'a'), {"a"}), "(none)");
  const std::string longer(80, 'a');
  CHECK_EQ(typo(std::string(64, 'a'), {longer}), "(none)");
}
