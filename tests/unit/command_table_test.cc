#include "master/commands/command_table.h"

#include <set>

#include "master/commands/invocation.h"
#include "tests/unit/check.h"
#include "tests/unit/cluster_world.h"

using namespace dm;

TEST(command_table_has_each_command_of_the_contract) {
  std::set<std::string_view> names;
  for (const CommandSpec& command : command_table()) CHECK(names.insert(command.name).second);
  for (const char* name :
       {"workers", "workers forget", "copy", "delete", "launch", "ps", "stop", "kill", "start",
        "usage", "logs", "events", "describe", "help", "version", "quit"})
    CHECK(names.contains(name));
}

TEST(command_table_rows_are_sound) {
  for (const CommandSpec& command : command_table()) {
    CHECK(command.operands.least >= 0 && command.operands.least <= command.operands.most);
    CHECK(!command.summary.empty());
    CHECK_EQ(command.operands.usage.empty(), command.operands.most == 0);
    CHECK_EQ(command.operands.kind == OperandKind::kNone, command.operands.most == 0);
    CHECK(command.example.empty() || command.example.starts_with(command.name));
    for (const OptionSpec& option : command.options) {
      CHECK(option.name.starts_with("-"));
      CHECK(!option.help.empty());
      const bool has_value = !option.value_name.empty() || !option.choices.empty();
      CHECK_EQ(has_value, option.value != OperandKind::kNone);
      CHECK_EQ(option.choices.empty(), option.check != ValueCheck::kChoice);
      if (option.value == OperandKind::kNone) CHECK(option.check == ValueCheck::kNone);
    }
  }
}

TEST(command_table_every_listing_takes_json) {
  for (std::string_view name : {"workers", "ps", "usage", "events", "describe"}) {
    const std::string_view words[] = {name};
    const CommandSpec* command = find_command(words);
    REQUIRE(command != nullptr);
    bool has_json = false;
    for (const OptionSpec& option : command->options) has_json |= option.name == "--json";
    CHECK(has_json);
  }
}

TEST(command_table_the_longest_name_wins) {
  const auto found = [](std::initializer_list<std::string_view> words) {
    const std::vector<std::string_view> list(words);
    const CommandSpec* command = find_command(list);
    return command == nullptr ? std::string_view("none") : command->name;
  };
  CHECK_EQ(found({"workers"}), "workers");
  CHECK_EQ(found({"workers", "--json"}), "workers");
  CHECK_EQ(found({"workers", "forget", "w1"}), "workers forget");
  CHECK_EQ(found({"forget"}), "none");
  CHECK_EQ(found({"PS"}), "none");
  CHECK_EQ(found({}), "none");
}

TEST(command_table_what_changes_something_is_for_no_mere_viewer) {
  for (const char* name : {"copy", "launch", "stop", "kill", "start", "delete", "workers forget"})
    for (const CommandSpec& command : command_table())
      if (command.name == name) CHECK(command.role != Role::kViewer);
  for (const char* name : {"ps", "workers", "usage", "logs", "events", "describe", "help"})
    for (const CommandSpec& command : command_table())
      if (command.name == name) CHECK(command.role == Role::kViewer);
}

// A command that changes something is audited and stands still under a fence; one that only looks
// is for every viewer.
TEST(command_table_the_reach_fits_the_role) {
  for (const CommandSpec& command : command_table()) {
    CHECK_EQ(command.reach == Reach::kLooks, command.role == Role::kViewer);
    CHECK_EQ(command.reach == Reach::kExpels, command.role == Role::kAdmin);
    CHECK_EQ(command.reach == Reach::kEnds,
             command.id == CommandId::kStop || command.id == CommandId::kKill);
  }
}

TEST(command_table_is_indexed_by_id) {
  for (std::size_t i = 0; i < kCommandCount; ++i) CHECK_EQ(index_of(command_table()[i].id), i);
  CHECK_EQ(command_table()[index_of(CommandId::kFailoverResume)].name, "failover resume");
}

TEST(command_table_help_names_all_but_the_hidden) {
  const auto all = help_text({});
  REQUIRE(all.has_value());
  for (const CommandSpec& command : command_table()) {
    CHECK_EQ(all->find(std::string(command.name) + " ") != std::string::npos, !command.hidden);
    const auto one = help_text({std::string(command.name)});
    if (name_words(command) == 1) CHECK(one.has_value() && one->find("usage: ") == 0);
  }
  CHECK(help_text({"workers", "forget"})->find("usage: workers forget WORKER") == 0);
  CHECK_EQ(help_text({"lunch"}).error().message, "no command 'lunch'; did you mean 'launch'?");
  CHECK(help_text({"lunch"}).error().code == Code::kNotFound);
}

// A row without a handler would answer OK and do nothing.
TEST(command_table_every_command_is_carried_out) {
  for (const CommandSpec& command : command_table()) {
    if (command.name == "quit" || needs_files({&command, {"x"}, {}, {}})) continue;
    test::World world;
    std::string words(command.name);
    for (int i = 0; i < command.operands.least; ++i) words += " nosuch.1";
    world.run(words);
    const bool answered = world.has("#1 out") || world.has("#1 ERR") || world.has("read history");
    const bool is_empty_listing = command.name == "ps" || command.name == "names" ||
                                  command.name == "events" || command.name == "usage";
    CHECK(answered || is_empty_listing);
  }
}
