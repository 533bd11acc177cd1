#include "worker/io/log_streamer.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <limits>

#include "common/io/system.h"
#include "common/sha256.h"
#include "worker/io/log_reader.h"
#include "worker/io/log_tail.h"

namespace dm::worker {
namespace {

constexpr std::size_t kMaxStreams = 64;
constexpr int kFirstPauseMs = 100, kLastPauseMs = 800;
constexpr std::size_t kBlock = 128 * 1024;
// A block of nothing but newlines grows 26 times, and a CHUNK has at most 1 MiB.
constexpr std::size_t kStampedBlock = 16 * 1024;

// The bytes of a log as CHUNKs, hashed as they go; CUT where some are gone.
class Chunks {
 public:
  Chunks(LinePeer& peer, LogReader& log, std::int64_t offset, bool stamps)
      : peer_(peer),
        log_(log),
        offset_(offset),
        stamps_(stamps),
        block_(stamps ? kStampedBlock : kBlock, '\0') {}

  // Sends up to the end of the log, or up to `limit`.
  Status send_to(std::int64_t limit) {
    if (stamps_) times_ = log_.times();
    while (offset_ < limit) {
      const auto most = std::min(limit - offset_, static_cast<std::int64_t>(block_.size()));
      std::int64_t at = offset_;
      const auto got = log_.read(&at, block_.data(), static_cast<std::size_t>(most));
      if (!got) return got.error();
      if (auto told = tell_cut(at); !told) return told;
      if (*got == 0) break;
      if (auto sent = send_block(*got); !sent) return sent;
    }
    return {};
  }

  Status send_end() {
    Line end("END");
    end.add("size", sent_).add("sha256", to_hex(hash_.finish()));
    return peer_.send_line(end);
  }

 private:
  // What is gone before `at` is counted, never passed over in silence.
  Status tell_cut(std::int64_t at) {
    if (at <= offset_) return {};
    Line line("CUT");
    line.add("n", at - offset_).add("at", offset_);
    if (log_.is_truncated()) line.add("truncated", 1);
    offset_ = at;
    return peer_.send_line(line);
  }

  Status send_block(std::size_t size) {
    const std::string_view raw = std::string_view(block_).substr(0, size);
    std::string stamped;
    if (stamps_) stamped = stamper_.stamp(raw, offset_, times_);
    const std::string_view bytes = stamps_ ? std::string_view(stamped) : raw;
    hash_.update(bytes);
    offset_ += static_cast<std::int64_t>(size);
    sent_ += static_cast<std::int64_t>(bytes.size());
    return peer_.send_body(Line("CHUNK").add("n", bytes.size()), bytes);
  }

  LinePeer& peer_;
  LogReader& log_;
  std::int64_t offset_;
  bool stamps_;
  LogTimes times_;
  LineStamper stamper_;
  std::int64_t sent_ = 0;
  std::string block_;
  Sha256 hash_;
};

// A crowd at the master's door may push us out before we are heard.
Result<LinePeer> dial_patiently(const BulkTarget& target, const std::atomic<bool>& cancel) {
  for (int pause_ms = kFirstPauseMs;; pause_ms *= 2) {
    auto peer = dial_bulk(target, cancel);
    const bool was_cut =
        !peer && (peer.error().code == Code::kLost || peer.error().code == Code::kTimeout);
    if (!was_cut || pause_ms > kLastPauseMs || cancel) return peer;
    ::poll(nullptr, 0, pause_ms);
  }
}

// Where to begin. What is asked for and gone is begun with all the same, so that it is told.
Result<std::int64_t> choose_start(LogReader& log, const StreamLog& order, std::int64_t size) {
  const auto kept = log.first_kept();
  if (!kept) return kept;
  std::int64_t start = order.offset;
  if (order.tail_bytes > 0) start = std::max(start, size - order.tail_bytes);
  if (order.since_ms > 0) {
    const std::int64_t since = log.times().offset_since(order.since_ms);
    // If all of it is older, so is a last line that has no end.
    const auto line = since < size ? log.start_of_line(since) : Result<std::int64_t>(size);
    if (!line) return line;
    start = std::max(start, *line);
  }
  if (order.lines >= 0) {
    const auto tail = log.start_of_last(order.lines);
    if (!tail) return tail;
    if (*tail > *kept) start = std::max(start, *tail);
  }
  return start;
}

}  // namespace

struct LogStreamer::Stream {
  StreamLog order;
  std::atomic<bool> cancelled{false};
  std::atomic<bool> over{false};  // the run has ended: no more will come
  Fd wake_read, wake_write;

  void wake() const {
    if (wake_write.valid()) (void)retry([&] { return ::write(wake_write.get(), "", 1); });
  }
};

LogStreamer::LogStreamer(Loop& loop, const AppStore& store, BulkTarget target,
                         std::function<void(StreamEnded)> ended)
    : store_(store),
      target_(std::move(target)),
      ended_(std::move(ended)),
      jobs_(loop, static_cast<int>(kMaxStreams)) {}

LogStreamer::~LogStreamer() = default;

void LogStreamer::start(const StreamLog& order) {
  if (streams_.size() >= kMaxStreams)
    return ended_({order.id, fail(Code::kBusy, "64 logs are being sent already")});
  auto stream = std::make_unique<Stream>();
  stream->order = order;
  int ends[2] = {-1, -1};
  if (order.follow && ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return ended_({order.id, system_error("open a pipe", "")});
  stream->wake_read.reset(ends[0]);
  stream->wake_write.reset(ends[1]);
  const std::uint64_t key = next_key_++;
  Stream* borrowed = stream.get();  // finished() destroys it, after the job
  streams_.emplace(key, std::move(stream));
  jobs_.run([this, key, borrowed, &store = store_, target = target_]() -> Loop::Task {
    const Status outcome = send(*borrowed, store, target);
    return [this, key, outcome] { finished(key, outcome); };
  });
}

void LogStreamer::finished(std::uint64_t key, const Status& outcome) {
  const auto found = streams_.find(key);
  StreamEnded ended{found->second->order.id, std::nullopt};
  if (!outcome) ended.error = outcome.error();
  streams_.erase(found);
  ended_(std::move(ended));
}

void LogStreamer::end(const std::string& instance, std::int64_t run) {
  for (const auto& [key, stream] : streams_) {
    if (stream->order.instance != instance || stream->order.run != run) continue;
    stream->over = true;
    stream->wake();
  }
}

void LogStreamer::cancel(const std::string& id) {
  for (const auto& [key, stream] : streams_) {
    if (stream->order.id != id) continue;
    stream->cancelled = true;
    stream->wake();
  }
}

Status LogStreamer::send(Stream& stream, const AppStore& store, const BulkTarget& target) {
  const StreamLog& order = stream.order;
  auto log = LogReader::open(store, order.instance, order.run);
  if (!log) return log.error();
  const auto size = log->size();
  if (!size) return size.error();
  const auto chosen = choose_start(*log, order, *size);
  if (!chosen) return chosen.error();
  const std::int64_t start = std::min(*chosen, *size);
  auto peer = dial_patiently(target, stream.cancelled);
  if (!peer) return peer.error();
  Line head("STREAM");
  head.add("id", order.id).add("instance", order.instance).add("run", order.run);
  head.add("size", *size).add("start", start);
  if (auto sent = peer->send_line(head); !sent) return sent;
  return send_growth(stream, *peer, *log, start, *size);
}

Status LogStreamer::send_growth(Stream& stream, LinePeer& peer, LogReader& log, std::int64_t from,
                                std::int64_t size) {
  Chunks chunks(peer, log, from, stream.order.stamp);
  if (!stream.order.follow) {
    // What is written meanwhile is not waited for: an app that never stops writing would never
    // let us end.
    auto sent = chunks.send_to(size);
    return sent ? chunks.send_end() : sent;
  }
  GrowthWatch growth(log.fd());
  while (!stream.cancelled) {
    growth.clear();
    // Read before the file: what is written before the flag is set must be seen.
    const bool over = stream.over;
    if (auto sent = chunks.send_to(std::numeric_limits<std::int64_t>::max()); !sent) return sent;
    if (over) return chunks.send_end();
    pollfd waiting[3] = {
        {peer.fd(), POLLRDHUP, 0}, {stream.wake_read.get(), POLLIN, 0}, {growth.fd(), POLLIN, 0}};
    (void)retry([&] { return ::poll(waiting, 3, growth.patience_ms()); });
    if (waiting[0].revents != 0) return fail(Code::kLost, "the reader of the log is gone");
  }
  return fail(Code::kLost, "cancelled");
}

}  // namespace dm::worker
