// Functions on sockets (of engines, seccomp agents, service managers, systemd and CRIU) and on seccomp notifications,
// as src/native.ts declares them: see binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "seccomp_notify.h"
#include "sockets.h"
#include "stream.h"

#include <cerrno>
#include <cstring>

using Napi::Env;
using Napi::Value;

namespace {

constexpr size_t kPacketSize = 65536;
constexpr size_t kAnswerSize = 4096;

Value SendPidfd(const Call &info) {
  const std::string &path = info.Text(0);
  return Done(info.Env(), socket_send_pidfd(path.c_str(), info.Int(1)), "connect", path.c_str());
}

Value SendDescriptor(const Call &info) {
  const std::string &path = info.Text(0);
  int error = socket_send_descriptor(path.c_str(), info.Int(1), info.Text(2).c_str());
  return Done(info.Env(), error, "connect", path.c_str());
}

// Returns { message, fd }; the message is empty if the peer has closed the socket.
Value Exchange(const Call &info) {
  static unsigned char answer[kPacketSize];
  int fd;
  ssize_t length = socket_exchange(info.Int(0), info.Memory(1), info.Length(1), answer, sizeof answer, &fd);
  if (length < 0) return Throw(info.Env(), static_cast<int>(length), "recvmsg");
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(length));
  memcpy(bytes.Data(), answer, static_cast<size_t>(length));
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("message", bytes);
  result.Set("fd", fd);
  return result;
}

Value ConnectSocket(const Call &info) {
  const std::string &path = info.Text(0);
  return Number(info.Env(), stream_open(path.c_str(), info.Int(1)), "connect", path.c_str());
}

Value ExchangeWithin(const Call &info) {
  Env env = info.Env();
  char answer[kAnswerSize];
  ssize_t length = stream_exchange(info.Int(0), info.Memory(1), info.Length(1), answer, sizeof answer, info.Int(2));
  if (length < 0) return Throw(env, static_cast<int>(length), info.Length(1) > 0 ? "send" : "recv");
  return Napi::Buffer<char>::Copy(env, answer, static_cast<size_t>(length));
}

Value BindNotify(const Call &info) {
  const std::string &path = info.Text(0);
  return Number(info.Env(), sd_notify_bind(path.c_str()), "bind", path.c_str());
}

Value ReceiveNotify(const Call &info) {
  char text[4096];
  ssize_t length = sd_notify_receive(info.Int(0), info.Int(1), info.Text(2).c_str(), text, sizeof text);
  if (length == -ESRCH) return info.Env().Undefined();
  if (length < 0) return Throw(info.Env(), static_cast<int>(length), "recv");
  return String(info.Env(), text, static_cast<size_t>(length));
}

Value SendNotify(const Call &info) {
  const std::string &address = info.Text(0), &text = info.Text(1);
  int error = sd_notify_send(address.c_str(), text.c_str(), info.Text(2) == "barrier");
  return Done(info.Env(), error, "send", address.c_str());
}

Value ReceiveSeccompNotif(const Call &info) {
  char text[256];
  int length = notify_receive(info.Int(0), text, sizeof text);
  if (length < 0) return Throw(info.Env(), length, "ioctl");
  return String(info.Env(), text, static_cast<size_t>(length));
}

Value SendSeccompResponse(const Call &info) {
  const std::string &question = info.Text(1);
  const std::string &word = info.Text(2);
  notify_answer_kind kind = word == "continue" ? NOTIFY_CONTINUE : word == "kill" ? NOTIFY_KILL : NOTIFY_ERROR;
  return Done(info.Env(), notify_answer(info.Int(0), question.c_str(), kind, info.Int(3)), "ioctl");
}

Value ReadNotifiedString(const Call &info) {
  char text[256];
  uint64_t address = strtoull(info.Text(2).c_str(), nullptr, 16);
  ssize_t length = notify_read_string(info.Int(0), info.Text(1).c_str(), address, text, sizeof text);
  if (length < 0) return info.Env().Undefined();
  return String(info.Env(), text, static_cast<size_t>(length));
}

constexpr Signature kFunctions[] = {
    {"sendPidfd", SendPidfd, {kPath, kPid}},
    {"sendDescriptor", SendDescriptor, {kPath, kDescriptor, Path("name")}},
    {"exchange", Exchange, {kSocket, Bytes("message")}},
    {"connectSocket", ConnectSocket, {kPath, kWithin}},
    {"exchangeWithin", ExchangeWithin, {kSocket, Bytes("bytes"), kWithin}},
    {"bindNotify", BindNotify, {kPath}},
    {"receiveNotify", ReceiveNotify, {kSocket, kPid, kStartTime}},
    {"sendNotify", SendNotify, {Path("address"), Path("text"), Word("end", "barrier|go-on|")}},
    {"receiveSeccompNotif", ReceiveSeccompNotif, {kListener}},
    {"readNotifiedString", ReadNotifiedString, {kListener, Path("question"), Path("address")}},
    {"sendSeccompResponse",
     SendSeccompResponse,
     {kListener, Path("question"), Word("answer", "continue|error|kill|"), Integer("errno", 0, 4095)}},
};

}  // namespace

void AddSocketFunctions(Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
