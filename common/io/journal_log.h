// common/io/journal_log.h - a CommitLog over a journal's file: synced by a helper thread. Decides
// nothing.
#pragma once

#include "common/commit_queue.h"
#include "common/io/jobs.h"
#include "common/io/journal_file.h"

namespace dm {

// Borrows both. REQUIRES that it outlives the jobs that it has begun.
class JournalLog : public CommitLog {
 public:
  JournalLog(JournalFile& journal, Jobs& jobs) : journal_(journal), jobs_(jobs) {}

  void add(const Line& record) override { journal_.add(record); }
  bool has_batch() const override { return journal_.has_batch(); }
  Status write() override { return has_batch() ? journal_.write() : Status(); }
  void sync(std::function<void(const Status&)> done) override {
    jobs_.run([fd = journal_.fd(), done = std::move(done)]() mutable {
      return [synced = JournalFile::sync(fd), done = std::move(done)] { done(synced); };
    });
  }

 private:
  JournalFile& journal_;
  Jobs& jobs_;
};

}  // namespace dm
