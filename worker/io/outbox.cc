#include "worker/io/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "worker/io/log_reader.h"

namespace dm::worker {
namespace {

constexpr std::size_t kMostTail = 8 * 1024;  // of a log, with the report of an end
constexpr std::size_t kMostInBatch = 64;     // then these are sent

}  // namespace

void Outbox::send(Line line) {
  if (waiting_.empty() || line.verb() == "HEARTBEAT") return session_.send(line);
  push({std::move(line), {}, false});
}

void Outbox::send_with_tail(Line line) {
  push({std::move(line), {}, true});
  read_tails();
}

void Outbox::finish(const std::string& why) {
  if (waiting_.empty()) return session_.finish(why);
  push({std::nullopt, why, false});
}

void Outbox::clear() {
  waiting_.clear();
  ++session_number_;
}

// Without a connection nothing waits: it would be sent to a later one.
void Outbox::push(Entry entry) {
  if (session_.is_up()) waiting_.push_back(std::move(entry));
}

// The first ones that lack theirs, in one job.
void Outbox::read_tails() {
  if (is_reading_) return;
  struct Log {
    std::string instance;
    std::int64_t run;
  };
  std::vector<Log> logs;
  for (const Entry& entry : waiting_) {
    if (!entry.lacks_tail || logs.size() == kMostInBatch) continue;
    logs.push_back({std::string(entry.line->text("instance")), entry.line->number_or("run", 0)});
  }
  if (logs.empty()) return;
  is_reading_ = true;
  jobs_.run([this, logs, session = session_number_]() -> Loop::Task {
    std::vector<std::string> tails;
    for (const Log& log : logs)
      tails.push_back(read_log_tail(store_, log.instance, log.run, kMostTail));
    return [this, tails, session] {
      is_reading_ = false;
      auto tail = tails.begin();
      for (Entry& entry : waiting_) {
        if (session != session_number_ || tail == tails.end()) break;
        if (!entry.lacks_tail) continue;
        entry.lacks_tail = false;
        // No line can hold a NUL; the master asks for the log's end in any case.
        if (!tail->empty() && tail->find('\0') == std::string::npos) entry.line->add("tail", *tail);
        ++tail;
      }
      flush();
      read_tails();
    };
  });
}

void Outbox::flush() {
  while (!waiting_.empty() && !waiting_.front().lacks_tail) {
    const Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    entry.line ? session_.send(*entry.line) : session_.finish(entry.why);
  }
}

}  // namespace dm::worker
