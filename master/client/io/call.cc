#include "master/client/io/call.h"

#include "common/io/files.h"
#include "common/io/line_peer.h"
#include "common/io/system.h"
#include "common/units.h"
#include "master/client/io/upload.h"
#include "master/commands/env_file.h"
#include "master/commands/invocation.h"

namespace dm {
namespace {

constexpr std::size_t kMaxQueue = 1024 * 1024;
constexpr std::size_t kMaxRun = kMaxLine - 1024;  // room for the manifest and a seal

constexpr std::size_t kMaxEnvFile = 1024 * 1024;

Line run_line(const std::vector<std::string>& words) {
  Line run("RUN");
  run.add("id", "1");
  for (const std::string& word : words) run.add("arg", word);
  return run;
}

// Said before anything is sent: the master would hang up on a line that is too long.
std::optional<Error> check_size(const std::vector<std::string>& words) {
  const std::size_t size = run_line(words).print().size();
  if (size <= kMaxRun) return std::nullopt;
  return fail(Code::kBadArg,
              "the command takes " + print_bytes(static_cast<std::int64_t>(size)) +
                  " on the wire (a blank or a newline takes 3 bytes), at most 63 KiB "
                  "are possible; give long arguments in a file (--file F)");
}

struct Prepared {
  LinePeer::Released connection;
  std::string manifest;
  std::vector<std::string> taken_along;
  std::optional<Error> error;
  bool reached = false;
};

// In a helper thread: connects, greets, brings the files up.
Prepared prepare(const Call::Target& target, const std::optional<PackageRequest>& files,
                 const std::atomic<bool>& cancelled, const UploadProgress& progress) {
  Prepared prepared;
  auto master = LinePeer::connect(target.master, cancelled);
  if (!master) {
    prepared.error = fail(master.error().code,
                          master.error().message +
                              "; does a dm-master run there? Another one is named by --connect or "
                              "DM_CONNECT");
    return prepared;
  }
  if (!target.master.is_unix()) {
    Line hello("HELLO");
    hello.add("proto", 1).add("name", target.key ? target.key->name : "dm").add("as", "control");
    if (auto greeted = master->greet(hello, target.key ? &*target.key : nullptr); !greeted) {
      prepared.error = greeted.error();
      const Code code = greeted.error().code;
      prepared.reached = code == Code::kDenied || code == Code::kBusy;
      return prepared;
    }
  }
  prepared.reached = true;
  if (files) {
    auto uploaded = upload_package(*master, *files, progress);
    if (!uploaded) {
      prepared.error = uploaded.error();
      prepared.reached = uploaded.error().code != Code::kLost;
      return prepared;
    }
    prepared.manifest = uploaded->manifest;
    prepared.taken_along = uploaded->taken_along;
  }
  prepared.connection = master->release();
  return prepared;
}

}  // namespace

Call::Call(Loop& loop, Jobs& jobs, Target target, std::vector<std::string> words, Handlers handlers)
    : loop_(loop),
      jobs_(jobs),
      target_(std::move(target)),
      words_(std::move(words)),
      shared_(std::make_shared<Shared>()),
      handlers_(std::move(handlers)) {
  shared_->call = this;
}

Call::~Call() {
  shared_->cancelled = true;
  shared_->call = nullptr;
}

void Call::start() {
  auto expanded = expand_env_files(
      words_, [](const std::string& path) { return read_file(path, kMaxEnvFile); });
  if (!expanded) return done({true, fail(Code::kBadArg, expanded.error().message)});
  words_ = std::move(*expanded);
  if (const auto error = check_size(words_)) return done({true, error});
  std::optional<PackageRequest> files;
  if (const auto invocation = parse_invocation(words_); invocation && needs_files(*invocation))
    files = package_request(*invocation);
  const auto progress = [shared = shared_, &loop = loop_, last = std::int64_t{0}](
                            const std::string& what, std::int64_t done,
                            std::int64_t total) mutable {
    const std::int64_t now = read_clock().mono_ms;
    if (now - last < 100 && done < total) return;
    last = now;
    loop.post([shared, what, done, total] {
      if (shared->call) shared->call->handlers_.on_progress(what, done, total);
    });
  };
  jobs_.run([shared = shared_, target = target_, files, progress]() -> Loop::Task {
    // Shared, because a task must be copyable and a descriptor is not.
    auto prepared = std::make_shared<Prepared>(prepare(target, files, shared->cancelled, progress));
    return [shared, prepared] {
      Call* call = shared->call;
      if (call == nullptr) return;
      if (prepared->error) return call->done({prepared->reached, prepared->error});
      // What launch prints is one line per instance, for scripts.
      const bool copies = call->words_.front() == "copy";
      for (const std::string& taken : prepared->taken_along)
        copies ? call->handlers_.on_out("taken along: " + taken + "\n")
               : call->handlers_.on_note("taken along: " + taken);
      call->connected(std::move(prepared->connection), prepared->manifest);
    };
  });
}

void Call::connected(LinePeer::Released released, const std::string& manifest) {
  set_blocking(released.fd.get(), false);
  connection_ =
      std::make_unique<LineConnection>(loop_, std::move(released.fd), kMaxLine, kMaxQueue);
  if (released.seals) connection_->set_seals(std::move(*released.seals));
  LineConnection::Handlers handlers;
  handlers.on_line = [this](std::string_view text) { on_line(text); };
  handlers.on_body = [this](std::string_view bytes) { handlers_.on_out(bytes); };
  handlers.on_closed = [this, shared = shared_](const std::string& why) {
    if (shared->call) done({false, fail(Code::kLost, "the master is gone: " + why)});
  };
  Line run = run_line(words_);
  if (!manifest.empty()) run.add("manifest", manifest);
  connection_->start(std::move(handlers));
  connection_->send_line(run);
}

void Call::on_line(std::string_view text) {
  const auto line = parse_line(text);
  if (!line) return done({false, fail(Code::kInternal, "the master sent what is no line")});
  if (line->verb() == "OUT")
    return connection_->expect_body(line->number_or("n", 0), line->text("sha256"));
  if (line->verb() == "NOTE") return handlers_.on_note(std::string(line->text("text")));
  if (line->verb() == "PROGRESS")
    return handlers_.on_progress(std::string(line->text("what")), line->number_or("done", 0),
                                 line->number_or("total", 0));
  if (line->verb() == "OK") return done({true, std::nullopt});
  if (line->verb() == "ERR")
    return done({true, fail(code_from(line->text("code")), std::string(line->text("msg")))});
}

void Call::cancel() {
  shared_->cancelled = true;
  shared_->call = nullptr;
  done_ = true;
  if (connection_ && !connection_->closed()) {
    connection_->send_line(Line("CANCEL").add("id", "1"));
    connection_->finish();
  }
}

void Call::done(CallOutcome outcome) {
  if (done_) return;
  done_ = true;
  if (connection_) connection_->finish();
  loop_.later([shared = shared_, outcome = std::move(outcome)] {
    if (shared->call) shared->call->handlers_.on_done(outcome);
  });
}

}  // namespace dm
