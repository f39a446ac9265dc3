// The addon's functions as src/native.ts declares them, one short function each: call one verb of the C files with the
// arguments (arguments.h), give the result or throw. The launch functions are in decode.cc.
#include <napi.h>

#include "arguments.h"
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

using Napi::Env;
using Napi::Value;

namespace {

constexpr uint32_t kProgramWords = 64;
constexpr size_t kPacketSize = 65536;
constexpr size_t kAnswerSize = 4096;

// ---- results ----

Value String(Env env, const char *data, size_t length) {
  return Napi::String::New(env, data == nullptr ? "" : data, length);
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

Value ProgramName(const Call &info) {
  return Napi::String::New(info.Env(), program_invocation_name);
}

Value EnvironmentVariable(const Call &info) {
  const char *value = getenv(info.Text(0).c_str());
  return value == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), value);
}

Value Cwd(const Call &info) {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) return Throw(info.Env(), errno, "getcwd");
  return Napi::String::New(info.Env(), path);
}

Value Pid(const Call &info) {
  return Napi::Number::New(info.Env(), getpid());
}

Value Euid(const Call &info) {
  return Napi::Number::New(info.Env(), geteuid());
}

Value Now(const Call &info) {
  timespec now;
  tm utc;
  char text[40];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + length, sizeof text - length, ".%09ldZ", now.tv_nsec);
  return Napi::String::New(info.Env(), text);
}

Value Uptime(const Call &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(clock_milliseconds()));
}

Value Realpath(const Call &info) {
  const std::string &path = info.Text(0);
  char real[PATH_MAX];
  int error = path_real(path.c_str(), real);
  return error < 0 ? Throw(info.Env(), error, "open", path.c_str()) : Napi::String::New(info.Env(), real);
}

Value IsTerminal(const Call &info) {
  return Napi::Boolean::New(info.Env(), isatty(info.Int(0)) == 1);
}

// ---- files ----

Value ReadFile(const Call &info) {
  constexpr size_t kDefaultLimit = 64 << 20;
  const std::string &path = info.Text(0);
  size_t limit = info.Has(1) ? static_cast<size_t>(info.Number(1)) : kDefaultLimit;
  text file;
  int error = file_read(path.c_str(), limit, &file);
  if (error < 0) return Throw(info.Env(), error, "read", path.c_str());
  AUTO_FREE char *data = file.data;
  return String(info.Env(), data, file.length);
}

// A text that may have megabytes: where there is no memory for it, `data` is NULL.
struct LongText {
  char *data;
  size_t length = 0;

  LongText(Env env, Value value) {
    napi_get_value_string_utf8(env, value, nullptr, 0, &length);
    data = static_cast<char *>(malloc(length + 1));
    if (data != nullptr) napi_get_value_string_utf8(env, value, data, length + 1, &length);
  }
  ~LongText() {
    free(data);
  }
};

using Writer = int(const char *path, const char *data, size_t length, mode_t mode);

template <Writer writer> Value Written(const Call &info) {
  const std::string &path = info.Text(0), &data = info.Text(1);
  int error = writer(path.c_str(), data.data(), data.size(), static_cast<mode_t>(info.Int(2)));
  return Done(info.Env(), error, "write", path.c_str());
}

Value Write(const Call &info) {
  const std::string &data = info.Text(1);
  return Done(info.Env(), fd_write(info.Int(0), data.data(), data.size()), "write");
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

Value Status(const Call &info) {
  Env env = info.Env();
  const std::string &path = info.Text(0);
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

Value Exists(const Call &info) {
  const std::string &path = info.Text(0);
  int result = access(path.c_str(), F_OK) == 0 ? 1 : -errno;
  bool missing =
      result == -ENOENT || result == -ENOTDIR || result == -EACCES || result == -ELOOP || result == -ENAMETOOLONG;
  return Answer(info.Env(), missing ? 0 : result, "access", path.c_str());
}

Value ReadDirectory(const Call &info) {
  const std::string &path = info.Text(0);
  text names;
  int error = directory_read(path.c_str(), &names);
  if (error < 0) return Throw(info.Env(), error, "opendir", path.c_str());
  AUTO_FREE char *data = names.data;
  return Names(info.Env(), names);
}

Value Mkdir(const Call &info) {
  const std::string &path = info.Text(0);
  return Called(info.Env(), mkdir(path.c_str(), static_cast<mode_t>(info.Int(1))), "mkdir", path.c_str());
}

Value MkdirAll(const Call &info) {
  const std::string &path = info.Text(0);
  return Answer(info.Env(), directory_make_all(path.c_str(), static_cast<mode_t>(info.Int(1))), "mkdir", path.c_str());
}

Value Rmdir(const Call &info) {
  const std::string &path = info.Text(0);
  return Called(info.Env(), rmdir(path.c_str()), "rmdir", path.c_str());
}

Value RemoveDirectory(const Call &info) {
  const std::string &path = info.Text(0), &last = info.Text(1);
  return Done(info.Env(), directory_remove(path.c_str(), last.c_str()), "unlink", path.c_str());
}

Value Symlink(const Call &info) {
  const std::string &target = info.Text(0), &path = info.Text(1);
  return Called(info.Env(), symlink(target.c_str(), path.c_str()), "symlink", path.c_str());
}

Value ReadLink(const Call &info) {
  Env env = info.Env();
  const std::string &path = info.Text(0);
  char target[PATH_MAX];
  int found = path_link(path.c_str(), target);
  if (found < 0) return Throw(env, found, "readlink", path.c_str());
  return found == 0 ? env.Undefined() : Napi::String::New(env, target);
}

Value Unlink(const Call &info) {
  const std::string &path = info.Text(0);
  return Called(info.Env(), unlink(path.c_str()), "unlink", path.c_str());
}

Value Rename(const Call &info) {
  const std::string &from = info.Text(0), &to = info.Text(1);
  return Called(info.Env(), rename(from.c_str(), to.c_str()), "rename", from.c_str());
}

Value FifoHasReader(const Call &info) {
  const std::string &path = info.Text(0);
  return Answer(info.Env(), fifo_has_reader(path.c_str()), "open", path.c_str());
}

Value Lock(const Call &info) {
  const std::string &path = info.Text(0);
  return Number(info.Env(), path_lock(path.c_str()), "flock", path.c_str());
}

Value LockByte(const Call &info) {
  const std::string &path = info.Text(0);
  return Number(info.Env(), byte_lock(path.c_str(), info.Number(1)), "fcntl", path.c_str());
}

Value Attribute(const Call &info) {
  const std::string &path = info.Text(0);
  char value[PATH_MAX];
  ssize_t length = path_attribute(path.c_str(), info.Text(1).c_str(), value, sizeof value);
  if (length < 0) return Throw(info.Env(), static_cast<int>(length), "getxattr", path.c_str());
  return length == 0 ? info.Env().Undefined() : String(info.Env(), value, static_cast<size_t>(length));
}

Value Close(const Call &info) {
  // Linux has closed it even where close(2) fails, and what is closed here has not been written to.
  int result = close(info.Int(0));
  return Called(info.Env(), result < 0 && errno != EBADF ? 0 : result, "close");
}

// ---- the host ----

Value Probe(const Call &info) {
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

Value ProcessStatus(const Call &info) {
  Env env = info.Env();
  struct process_status status;
  int found = process_status(info.Int(0), &status);
  if (found < 0) return Throw(env, found, "read", "/proc/PID/stat");
  if (found == 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("startTime", static_cast<const char *>(status.start_time));
  object.Set("state", String(env, &status.state, 1));
  object.Set("comm", static_cast<const char *>(status.comm));
  object.Set("parent", Napi::Number::New(env, status.parent));
  return object;
}

Value Signal(const Call &info) {
  int sent = process_signal(info.Int(0), info.Text(1).c_str(), info.Int(2));
  return Answer(info.Env(), sent, "pidfd_send_signal");
}

Value WaitForExit(const Call &info) {
  int ended = process_wait(info.Int(0), info.Text(1).c_str(), info.Int(2));
  return Answer(info.Env(), ended, "poll");
}

Value SignalCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Number(info.Env(), cgroup_signal(directory.c_str(), info.Int(1)), "kill", directory.c_str());
}

Value DestroyCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), SIGKILL, info.Int(1)), "rmdir", directory.c_str());
}

Value RemoveCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), 0, info.Int(1)), "rmdir", directory.c_str());
}

Value BecomeSubreaper(const Call &info) {
  return Called(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl");
}

Value HoldSignals(const Call &info) {
  return Done(info.Env(), signals_hold(), "sigaction");
}

Value Supervise(const Call &info) {
  return Number(info.Env(), supervise(info.Int(0), info.Int(1), info.Int(2)), "waitpid");
}

Value ReceiveQuestion(const Call &info) {
  char text[256];
  int length = notify_receive(info.Int(0), text, sizeof text);
  if (length < 0) return Throw(info.Env(), length, "ioctl");
  return String(info.Env(), text, static_cast<size_t>(length));
}

Value AnswerQuestion(const Call &info) {
  const std::string &question = info.Text(1);
  const std::string &word = info.Text(2);
  notify_answer_kind kind = word == "continue" ? NOTIFY_CONTINUE : word == "kill" ? NOTIFY_KILL : NOTIFY_ERROR;
  return Done(info.Env(), notify_answer(info.Int(0), question.c_str(), kind, info.Int(3)), "ioctl");
}

Value TerminalSize(const Call &info) {
  Env env = info.Env();
  int columns, rows;
  if (terminal_size(&columns, &rows) < 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("columns", Napi::Number::New(env, columns));
  object.Set("rows", Napi::Number::New(env, rows));
  return object;
}

Value SendPidfd(const Call &info) {
  const std::string &path = info.Text(0);
  return Done(info.Env(), socket_send_pidfd(path.c_str(), info.Int(1)), "connect", path.c_str());
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

Value Reap(const Call &info) {
  return Number(info.Env(), process_reap(info.Int(0)), "waitpid");
}

Value SendDescriptor(const Call &info) {
  const std::string &path = info.Text(0);
  int error = socket_send_descriptor(path.c_str(), info.Int(1), info.Text(2).c_str());
  return Done(info.Env(), error, "connect", path.c_str());
}

// { message, fd }; an empty message when the other side has closed.
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

Value WatchEvents(const Call &info) {
  const std::string &file = info.Text(0);
  int watch = events_watch(file.c_str(), info.Text(1).empty() ? nullptr : info.Text(1).c_str());
  return Number(info.Env(), watch, "watch", file.c_str());
}

Value WaitForEvent(const Call &info) {
  int end = events_wait(info.Int(0), info.Int(1), info.Text(2).c_str(), info.Int(3));
  if (end < 0) return Throw(info.Env(), end, "poll");
  const char *word = end == EVENTS_HAPPENED ? "event" : end == EVENTS_ENDED ? "ended" : "timeout";
  return Napi::String::New(info.Env(), word);
}

Value RunProgram(const Call &info) {
  Env env = info.Env();
  uint32_t count = 0;
  napi_get_array_length(env, info.Value(0), &count);
  if (count == 0) return info.Refuse("argv", "must not be empty");
  if (count > kProgramWords) return Throw(env, E2BIG, "execve");
  std::string texts[kProgramWords];
  char *argv[kProgramWords + 1] = {};
  for (uint32_t i = 0; i < count; i++) {
    napi_value word;
    if (napi_get_element(env, info.Value(0), i, &word) != napi_ok) return Value();  // a getter has thrown
    if (!info.ReadPart(word, Path("argv"), &texts[i], nullptr)) return Value();
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

Value Sleep(const Call &info) {
  int milliseconds = info.Int(0);
  timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, nullptr);
  return info.Env().Undefined();
}

// ---- the table ----

constexpr int64_t kMostBytes = 1 << 30;
constexpr int64_t kMostOffset = (int64_t{1} << 53) - 1;
constexpr Parameter kDescriptor = Integer("fd", 0), kSocket = Integer("socket", 0), kListener = Integer("listener", 0);
constexpr Parameter kMode = Integer("mode", 0, 07777), kSignal = Integer("signal", 0);
constexpr Parameter kPid = Integer("pid", 1), kStartTime = Path("startTime"), kWatch = Integer("watch", -1);
constexpr Parameter kPath = Path("path"), kDirectory = Path("directory");
constexpr Parameter kWithin = Integer("milliseconds", 0), kPatience = Integer("milliseconds", -1);

constexpr Signature kFunctions[] = {
    {"programName", ProgramName, {}},
    {"env", EnvironmentVariable, {Path("name")}},
    {"cwd", Cwd, {}},
    {"pid", Pid, {}},
    {"euid", Euid, {}},
    {"now", Now, {}},
    {"uptime", Uptime, {}},
    {"realpath", Realpath, {kPath}},
    {"isTerminal", IsTerminal, {kDescriptor}},
    {"readFile", ReadFile, {kPath, Optional(Integer("limit", 0, kMostBytes))}},
    {"writeFile", Written<file_write>, {kPath, Data("text"), kMode}},
    {"writeFileAtomic", Written<file_write_atomic>, {kPath, Data("text"), kMode}},
    {"appendFile", Written<file_append>, {kPath, Data("text"), kMode}},
    {"write", Write, {kDescriptor, Data("text")}},
    {"status", Status, {kPath}},
    {"exists", Exists, {kPath}},
    {"readDirectory", ReadDirectory, {kPath}},
    {"mkdir", Mkdir, {kPath, kMode}},
    {"mkdirAll", MkdirAll, {kPath, kMode}},
    {"rmdir", Rmdir, {kPath}},
    {"removeDirectory", RemoveDirectory, {kPath, Path("last")}},
    {"symlink", Symlink, {Path("target"), kPath}},
    {"readLink", ReadLink, {kPath}},
    {"unlink", Unlink, {kPath}},
    {"rename", Rename, {Path("from"), Path("to")}},
    {"fifoHasReader", FifoHasReader, {kPath}},
    {"lock", Lock, {kPath}},
    {"lockByte", LockByte, {kPath, Integer("offset", 0, kMostOffset)}},
    {"attribute", Attribute, {kPath, Path("name")}},
    {"close", Close, {kDescriptor}},
    {"probe", Probe, {}},
    {"launch", Launch, {Object("plan"), Object("options")}},
    {"resume", Resume, {}},
    {"abandon", Abandon, {}},
    {"start", Start, {Path("stateDirectory")}},
    {"processStatus", ProcessStatus, {Integer("pid", 0)}},
    {"signal", Signal, {kPid, kStartTime, kSignal}},
    {"waitForExit", WaitForExit, {kPid, kStartTime, kPatience}},
    {"signalCgroup", SignalCgroup, {kDirectory, kSignal}},
    {"destroyCgroup", DestroyCgroup, {kDirectory, kPatience}},
    {"removeCgroup", RemoveCgroup, {kDirectory, kPatience}},
    {"becomeSubreaper", BecomeSubreaper, {}},
    {"holdSignals", HoldSignals, {}},
    {"supervise", Supervise, {kPid, Integer("terminal", -1), kWatch}},
    {"receiveQuestion", ReceiveQuestion, {kListener}},
    {"answerQuestion",
     AnswerQuestion,
     {kListener, Path("question"), Word("answer", "continue|error|kill|"), Integer("errno", 0, 4095)}},
    {"terminalSize", TerminalSize, {}},
    {"sendPidfd", SendPidfd, {kPath, kPid}},
    {"connectSocket", ConnectSocket, {kPath, kWithin}},
    {"exchangeWithin", ExchangeWithin, {kSocket, Bytes("bytes"), kWithin}},
    {"bindNotify", BindNotify, {kPath}},
    {"receiveNotify", ReceiveNotify, {kSocket, kPid, kStartTime}},
    {"sendNotify", SendNotify, {Path("address"), Path("text"), Word("end", "barrier|go-on|")}},
    {"reap", Reap, {kPid}},
    {"sendDescriptor", SendDescriptor, {kPath, kDescriptor, Path("name")}},
    {"exchange", Exchange, {kSocket, Bytes("message")}},
    {"watchEvents", WatchEvents, {Path("file"), Optional(Path("control"))}},
    {"waitForEvent", WaitForEvent, {kWatch, kPid, kStartTime, kPatience}},
    {"runProgram", RunProgram, {List("argv")}},
    {"sleep", Sleep, {kWithin}},
};

Napi::Object Init(Env env, Napi::Object exports) {
  for (const Signature &signature : kFunctions) AddFunction(env, exports, signature);
  return exports;
}

}  // namespace

NODE_API_MODULE(runt, Init)
