#include "master/logs/run_history.h"

#include "tests/unit/check.h"

using namespace dm;
using namespace dm::master;

namespace {

// A sealed line without its newline.
std::string row(const std::string& text, std::int64_t seq) {
  std::string sealed = seal_record(*parse_line(text), seq);
  sealed.pop_back();
  return sealed;
}

std::string ended(const std::string& instance, int run, const std::string& more = "") {
  return "ENDED instance=" + instance + " run=" + std::to_string(run) +
         " worker=w1 at=5000 started_ms=1000 ended_ms=3500 reason=x " + more;
}

std::string picked(const HistoryReader& reader) {
  std::string text;
  for (const RunRow& each : reader.rows())
    text += each.instance + ":" + std::to_string(each.end.run) + " ";
  return text;
}

HistoryFilter named(const std::string& name) {
  HistoryFilter filter;
  filter.name = name;
  return filter;
}

}  // namespace

TEST(run_history_audit_records_are_those_that_outlive_the_state) {
  for (const char* text : {"ENDED instance=a.1", "COMMAND at=1", "EVENT at=1"})
    CHECK(is_audit(row(text, 1)));
  for (const char* text : {"INSTANCE instance=a.1", "ENDED-X a=1", "ACKED worker=w1"})
    CHECK(!is_audit(row(text, 1)));
}

TEST(run_history_picks_by_app_and_instance) {
  for (const auto& [name, expected] : {std::pair("", "web.1:1 web.12:1 web-2.1:1 web.1:2 "),
                                       {"web", "web.1:1 web.12:1 web.1:2 "},
                                       {"web.1", "web.1:1 web.1:2 "},
                                       {"we", ""}}) {
    HistoryReader reader(named(name));
    reader.take(row(ended("web.1", 1), 3));
    reader.take(row("COMMAND at=1 words=stop code=ok", 4));
    reader.take(row(ended("web.12", 1), 5));
    reader.take(row(ended("web-2.1", 1), 9));
    reader.take(row(ended("web.1", 2), 10));
    CHECK_EQ(picked(reader), expected);
  }
}

TEST(run_history_takes_no_record_twice_and_counts_what_is_damaged) {
  HistoryReader reader(named(""));
  reader.take(row(ended("web.1", 1), 3));
  reader.take(row(ended("web.1", 2), 4));
  // The journal still holds what was saved to a segment.
  reader.take(row(ended("web.1", 1), 3));
  reader.take(row(ended("web.1", 2), 4));
  std::string bad = row(ended("web.1", 3), 5);
  bad[10] ^= 1;
  reader.take(bad);
  reader.take(row(ended("web.1", 4), 6));
  CHECK_EQ(picked(reader), "web.1:1 web.1:2 web.1:4 ");
  CHECK_EQ(reader.damaged(), 1);
}

TEST(run_history_what_was_cut_is_not_shown_though_the_journal_holds_it) {
  HistoryFilter filter;
  filter.from = 4;
  HistoryReader reader(filter);
  for (int seq = 3; seq <= 5; ++seq) reader.take(row(ended("web.1", seq), seq));
  CHECK_EQ(picked(reader), "web.1:4 web.1:5 ");
}

TEST(run_history_since_goes_by_the_end_or_else_by_when_it_was_heard_of) {
  HistoryFilter filter;
  filter.since_wall_ms = 3500;
  HistoryReader reader(filter);
  reader.take(row(ended("web.1", 1), 1));
  reader.take(row("ENDED instance=web.2 run=1 at=3499", 2));
  reader.take(row("ENDED instance=web.3 run=1 at=3500", 3));
  reader.take(row("ENDED instance=web.4 run=1", 4));
  CHECK_EQ(picked(reader), "web.1:1 web.3:1 ");
}

TEST(run_history_keeps_the_newest_and_counts_only_what_was_too_many) {
  HistoryFilter filter;
  filter.most = 2;
  HistoryReader asked(filter);
  HistoryReader all(named(""));
  const std::string long_reason(4000, 'r');
  for (int i = 1; i <= 1000; ++i) {
    const std::string text = row(ended("web.1", i, "reason=" + long_reason), i);
    asked.take(text);
    all.take(text);
  }
  CHECK_EQ(picked(asked), "web.1:999 web.1:1000 ");
  CHECK_EQ(asked.older(), 0);
  HistoryReader full(named(""));
  for (int i = 1; i <= 100'000; ++i) full.take(row(ended("web.1", i), i));
  CHECK(full.rows().size() < 50'000);
  CHECK(full.rows().size() > 10'000);
  CHECK_EQ(full.older() + static_cast<std::int64_t>(full.rows().size()), 100'000);
  CHECK_EQ(full.rows().back().end.run, 100'000);
  // One answer must fit into what may wait for a client.
  CHECK(show_history(full.rows(), true).size() < 16U << 20);
  CHECK(show_history(full.rows(), false).size() < 16U << 20);
  CHECK(show_history(all.rows(), true).size() < 16U << 20);
}

TEST(run_history_is_shown_to_people_and_programs) {
  HistoryReader reader(named(""));
  reader.take(
      row("ENDED instance=web.1 run=2 worker=w1 pid=77 started_ms=1000 ended_ms=3500 "
          "exit_code=3 core=0 cpu_user_ms=1500 cpu_system_ms=250 max_rss_bytes=1048576 "
          "reason=exit%20code%203",
          1));
  reader.take(row("ENDED instance=web.2 run=1 worker=w2 signal=SIGSEGV core=1 reason=%1b", 2));
  const std::string json = show_history(reader.rows(), true);
  CHECK_EQ(json.substr(0, json.find('\n')),
           "{\"instance\":\"web.1\",\"app\":\"web\",\"worker\":\"w1\",\"replaces\":null,\"run\":2,"
           "\"pid\":77,"
           "\"started_at\":\"1970-01-01T00:00:01.000Z\",\"ended_at\":\"1970-01-01T00:00:03.500Z\","
           "\"duration_ms\":2500,\"exit_code\":3,\"signal\":null,\"core\":false,"
           "\"reason\":\"exit code 3\",\"cpu_user_ms\":1500,\"cpu_system_ms\":250,"
           "\"max_rss_bytes\":1048576}");
  CHECK(json.find("\"pid\":null,\"started_at\":null,\"ended_at\":null,\"duration_ms\":null,"
                  "\"exit_code\":null,\"signal\":\"SIGSEGV\",\"core\":true") != std::string::npos);
  const std::string table = show_history(reader.rows(), false);
  CHECK_EQ(table.substr(0, table.find("web.2")),
           "INSTANCE  RUN  WORKER  STARTED                   DURATION  EXIT           CPU  MAXRSS  "
           "REASON\n"
           "web.1       2  w1      1970-01-01T00:00:01.000Z     2.50s  3             1.75      1M  "
           "exit code 3\n");
  CHECK(table.find("SIGSEGV,core") != std::string::npos);
  CHECK(table.find('\x1b') == std::string::npos);
}

namespace {

std::string segment(int runs, int records = -1) {
  Line head = journal_head("history");
  head.add("records", records < 0 ? runs : records).add("runs", runs);
  std::string text = seal_record(head, 0);
  for (int run = 1; run <= runs; ++run)
    text += seal_record(Line("ENDED").add("instance", "web.1").add("run", run), 10 + run);
  return text;
}

std::string print(const SegmentScan& scan) {
  return (scan.why.empty() ? "whole" : scan.why) + " at " + std::to_string(scan.good_bytes);
}

}  // namespace

TEST(run_history_segments_are_checked) {
  const std::string text = segment(3);
  const SegmentScan whole = scan_segment(text, 11, 10);
  CHECK_EQ(print(whole), "whole at " + std::to_string(text.size()));
  CHECK_EQ(whole.records, 3);
  CHECK_EQ(whole.last_seq, 13);
  // Any byte that is another one, any end that is missing.
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] ^= 1;
    const SegmentScan scan = scan_segment(damaged, 11, 10);
    CHECK(!scan.why.empty());
    CHECK(scan.good_bytes <= static_cast<std::int64_t>(at));
    CHECK(!scan_segment(text.substr(0, at), 11, 10).why.empty());
  }
  std::string damaged = text;
  const std::size_t second = text.find("ENDED", text.find("ENDED") + 1);
  damaged[second + 1] = 'X';
  CHECK_EQ(print(scan_segment(damaged, 11, 10)),
           "the checksum does not fit at " + std::to_string(second));
}

TEST(run_history_segments_that_do_not_fit_together_are_damaged) {
  const std::size_t first = segment(3).find("ENDED");
  CHECK_EQ(print(scan_segment(segment(3), 10, 9)),
           "record 10 is missing, 11 stands here at " + std::to_string(first));
  CHECK_EQ(print(scan_segment(segment(3), 11, 11)),
           "record 11 comes too late at " + std::to_string(first));
  const std::string counted = segment(3, 4);
  CHECK_EQ(print(scan_segment(counted, 11, 10)),
           "it counts 4 records and 3 runs, and has 3 and 3 at " + std::to_string(counted.size()));
  const std::string other = segment(3) + seal_record(Line("WORKER").add("name", "w1"), 14);
  CHECK_EQ(print(scan_segment(other, 11, 10)),
           "a record that is none of the audit trail at " + std::to_string(segment(3).size()));
  CHECK_EQ(print(scan_segment(seal_record(journal_head("master"), 0), 1, 0)),
           "no first line of a segment at 0");
}
