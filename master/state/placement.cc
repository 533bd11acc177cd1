#include "master/state/placement.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostReason = 4096;
constexpr std::size_t kMostSignal = 64;
constexpr std::int64_t kStableMs = 60'000;  // a run that lived as long was no crash

template <typename Value>
struct WordRow {
  Value value;
  std::string_view word;
};
constexpr WordRow<Desired> kDesired[] = {
    {Desired::kRunning, "running"}, {Desired::kStopped, "stopped"}, {Desired::kKilled, "killed"}};
constexpr WordRow<Restart> kRestart[] = {
    {Restart::kNo, "no"}, {Restart::kOnFailure, "on-failure"}, {Restart::kAlways, "always"}};
constexpr WordRow<OnLost> kOnLost[] = {{OnLost::kStay, "stay"}, {OnLost::kMove, "move"}};

template <typename Value, std::size_t kRows>
std::string_view word_in(const WordRow<Value> (&rows)[kRows], Value value) {
  for (const auto& row : rows)
    if (row.value == value) return row.word;
  return rows[0].word;
}

template <typename Value, std::size_t kRows>
Value value_in(const WordRow<Value> (&rows)[kRows], std::string_view word) {
  for (const auto& row : rows)
    if (row.word == word) return row.value;
  return rows[0].value;
}

constexpr Field<RunEnd> kRunEndFields[] = {
    {"run", &RunEnd::run, WhenEmpty::kPrint},
    {"pid", &RunEnd::pid},
    {"started_ms", &RunEnd::started_ms},
    {"ended_ms", &RunEnd::ended_ms},
    {"exit_code", &RunEnd::exit_code},
    {"signal", &RunEnd::signal, WhenEmpty::kOmit, kMostSignal},
    {"core", &RunEnd::core, WhenEmpty::kPrint},
    {"cpu_user_ms", &RunEnd::cpu_user_ms},
    {"cpu_system_ms", &RunEnd::cpu_system_ms},
    {"max_rss_bytes", &RunEnd::max_rss_bytes},
    {"crashes", &RunEnd::crashes},
    {"last", &RunEnd::last},
    {"reason", &RunEnd::reason, WhenEmpty::kPrint, kMostReason},
};

using Word = Field<Placement>::Word;
constexpr Word kRestartWord{
    [](const Placement& placement) { return word(placement.restart); },
    [](Placement& placement, std::string_view text) { placement.restart = restart_from(text); }};
constexpr Word kOnLostWord{
    [](const Placement& placement) { return word(placement.on_lost); },
    [](Placement& placement, std::string_view text) { placement.on_lost = on_lost_from(text); }};
constexpr Word kDesiredWord{[](const Placement& placement) { return word(placement.desired); },
                            &parse_desired};

constexpr Field<Placement> kPlacementFields[] = {
    {"app", &Placement::app, WhenEmpty::kPrint},
    {"manifest", &Placement::version, WhenEmpty::kPrint},
    {"worker", &Placement::worker, WhenEmpty::kPrint},
    {"restart", kRestartWord},
    {"log_max_bytes", &Placement::log_max_bytes},
    {"pinned", &Placement::pinned, WhenEmpty::kPrint},
    {"desired", kDesiredWord},
    {"given_up", &Placement::given_up},
    {"quarantined", &Placement::quarantined},
    {"on_lost", kOnLostWord},
    {"moves", &Placement::moves, WhenEmpty::kPrint},
    {"lease_ms", &Placement::lease_ms},
    {"tried", &Placement::tried},
    {"who", &Placement::who},
    {"replaces", &Placement::replaces},
    {"superseded_by", &Placement::superseded_by},
    {"run", &Placement::run, WhenEmpty::kPrint},
    {"begun", &Placement::begun, WhenEmpty::kPrint},
    {"at", &Placement::created_ms, WhenEmpty::kPrint},
    {"begun_at", &Placement::begun_ms},
    {"arg", &Placement::args},
    {"env", &Placement::env},
};

}  // namespace

std::string_view word(Desired desired) {
  return word_in(kDesired, desired);
}

std::string_view word(Restart restart) {
  return word_in(kRestart, restart);
}

std::string_view word(OnLost on_lost) {
  return word_in(kOnLost, on_lost);
}

Restart restart_from(std::string_view word) {
  return value_in(kRestart, word);
}

OnLost on_lost_from(std::string_view word) {
  return value_in(kOnLost, word);
}

void parse_desired(Placement& placement, std::string_view word) {
  placement.desired = value_in(kDesired, word);
}

std::span<const Field<Placement>> placement_fields() {
  return kPlacementFields;
}

std::span<const Field<RunEnd>> run_end_fields() {
  return kRunEndFields;
}

RunEnd parse_end(const Line& line) {
  RunEnd end;
  parse_fields(line, end, run_end_fields());
  return end;
}

bool is_restarted(const Placement& placement) {
  const auto& end = placement.last_end;
  if (placement.has_ended() && end->last) return false;
  return placement.restart == Restart::kAlways ||
         (placement.restart == Restart::kOnFailure && (!end || end->exit_code.value_or(-1) != 0));
}

bool is_revived(const Placement& placement) {
  return placement.desired == Desired::kRunning && is_restarted(placement);
}

std::int64_t crashes_with(const Placement& placement, const RunEnd& end) {
  const std::int64_t ended = end.ended_ms.value_or(0);
  if (ended - end.started_ms.value_or(ended) >= kStableMs) return 0;
  // A run that an operator asked for begins the count anew.
  const bool revived = placement.last_end && end.run > placement.run;
  return 1 + (revived ? placement.last_end->crashes : 0);
}

}  // namespace dm::master
