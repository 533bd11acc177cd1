#include "master/logs/event_log.h"

#include <algorithm>

#include "common/escape.h"
#include "common/json.h"
#include "common/units.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostText = 8192;  // bytes
constexpr std::string_view kCommand = "command";

std::optional<std::string> present(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

std::optional<ClusterEvent> event_of(const Line& record) {
  ClusterEvent event;
  event.wall_ms = record.number_or("at", record.number_or("ended_ms", 0));
  event.worker = record.text("worker");
  event.instance = record.text("instance");
  event.app = record.text("app");
  event.replaces = record.text("replaces");
  event.who = record.text("who");
  event.from = record.text("from");
  event.code = record.text("code");
  if (record.verb() == "EVENT") {
    event.kind = record.text("kind");
    event.text = record.text("text");
  } else if (record.verb() == "COMMAND") {
    event.kind = kCommand;
    const std::string code(record.text("code"));
    event.text = std::string(record.text("words")) + ": ";
    event.text += code == "ok" ? "done" : std::string(record.text("msg", code));
  } else if (record.verb() == "ENDED") {
    event.kind = "exited";
    event.app = event.instance.substr(0, event.instance.rfind('.'));
    event.text = event.instance + (event.worker.empty() ? "" : " on " + event.worker) + ": ";
    event.text += record.text("reason");
  } else {
    return std::nullopt;
  }
  return event;
}

Line print_event(const ClusterEvent& event) {
  Line line("EVENT");
  line.add("at", event.wall_ms).add("kind", event.kind);
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) line.add(key, value);
  };
  add("worker", event.worker);
  add("instance", event.instance);
  add("app", event.app);
  add("replaces", event.replaces);
  add("who", event.who);
  return line.add("text", std::string_view(event.text).substr(0, kMostText));
}

void EventLog::add(ClusterEvent event) {
  if (event.number <= last_) return;
  last_ = event.number;
  std::deque<ClusterEvent>& ring = event.kind == kCommand ? commands_ : others_;
  ring.push_back(std::move(event));
  if (ring.size() <= kMost) return;
  ring.pop_front();
  ++dropped_;
}

std::vector<const ClusterEvent*> EventLog::latest(std::size_t most) const {
  std::vector<const ClusterEvent*> events;
  auto command = commands_.rbegin(), other = others_.rbegin();
  while (events.size() < most && (command != commands_.rend() || other != others_.rend())) {
    const bool is_other =
        command == commands_.rend() || (other != others_.rend() && other->number > command->number);
    events.push_back(is_other ? &*other++ : &*command++);
  }
  std::reverse(events.begin(), events.end());
  return events;
}

std::string print_for_people(const ClusterEvent& event) {
  std::string line = print_time_utc(event.wall_ms) + "  " + event.kind + "  ";
  line += escape_for_terminal(event.text);
  if (!event.who.empty()) line += " (by " + escape_for_terminal(event.who) + ")";
  return line + "\n";
}

std::string print_as_json(const ClusterEvent& event) {
  JsonObject object;
  object.add_number("number", event.number);
  object.add("time", print_time_utc(event.wall_ms));
  object.add("kind", std::string_view(event.kind));
  object.add("worker", present(event.worker)).add("instance", present(event.instance));
  object.add("app", present(event.app)).add("replaces", present(event.replaces));
  object.add("who", present(event.who)).add("from", present(event.from));
  object.add("code", present(event.code));
  object.add("text", std::string_view(event.text));
  return object.print() + "\n";
}

}  // namespace dm::master
