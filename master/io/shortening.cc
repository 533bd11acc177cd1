#include "master/io/shortening.h"

#include <utility>

#include "common/check.h"

namespace dm::master {
namespace {

constexpr std::size_t kSlice = 200;             // records; about a millisecond
constexpr std::int64_t kCloseEnough = 1 << 20;  // bytes that may be copied while commits wait

}  // namespace

void Shortening::begin() {
  DM_CHECK(!running_);
  running_ = true;
  rewrite_ = std::make_unique<JournalRewrite>(parts_.journal);
  walk_ = SnapshotWalk();
  run([](JournalRewrite& rewrite) { return rewrite.open(); }, &Shortening::slice);
}

void Shortening::run(Callable<Status(JournalRewrite&)> work, Step next) {
  parts_.jobs.run(
      [this, work = std::move(work), next, rewrite = std::move(rewrite_)]() mutable -> Task {
        const Status done = work(*rewrite);
        return [this, done, next, rewrite = std::move(rewrite)]() mutable {
          rewrite_ = std::move(rewrite);
          done ? (this->*next)() : end(done);
        };
      });
}

void Shortening::slice() {
  if (walk_.is_done()) {
    // What the snapshot stands for may wait for a sync to be written behind it.
    if (parts_.journal.size() < rewrite_->tail_from())
      return run([](JournalRewrite&) { return Status(); }, &Shortening::slice);
    copied_ = parts_.journal.size();
    return run(
        [save = parts_.save, until = copied_](JournalRewrite& rewrite) {
          if (auto ended = rewrite.end_snapshot(); !ended) return ended;
          if (auto saved = save(rewrite); !saved) return saved;
          if (auto copied = rewrite.copy_tail(until); !copied) return copied;
          return rewrite.sync();
        },
        &Shortening::catch_up);
  }
  run([records = walk_.next(parts_.state, kSlice)](
          JournalRewrite& rewrite) { return rewrite.add(records); },
      &Shortening::slice);
}

// What came meanwhile; while that is much, once more.
void Shortening::catch_up() {
  if (parts_.journal.size() - copied_ < kCloseEnough) return parts_.hold([this] { close_up(); });
  copied_ = parts_.journal.size();
  run(
      [until = copied_](JournalRewrite& rewrite) {
        if (auto copied = rewrite.copy_tail(until); !copied) return copied;
        return rewrite.sync();
      },
      &Shortening::catch_up);
}

// Nothing is written now: the last bytes, and the name.
void Shortening::close_up() {
  run(
      [until = parts_.journal.size()](JournalRewrite& rewrite) {
        if (auto copied = rewrite.copy_tail(until); !copied) return copied;
        if (auto synced = rewrite.sync(); !synced) return synced;
        return rewrite.take_the_name();
      },
      &Shortening::adopt);
}

void Shortening::adopt() {
  parts_.journal.adopt(rewrite_->release(), rewrite_->size(), rewrite_->tail_bytes());
  end({});
}

void Shortening::end(const Status& status) {
  if (!status && rewrite_->has_the_name()) return parts_.on_lost(status.error());
  parts_.on_done(status);
  parts_.release();
  // Running until then: the next one uses the same name.
  parts_.jobs.run([this, rewrite = std::move(rewrite_)]() -> Task {
    rewrite->clear();
    return [this] { running_ = false; };
  });
}

}  // namespace dm::master
