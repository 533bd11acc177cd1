// usage: dm-bench-copy FROM TO
// The least that copying over the network can be: one process sends FROM by sendfile over a TCP
// connection on loopback, another writes what arrives to TO and syncs it. Prints MiB per second.
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <vector>

namespace {

[[noreturn]] void send_file(const sockaddr_in& to, const char* from) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0), file = ::open(from, O_RDONLY);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) ::_exit(1);
  while (::sendfile(socket, file, nullptr, std::size_t{4} << 20) > 0) {
  }
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 100;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 1) != 0) return 111;
  ::getsockname(listener, generic, &size);
  const auto begun = std::chrono::steady_clock::now();
  if (::fork() == 0) send_file(address, argv[1]);
  const int peer = ::accept(listener, nullptr, nullptr);
  const int file = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::vector<char> bytes(512 * 1024);
  double total = 0;
  while (true) {
    const ssize_t got = ::recv(peer, bytes.data(), bytes.size(), 0);
    if (got <= 0) break;
    if (::write(file, bytes.data(), static_cast<std::size_t>(got)) != got) return 111;
    total += static_cast<double>(got);
  }
  if (::fsync(file) != 0) return 111;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  ::printf("%.0f\n", total / 1048576 / took.count());
}
