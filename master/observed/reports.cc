#include "master/observed/reports.h"

#include "common/fields.h"

namespace dm::master {
namespace {

constexpr std::size_t kMostState = 32;  // bytes

constexpr Field<Live> kReportFields[] = {
    {"run", &Live::run},
    {"restarts", &Live::restarts},
    {"state", &Live::state, WhenEmpty::kOmit, kMostState},
    {"pid", &Live::pid},
    {"retry_ms", &Live::retry_ms},
};

constexpr Field<Live> kProcessFields[] = {
    {"started_ms", &Live::started_ms},       {"cpu_user_ms", &Live::cpu_user_ms},
    {"cpu_system_ms", &Live::cpu_system_ms}, {"cpu_percent", &Live::cpu_percent},
    {"rss_bytes", &Live::rss_bytes},         {"max_rss_bytes", &Live::max_rss_bytes},
};

}  // namespace

void parse_report(const Line& line, Live& live) {
  live.wanted = line.text("desired", "running") == "running";
  parse_fields<Live>(line, live, kReportFields);
  if (!line.has("state")) live.state = "unknown";
  if (live.pid) parse_fields<Live>(line, live, kProcessFields);
}

}  // namespace dm::master
