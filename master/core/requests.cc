#include "master/core/requests.h"

#include <utility>

#include "common/escape.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostWords = 4096;  // bytes
constexpr std::size_t kMostMessage = 512;

}  // namespace

Error on_worker(Error error, const std::string& worker) {
  if (error.message.find(worker) == std::string::npos)
    error.message += " (on worker " + worker + ")";
  return error;
}

Request& Requests::add(const Command& command) {
  Request& request = requests_[command.request];
  request.id = command.request;
  request.asker = command.asker;
  request.invocation = command.invocation;
  request.words = words_for_trail(command.invocation);
  return request;
}

Request* Requests::find(RequestId id) {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : &found->second;
}

void Requests::out(RequestId request, std::string text) {
  const Request* asked = find(request);
  if (asked != nullptr && !asked->is_left) out_.push_back(Out{request, std::move(text)});
}

void Requests::out_line(RequestId request, std::string_view text) {
  out(request, escape_for_terminal(text) + "\n");
}

void Requests::note(RequestId request, std::string text) {
  const Request* asked = find(request);
  if (asked != nullptr && !asked->is_left) out_.push_back(Note{request, std::move(text)});
}

bool Requests::leave(Request& request, Now now) {
  if (request.audit.empty() || request.waiting == 0) return false;
  if (std::exchange(request.is_left, true)) return true;
  ClusterEvent event;
  event.kind = "goes-on";
  event.who = request.asker.who;
  event.text = request.words + ": " + request.asker.who + " waits no longer, it goes on";
  recorder_.emit(std::move(event), now);
  out_.push_back(Finish{request.id, std::nullopt});  // for whoever has left
  return true;
}

void Requests::refuse(Request& request, const Error& error) {
  request.error = error;
  request.tried = request.failed = 1;
}

void Requests::failed(Request& request, const std::string& about, const Error& error) {
  ++request.failed;
  if (!request.error) request.error = error;
  // With one target the final answer says it all.
  if (request.tried > 1) note(request.id, about + ": " + error.message);
}

void Requests::done_one(RequestId id, const std::string& about, const std::optional<Error>& error,
                        Now now) {
  Request* request = find(id);
  if (request == nullptr) return;
  --request->waiting;
  if (error) failed(*request, about, *error);
  finish_if_done(*request, now);
}

void Requests::finish_if_done(Request& request, Now now) {
  if (request.waiting > 0 || request.follows_events) return;
  if (request.then) {
    const auto then = std::exchange(request.then, nullptr);
    then(request, now);
    if (request.waiting > 0) return;
  }
  std::optional<Error> error;
  if (request.failed > 0) {
    error = request.error;
    if (request.tried > 1)
      error->message = std::to_string(request.failed) + " of " + std::to_string(request.tried) +
                       " failed: " + error->message;
  }
  end_audit(request.audit, error, now);
  const RequestId id = request.id;
  const bool is_left = request.is_left;
  requests_.erase(id);
  if (!is_left) out_.push_back(Finish{id, std::move(error)});
}

void Requests::event_recorded(const ClusterEvent& event) {
  for (const auto& [id, request] : requests_) {
    if (!request.follows_events) continue;
    out(id, request.invocation.has("--json") ? print_as_json(event) : print_for_people(event));
  }
}

// --- the audit trail ---

void Requests::begin_audit(Request& request, Now now) {
  request.audit = std::to_string(recorder_.next_seq());
  recorder_.record(print_asked(request.audit, {now.wall_ms, request.asker.who, request.asker.from,
                                               request.words.substr(0, kMostWords)}));
}

void Requests::end_audit(const std::string& number, const std::optional<Error>& error, Now now) {
  const auto asked = state_.asked.find(number);
  if (asked == state_.asked.end()) return;
  const AskedCommand& command = asked->second;
  Line line("COMMAND");
  line.add("at", now.wall_ms).add("who", command.who).add("from", command.from);
  line.add("words", command.words);
  line.add("code", error ? word(error->code) : "ok");
  if (error) line.add("msg", std::string_view(error->message).substr(0, kMostMessage));
  recorder_.record(line.add("n", number));
}

void Requests::find_left_audits() {
  for (const auto& [number, asked] : state_.asked) left_audits_.push_back(number);
}

// What an earlier master had recorded of them is done all the same.
void Requests::end_left_audits(Now now) {
  for (const std::string& number : std::exchange(left_audits_, {}))
    end_audit(number, fail(Code::kLost, "the master ended before it was done"), now);
}

}  // namespace dm::master
