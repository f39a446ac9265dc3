// Functions on files, directories, links, locks and descriptors, as src/native.ts declares them: see binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "cleanup.h"
#include "files.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using Napi::Env;
using Napi::Value;

namespace {

constexpr int64_t kMostBytes = 1 << 30;
constexpr int64_t kMostOffset = (int64_t{1} << 53) - 1;

Value Realpath(const Call &info) {
  const std::string &path = info.Text(0);
  char real[PATH_MAX];
  int error = path_real(path.c_str(), real);
  return error < 0 ? Throw(info.Env(), error, "open", path.c_str()) : Napi::String::New(info.Env(), real);
}

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

Value Status(const Call &info) {
  Env env = info.Env();
  const std::string &path = info.Text(0);
  struct stat status;
  if (lstat(path.c_str(), &status) < 0)
    return errno == ENOENT || errno == ENOTDIR ? env.Undefined() : Throw(env, errno, "lstat", path.c_str());
  return StatusObject(env, status);
}

Value Exists(const Call &info) {
  const std::string &path = info.Text(0);
  int result = access(path.c_str(), F_OK) == 0 ? 1 : -errno;
  bool missing =
      result == -ENOENT || result == -ENOTDIR || result == -EACCES || result == -ELOOP || result == -ENAMETOOLONG;
  return Answer(info.Env(), missing ? 0 : result, "access", path.c_str());
}

Value Writable(const Call &info) {
  return Napi::Boolean::New(info.Env(), access(info.Text(0).c_str(), W_OK) == 0);
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

Value SetAttribute(const Call &info) {
  const std::string &path = info.Text(0), &value = info.Text(2);
  return Called(info.Env(), setxattr(path.c_str(), info.Text(1).c_str(), value.data(), value.size(), 0), "setxattr",
                path.c_str());
}

Value Close(const Call &info) {
  // Linux closes the descriptor even if close(2) fails, and nothing was written to the descriptors closed here.
  int result = close(info.Int(0));
  return Called(info.Env(), result < 0 && errno != EBADF ? 0 : result, "close");
}

constexpr Signature kFunctions[] = {
    {"realpath", Realpath, {kPath}},
    {"readFile", ReadFile, {kPath, Optional(Integer("limit", 0, kMostBytes))}},
    {"writeFile", Written<file_write>, {kPath, Data("text"), kMode}},
    {"writeFileAtomic", Written<file_write_atomic>, {kPath, Data("text"), kMode}},
    {"appendFile", Written<file_append>, {kPath, Data("text"), kMode}},
    {"write", Write, {kDescriptor, Data("text")}},
    {"status", Status, {kPath}},
    {"exists", Exists, {kPath}},
    {"writable", Writable, {kPath}},
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
    {"setAttribute", SetAttribute, {kPath, Path("name"), Path("value")}},
    {"close", Close, {kDescriptor}},
};

}  // namespace

void AddFileFunctions(Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
