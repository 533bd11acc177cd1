#include "common/signals.h"

#include <csignal>

#include "tests/unit/check.h"

using namespace dm;

TEST(signals_are_named_as_signal_7_names_them) {
  CHECK_EQ(signal_name(SIGHUP), "SIGHUP");
  CHECK_EQ(signal_name(SIGINT), "SIGINT");
  CHECK_EQ(signal_name(SIGQUIT), "SIGQUIT");
  CHECK_EQ(signal_name(SIGILL), "SIGILL");
  CHECK_EQ(signal_name(SIGABRT), "SIGABRT");
  CHECK_EQ(signal_name(SIGBUS), "SIGBUS");
  CHECK_EQ(signal_name(SIGFPE), "SIGFPE");
  CHECK_EQ(signal_name(SIGKILL), "SIGKILL");
  CHECK_EQ(signal_name(SIGUSR1), "SIGUSR1");
  CHECK_EQ(signal_name(SIGSEGV), "SIGSEGV");
  CHECK_EQ(signal_name(SIGPIPE), "SIGPIPE");
  CHECK_EQ(signal_name(SIGTERM), "SIGTERM");
  CHECK_EQ(signal_name(SIGXFSZ), "SIGXFSZ");
  CHECK_EQ(signal_name(SIGSYS), "SIGSYS");
}

TEST(signals_without_a_name_have_their_number) {
  CHECK_EQ(signal_name(61), "signal 61");
  CHECK_EQ(signal_name(32), "signal 32");
  CHECK_EQ(signal_name(0), "signal 0");
  CHECK_EQ(signal_name(-1), "signal -1");
}

TEST(signals_wait_statuses_are_taken_apart) {
  WaitStatus status = decode_wait_status(3 << 8);
  CHECK_EQ(status.exit_code.value_or(-1), 3);
  CHECK_EQ(status.signal, 0);
  status = decode_wait_status(255 << 8);
  CHECK_EQ(status.exit_code.value_or(-1), 255);
  status = decode_wait_status(SIGSEGV | 0x80);
  CHECK(!status.exit_code);
  CHECK_EQ(status.signal, SIGSEGV);
  CHECK(status.core);
  status = decode_wait_status(SIGKILL);
  CHECK_EQ(status.signal, SIGKILL);
  CHECK(!status.core);
}
