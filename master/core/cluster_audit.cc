// The audit trail: who asked for what, from where, and how it ended. Recorded before anything is
// done about it, so that no crash leaves an effect without its author.
#include "master/core/cluster.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostWords = 4096;  // bytes
constexpr std::size_t kMostMessage = 512;

}  // namespace

void Cluster::begin_audit(Request& request, Now now) {
  request.audit = std::to_string(next_seq_);
  record(print_asked(request.audit, {now.wall_ms, request.asker.who, request.asker.from,
                                     request.words.substr(0, kMostWords)}));
}

void Cluster::end_audit(const std::string& number, const std::optional<Error>& error, Now now) {
  const auto asked = state_.asked.find(number);
  if (asked == state_.asked.end()) return;
  const AskedCommand& command = asked->second;
  Line line("COMMAND");
  line.add("at", now.wall_ms).add("who", command.who).add("from", command.from);
  line.add("words", command.words);
  line.add("code", error ? word(error->code) : "ok");
  if (error) line.add("msg", std::string_view(error->message).substr(0, kMostMessage));
  record(line.add("n", number));
}

// Of an earlier master's. What it had recorded of them is done all the same.
void Cluster::end_left_audits(Now now) {
  for (const std::string& number : std::exchange(left_audits_, {}))
    end_audit(number, fail(Code::kLost, "the master ended before it was done"), now);
}

}  // namespace dm::master
