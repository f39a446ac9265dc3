// The addon's functions as src/native.ts declares them, one short function each: take the arguments, call one verb of
// the C files, give the result or throw. The launch functions are in decode.cc.
#include <napi.h>

#include "capture.h"
#include "cgroups.h"
#include "cleanup.h"
#include "deadline.h"
#include "decode.h"
#include "events.h"
#include "files.h"
#include "notify.h"
#include "probe.h"
#include "process.h"
#include "signals.h"
#include "sockets.h"
#include "stream.h"
#include "supervise.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <ctime>

using Napi::CallbackInfo;
using Napi::Env;
using Napi::Value;

namespace {

constexpr uint32_t kProgramWords = 64;
constexpr size_t kPacketSize = 65536;
constexpr size_t kAnswerSize = 4096;

// ---- arguments and results ----

std::string Text(const CallbackInfo &info, size_t index) {
  return info[index].As<Napi::String>().Utf8Value();
}

int Int(const CallbackInfo &info, size_t index) {
  return info[index].As<Napi::Number>().Int32Value();
}

Value String(Env env, const char *data, size_t length) {
  return Napi::String::New(env, data == nullptr ? "" : data, length);
}

// Throws what NativeError in native.ts describes. `error` is an errno or its negative.
Value Throw(Env env, int error, const char *syscall, const char *path = nullptr) {
  if (error < 0) error = -error;
  const char *name = strerrorname_np(error);
  if (name == nullptr) name = "UNKNOWN";
  std::string message = std::string(syscall) + (path != nullptr ? std::string(" ") + path : "") + ": " + name;
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", name);
  thrown.Set("errno", Napi::Number::New(env, error));
  thrown.Set("syscall", syscall);
  if (path != nullptr) thrown.Set("path", path);
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}

// For verbs that give nothing: `result` is 0 or -errno.
Value Done(Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : env.Undefined();
}

// For system calls: -1 and errno.
Value Called(Env env, int result, const char *syscall, const char *path = nullptr) {
  return Done(env, result < 0 ? -errno : 0, syscall, path);
}

// For verbs that give a number, such as a descriptor.
Value Number(Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : Napi::Number::New(env, result);
}

// For verbs that answer yes (1) or no (0).
Value Answer(Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : Napi::Boolean::New(env, result != 0);
}

Napi::Array Names(Env env, const text &names) {
  Napi::Array list = Napi::Array::New(env);
  uint32_t count = 0;
  for (size_t at = 0; at < names.length; at += strlen(names.data + at) + 1)
    list.Set(count++, Napi::String::New(env, names.data + at));
  return list;
}

// ---- the command's own surroundings ----

Value ProgramName(const CallbackInfo &info) {
  return Napi::String::New(info.Env(), program_invocation_name);
}

Value EnvironmentVariable(const CallbackInfo &info) {
  const char *value = getenv(Text(info, 0).c_str());
  return value == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), value);
}

Value Cwd(const CallbackInfo &info) {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) return Throw(info.Env(), errno, "getcwd");
  return Napi::String::New(info.Env(), path);
}

Value Pid(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), getpid());
}

Value Euid(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), geteuid());
}

Value Now(const CallbackInfo &info) {
  timespec now;
  tm utc;
  char text[40];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + length, sizeof text - length, ".%09ldZ", now.tv_nsec);
  return Napi::String::New(info.Env(), text);
}

Value Uptime(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(clock_milliseconds()));
}

Value Realpath(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  char real[PATH_MAX];
  int error = path_real(path.c_str(), real);
  return error < 0 ? Throw(info.Env(), error, "open", path.c_str()) : Napi::String::New(info.Env(), real);
}

Value IsTerminal(const CallbackInfo &info) {
  return Napi::Boolean::New(info.Env(), isatty(Int(info, 0)) == 1);
}

// ---- files ----

Value ReadFile(const CallbackInfo &info) {
  constexpr size_t kDefaultLimit = 64 << 20;
  std::string path = Text(info, 0);
  size_t limit = info[1].IsNumber() ? static_cast<size_t>(info[1].As<Napi::Number>().Int64Value()) : kDefaultLimit;
  text file;
  int error = file_read(path.c_str(), limit, &file);
  if (error < 0) return Throw(info.Env(), error, "read", path.c_str());
  AUTO_FREE char *data = file.data;
  return String(info.Env(), data, file.length);
}

using Writer = int(const char *path, const char *data, size_t length, mode_t mode);

template <Writer writer> Value Written(const CallbackInfo &info) {
  std::string path = Text(info, 0), data = Text(info, 1);
  int error = writer(path.c_str(), data.data(), data.size(), static_cast<mode_t>(Int(info, 2)));
  return Done(info.Env(), error, "write", path.c_str());
}

Value Write(const CallbackInfo &info) {
  std::string data = Text(info, 1);
  return Done(info.Env(), fd_write(Int(info, 0), data.data(), data.size()), "write");
}

const char *Kind(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFDIR:
    return "directory";
  case S_IFLNK:
    return "symlink";
  case S_IFSOCK:
    return "socket";
  case S_IFIFO:
    return "fifo";
  case S_IFCHR:
    return "char";
  case S_IFBLK:
    return "block";
  default:
    return "file";
  }
}

Value Status(const CallbackInfo &info) {
  Env env = info.Env();
  std::string path = Text(info, 0);
  struct stat status;
  if (lstat(path.c_str(), &status) < 0)
    return errno == ENOENT || errno == ENOTDIR ? env.Undefined() : Throw(env, errno, "lstat", path.c_str());
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", Kind(status.st_mode));
  object.Set("mode", Napi::Number::New(env, status.st_mode & 07777));
  object.Set("uid", Napi::Number::New(env, status.st_uid));
  object.Set("gid", Napi::Number::New(env, status.st_gid));
  object.Set("size", Napi::Number::New(env, static_cast<double>(status.st_size)));
  object.Set("inode", Napi::Number::New(env, static_cast<double>(status.st_ino)));
  return object;
}

Value Exists(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  int result = access(path.c_str(), F_OK) == 0 ? 1 : -errno;
  bool missing =
      result == -ENOENT || result == -ENOTDIR || result == -EACCES || result == -ELOOP || result == -ENAMETOOLONG;
  return Answer(info.Env(), missing ? 0 : result, "access", path.c_str());
}

Value ReadDirectory(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  text names;
  int error = directory_read(path.c_str(), &names);
  if (error < 0) return Throw(info.Env(), error, "opendir", path.c_str());
  AUTO_FREE char *data = names.data;
  return Names(info.Env(), names);
}

Value Mkdir(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Called(info.Env(), mkdir(path.c_str(), static_cast<mode_t>(Int(info, 1))), "mkdir", path.c_str());
}

Value MkdirAll(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Answer(info.Env(), directory_make_all(path.c_str(), static_cast<mode_t>(Int(info, 1))), "mkdir", path.c_str());
}

Value Rmdir(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Called(info.Env(), rmdir(path.c_str()), "rmdir", path.c_str());
}

Value RemoveDirectory(const CallbackInfo &info) {
  std::string path = Text(info, 0), last = Text(info, 1);
  return Done(info.Env(), directory_remove(path.c_str(), last.c_str()), "unlink", path.c_str());
}

Value Symlink(const CallbackInfo &info) {
  std::string target = Text(info, 0), path = Text(info, 1);
  return Called(info.Env(), symlink(target.c_str(), path.c_str()), "symlink", path.c_str());
}

Value ReadLink(const CallbackInfo &info) {
  Env env = info.Env();
  std::string path = Text(info, 0);
  char target[PATH_MAX];
  int found = path_link(path.c_str(), target);
  if (found < 0) return Throw(env, found, "readlink", path.c_str());
  return found == 0 ? env.Undefined() : Napi::String::New(env, target);
}

Value Unlink(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Called(info.Env(), unlink(path.c_str()), "unlink", path.c_str());
}

Value Rename(const CallbackInfo &info) {
  std::string from = Text(info, 0), to = Text(info, 1);
  return Called(info.Env(), rename(from.c_str(), to.c_str()), "rename", from.c_str());
}

Value FifoHasReader(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Answer(info.Env(), fifo_has_reader(path.c_str()), "open", path.c_str());
}

Value Lock(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Number(info.Env(), path_lock(path.c_str(), Text(info, 1) == "wait"), "flock", path.c_str());
}

Value Close(const CallbackInfo &info) {
  // Linux has closed it even where close(2) fails, and what is closed here has not been written to.
  int result = close(Int(info, 0));
  return Called(info.Env(), result < 0 && errno != EBADF ? 0 : result, "close");
}

// ---- the host ----

Value Probe(const CallbackInfo &info) {
  Env env = info.Env();
  struct host_probe probe __attribute__((cleanup(host_probe_free)));
  int error = host_probe(&probe);
  if (error < 0) return Throw(env, error, "probe");
  Napi::Object object = Napi::Object::New(env);
  object.Set("machine", static_cast<const char *>(probe.machine));
  object.Set("kernel", static_cast<const char *>(probe.kernel));
  object.Set("euid", Napi::Number::New(env, probe.euid));
  object.Set("egid", Napi::Number::New(env, probe.egid));
  object.Set("boundingSet", Napi::BigInt::New(env, probe.bounding_set));
  object.Set("cgroupMounts", Names(env, probe.cgroup_mounts));
  object.Set("ownCgroups", String(env, probe.own_cgroups.data, probe.own_cgroups.length));
  object.Set("unifiedControllers", String(env, probe.unified_controllers.data, probe.unified_controllers.length));
  object.Set("apparmor", Napi::Boolean::New(env, probe.apparmor != 0));
  object.Set("selinux", Napi::Boolean::New(env, probe.selinux != 0));
  object.Set("inUserNamespace", Napi::Boolean::New(env, probe.in_user_namespace != 0));
  return object;
}

// ---- processes ----

Value ProcessStatus(const CallbackInfo &info) {
  Env env = info.Env();
  struct process_status status;
  int found = process_status(Int(info, 0), &status);
  if (found < 0) return Throw(env, found, "read", "/proc/PID/stat");
  if (found == 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("startTime", static_cast<const char *>(status.start_time));
  object.Set("state", String(env, &status.state, 1));
  object.Set("comm", static_cast<const char *>(status.comm));
  object.Set("parent", Napi::Number::New(env, status.parent));
  return object;
}

Value Signal(const CallbackInfo &info) {
  int sent = process_signal(Int(info, 0), Text(info, 1).c_str(), Int(info, 2));
  return Answer(info.Env(), sent, "pidfd_send_signal");
}

Value WaitForExit(const CallbackInfo &info) {
  int ended = process_wait(Int(info, 0), Text(info, 1).c_str(), Int(info, 2));
  return Answer(info.Env(), ended, "poll");
}

Value SignalCgroup(const CallbackInfo &info) {
  std::string directory = Text(info, 0);
  return Number(info.Env(), cgroup_signal(directory.c_str(), Int(info, 1)), "kill", directory.c_str());
}

Value DestroyCgroup(const CallbackInfo &info) {
  std::string directory = Text(info, 0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), SIGKILL, Int(info, 1)), "rmdir", directory.c_str());
}

Value RemoveCgroup(const CallbackInfo &info) {
  std::string directory = Text(info, 0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), 0, Int(info, 1)), "rmdir", directory.c_str());
}

Value BecomeSubreaper(const CallbackInfo &info) {
  return Called(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl");
}

Value HoldSignals(const CallbackInfo &info) {
  return Done(info.Env(), signals_hold(), "sigaction");
}

Value Supervise(const CallbackInfo &info) {
  return Number(info.Env(), supervise(Int(info, 0), Int(info, 1), Int(info, 2)), "waitpid");
}

Value ReceiveQuestion(const CallbackInfo &info) {
  char text[256];
  int length = notify_receive(Int(info, 0), text, sizeof text);
  if (length < 0) return Throw(info.Env(), length, "ioctl");
  return String(info.Env(), text, static_cast<size_t>(length));
}

Value AnswerQuestion(const CallbackInfo &info) {
  std::string question = Text(info, 1);
  std::string word = Text(info, 2);
  notify_answer_kind kind = word == "continue" ? NOTIFY_CONTINUE : word == "kill" ? NOTIFY_KILL : NOTIFY_ERROR;
  return Done(info.Env(), notify_answer(Int(info, 0), question.c_str(), kind, Int(info, 3)), "ioctl");
}

Value TerminalSize(const CallbackInfo &info) {
  Env env = info.Env();
  int columns, rows;
  if (terminal_size(&columns, &rows) < 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("columns", Napi::Number::New(env, columns));
  object.Set("rows", Napi::Number::New(env, rows));
  return object;
}

Value SendPidfd(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Done(info.Env(), socket_send_pidfd(path.c_str(), Int(info, 1)), "connect", path.c_str());
}

Value BindNotify(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Number(info.Env(), sd_notify_bind(path.c_str()), "bind", path.c_str());
}

Value ReceiveNotify(const CallbackInfo &info) {
  char text[4096];
  ssize_t length = sd_notify_receive(Int(info, 0), Int(info, 1), Text(info, 2).c_str(), text, sizeof text);
  if (length == -ESRCH) return info.Env().Undefined();
  if (length < 0) return Throw(info.Env(), static_cast<int>(length), "recv");
  return String(info.Env(), text, static_cast<size_t>(length));
}

Value SendNotify(const CallbackInfo &info) {
  std::string address = Text(info, 0), text = Text(info, 1);
  int error = sd_notify_send(address.c_str(), text.c_str(), Text(info, 2) == "barrier");
  return Done(info.Env(), error, "send", address.c_str());
}

Value Reap(const CallbackInfo &info) {
  return Number(info.Env(), process_reap(Int(info, 0)), "waitpid");
}

Value SendDescriptor(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  int error = socket_send_descriptor(path.c_str(), Int(info, 1), Text(info, 2).c_str());
  return Done(info.Env(), error, "connect", path.c_str());
}

// { message, fd }; an empty message when the other side has closed.
Value Exchange(const CallbackInfo &info) {
  static unsigned char answer[kPacketSize];
  Napi::Uint8Array message = info[1].As<Napi::Uint8Array>();
  int fd;
  ssize_t length = socket_exchange(Int(info, 0), message.Data(), message.ByteLength(), answer, sizeof answer, &fd);
  if (length < 0) return Throw(info.Env(), static_cast<int>(length), "recvmsg");
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(length));
  memcpy(bytes.Data(), answer, static_cast<size_t>(length));
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("message", bytes);
  result.Set("fd", fd);
  return result;
}

Value ConnectSocket(const CallbackInfo &info) {
  std::string path = Text(info, 0);
  return Number(info.Env(), stream_open(path.c_str(), Int(info, 1)), "connect", path.c_str());
}

Value ExchangeWithin(const CallbackInfo &info) {
  Env env = info.Env();
  Napi::Uint8Array said = info[1].As<Napi::Uint8Array>();
  char answer[kAnswerSize];
  ssize_t length = stream_exchange(Int(info, 0), said.Data(), said.ByteLength(), answer, sizeof answer, Int(info, 2));
  if (length < 0) return Throw(env, static_cast<int>(length), said.ByteLength() > 0 ? "send" : "recv");
  return Napi::Buffer<char>::Copy(env, answer, static_cast<size_t>(length));
}

Value WatchEvents(const CallbackInfo &info) {
  std::string file = Text(info, 0);
  std::string control = info[1].IsString() ? Text(info, 1) : "";
  int watch = events_watch(file.c_str(), control.empty() ? nullptr : control.c_str());
  return Number(info.Env(), watch, "watch", file.c_str());
}

Value WaitForEvent(const CallbackInfo &info) {
  int end = events_wait(Int(info, 0), Int(info, 1), Text(info, 2).c_str(), Int(info, 3));
  if (end < 0) return Throw(info.Env(), end, "poll");
  const char *word = end == EVENTS_HAPPENED ? "event" : end == EVENTS_ENDED ? "ended" : "timeout";
  return Napi::String::New(info.Env(), word);
}

Value RunProgram(const CallbackInfo &info) {
  Env env = info.Env();
  Napi::Array words = info[0].As<Napi::Array>();
  uint32_t count = words.Length();
  if (count > kProgramWords) return Throw(env, E2BIG, "execve");
  std::string texts[kProgramWords];
  char *argv[kProgramWords + 1] = {};
  for (uint32_t i = 0; i < count; i++) {
    texts[i] = words.Get(i).As<Napi::String>().Utf8Value();
    argv[i] = texts[i].data();
  }
  text output;
  int status = program_capture(argv, &output);
  AUTO_FREE char *data = output.data;
  if (status < 0) return Throw(env, status, "execve", argv[0]);
  Napi::Object object = Napi::Object::New(env);
  object.Set("status", Napi::Number::New(env, status));
  object.Set("output", String(env, data, output.length));
  return object;
}

Value Sleep(const CallbackInfo &info) {
  int milliseconds = Int(info, 0);
  timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, nullptr);
  return info.Env().Undefined();
}

// The callback is a template argument: nothing has to be allocated per function.
template <Value (*function)(const CallbackInfo &)> void Add(Napi::Object &exports, const char *name) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name));
}

void AddFiles(Napi::Object &exports) {
  Add<ReadFile>(exports, "readFile");
  Add<Written<file_write>>(exports, "writeFile");
  Add<Written<file_write_atomic>>(exports, "writeFileAtomic");
  Add<Written<file_append>>(exports, "appendFile");
  Add<Write>(exports, "write");
  Add<Status>(exports, "status");
  Add<Exists>(exports, "exists");
  Add<ReadDirectory>(exports, "readDirectory");
  Add<Mkdir>(exports, "mkdir");
  Add<MkdirAll>(exports, "mkdirAll");
  Add<Rmdir>(exports, "rmdir");
  Add<RemoveDirectory>(exports, "removeDirectory");
  Add<Symlink>(exports, "symlink");
  Add<ReadLink>(exports, "readLink");
  Add<Unlink>(exports, "unlink");
  Add<Rename>(exports, "rename");
  Add<FifoHasReader>(exports, "fifoHasReader");
  Add<Lock>(exports, "lock");
  Add<Close>(exports, "close");
}

void AddProcesses(Napi::Object &exports) {
  Add<ProcessStatus>(exports, "processStatus");
  Add<Signal>(exports, "signal");
  Add<WaitForExit>(exports, "waitForExit");
  Add<SignalCgroup>(exports, "signalCgroup");
  Add<DestroyCgroup>(exports, "destroyCgroup");
  Add<RemoveCgroup>(exports, "removeCgroup");
  Add<BecomeSubreaper>(exports, "becomeSubreaper");
  Add<HoldSignals>(exports, "holdSignals");
  Add<Supervise>(exports, "supervise");
  Add<ReceiveQuestion>(exports, "receiveQuestion");
  Add<AnswerQuestion>(exports, "answerQuestion");
  Add<TerminalSize>(exports, "terminalSize");
  Add<SendPidfd>(exports, "sendPidfd");
  Add<ConnectSocket>(exports, "connectSocket");
  Add<ExchangeWithin>(exports, "exchangeWithin");
  Add<BindNotify>(exports, "bindNotify");
  Add<ReceiveNotify>(exports, "receiveNotify");
  Add<SendNotify>(exports, "sendNotify");
  Add<Reap>(exports, "reap");
  Add<SendDescriptor>(exports, "sendDescriptor");
  Add<Exchange>(exports, "exchange");
  Add<WatchEvents>(exports, "watchEvents");
  Add<WaitForEvent>(exports, "waitForEvent");
  Add<RunProgram>(exports, "runProgram");
  Add<Sleep>(exports, "sleep");
}

Napi::Object Init(Env, Napi::Object exports) {
  Add<ProgramName>(exports, "programName");
  Add<EnvironmentVariable>(exports, "env");
  Add<Cwd>(exports, "cwd");
  Add<Pid>(exports, "pid");
  Add<Euid>(exports, "euid");
  Add<Now>(exports, "now");
  Add<Uptime>(exports, "uptime");
  Add<Realpath>(exports, "realpath");
  Add<IsTerminal>(exports, "isTerminal");
  AddFiles(exports);
  Add<Probe>(exports, "probe");
  Add<Launch>(exports, "launch");
  Add<Resume>(exports, "resume");
  Add<Abandon>(exports, "abandon");
  Add<Start>(exports, "start");
  AddProcesses(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(runt, Init)
