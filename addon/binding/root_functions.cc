// Functions on files inside a root file system, as src/native.ts declares them: see binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "root_file.h"

#include <cerrno>
#include <memory>
#include <sys/statvfs.h>

using Napi::Env;
using Napi::Value;

namespace {

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

}  // namespace

Napi::Object StatusObject(Env env, const struct stat &status) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", Kind(status.st_mode));
  object.Set("mode", Napi::Number::New(env, status.st_mode & 07777));
  object.Set("uid", Napi::Number::New(env, status.st_uid));
  object.Set("gid", Napi::Number::New(env, status.st_gid));
  object.Set("size", Napi::Number::New(env, static_cast<double>(status.st_size)));
  object.Set("inode", Napi::Number::New(env, static_cast<double>(status.st_ino)));
  return object;
}

namespace {

Value CopyOf(Env env, const uint8_t *data, size_t length) {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, length);
  if (length > 0) memcpy(bytes.Data(), data, length);  // without bytes there is no memory
  return bytes;
}

Value LookInRoot(const Call &info) {
  Env env = info.Env();
  const std::string &root = info.Text(0), &path = info.Text(1);
  static root_file file;  // too large for a small stack
  int error = root_file_look(root.c_str(), path.c_str(), &file);
  if (error == -ENOENT || error == -ENOTDIR) return env.Undefined();
  if (error < 0) return Throw(env, error, "openat2", path.c_str());
  Napi::Object object = StatusObject(env, file.status);
  object.Set("path", Napi::String::New(env, file.path));
  object.Set("isReadOnly", Napi::Boolean::New(env, (file.flags & ST_RDONLY) != 0));
  object.Set("isNoexec", Napi::Boolean::New(env, (file.flags & ST_NOEXEC) != 0));
  object.Set("head", CopyOf(env, file.head, file.head_length));
  object.Set("capabilities", CopyOf(env, file.capabilities, file.capabilities_length));
  return object;
}

constexpr Signature kFunctions[] = {
    {"lookInRoot", LookInRoot, {Path("root"), kPath}},
};

}  // namespace

void AddRootFunctions(Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
