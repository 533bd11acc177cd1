#include "worker/io/clear_client.h"

#include <chrono>

namespace dm::worker {
namespace {

constexpr std::string_view kId = "clear/";
constexpr std::chrono::minutes kPatience{10};

}  // namespace

Status ClearClient::clear(Fd directory, const std::string& user) {
  std::unique_lock lock(mutex_);
  const std::string id = std::string(kId) + std::to_string(next_++);
  waiting_[id];
  // A task can be copied, a descriptor cannot: it changes hands by its number.
  loop_.post([this, id, user, raw = directory.release()] { send(id, user, Fd(raw)); });
  const bool answered =
      changed_.wait_for(lock, kPatience, [&] { return waiting_.at(id).has_value(); });
  const auto outcome = std::move(waiting_.extract(id).mapped());
  return answered ? *outcome : Status(fail(Code::kTimeout, "the supervisor does not answer"));
}

void ClearClient::send(const std::string& id, const std::string& user, Fd directory) {
  const std::string text = Line("CLEAR").add("id", id).add("user", user).print();
  if (!link_.send(text, std::move(directory)))
    finish(id, fail(Code::kLost, "the supervisor is not there"));
}

bool ClearClient::on_line(const Line& line) {
  const std::string id(line.text("id"));
  if (!id.starts_with(kId)) return false;
  if (line.verb() == "OK")
    finish(id, Status());
  else
    finish(id, fail(code_from(line.text("code")), std::string(line.text("msg"))));
  return true;
}

void ClearClient::on_down() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, outcome] : waiting_)
    if (!outcome) outcome = fail(Code::kLost, "the supervisor is gone");
  changed_.notify_all();
}

void ClearClient::finish(const std::string& id, Status outcome) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found != waiting_.end()) found->second = std::move(outcome);
  changed_.notify_all();
}

}  // namespace dm::worker
