#include "master/core/event_log.h"

#include "common/escape.h"
#include "common/json.h"
#include "common/units.h"

namespace dm::master {
namespace {

std::optional<std::string> present(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

const ClusterEvent& EventLog::add(ClusterEvent event) {
  event.number = next_++;
  events_.push_back(std::move(event));
  if (events_.size() > kMost) {
    events_.pop_front();
    ++dropped_;
  }
  return events_.back();
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
  object.add("app", present(event.app)).add("who", present(event.who));
  object.add("text", std::string_view(event.text));
  return object.print() + "\n";
}

}  // namespace dm::master
