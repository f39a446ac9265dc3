/* Terminals and sockets with long paths. */
#include "steps_test.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "unix_socket.h"

static int open_pty(int devpts, int64_t uid) {
  return RUN(open_pty, .devpts = devpts, .master = B, .peer = C, .columns = 117, .rows = 31, .uid = uid, .gid = -1);
}

/* In a child: the terminal becomes the controlling one, and what is written there arrives at the master. */
static int takes_terminal(void) {
  if (RUN(setsid) != 0 || RUN(set_terminal, .fd = C) != 0) return 1;
  int tty = open("/dev/tty", O_RDWR);
  return tty >= 0 && write(1, "hello", 5) == 5 && isatty(0) && isatty(2) ? 0 : 2;
}

static void test_pty(void) {
  struct stat st;
  struct winsize size;
  char text[16] = "";
  mkdir("pts", 0755);
  if (mount("devpts", "pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620,gid=5") < 0) {
    skip("open_pty", "no devpts");
    return;
  }
  fill(A, open("pts", O_PATH | O_DIRECTORY | O_CLOEXEC));
  is(open_pty(A, 1000), 0, "open_pty in a devpts of its own");
  ok(fstat(slot_fd(C), &st) == 0 && st.st_rdev == makedev(136, 0), "the first terminal of the instance");
  ok(st.st_uid == 1000 && st.st_gid == 5 && (st.st_mode & 07777) == 0620,
     "with owner, and group and mode of the mount");
  ok(ioctl(slot_fd(C), TIOCGWINSZ, &size) == 0 && size.ws_col == 117 && size.ws_row == 31, "with its size");
  in_child(takes_terminal, "set_terminal");
  ok(read(slot_fd(B), text, sizeof text - 1) == 5 && strcmp(text, "hello") == 0, "its output arrives");
  mkdir("fake-pts", 0755);
  mknod("fake-pts/ptmx", S_IFCHR | 0666, makedev(5, 2));
  fill(A, open("fake-pts", O_PATH | O_DIRECTORY | O_CLOEXEC));
  is(open_pty(A, 0), -EBADF, "a directory that is no devpts is refused");
  is(open_pty(NONE, 0), 0, "open_pty of the host");
  umount2("pts", MNT_DETACH);
}

static int listen_at(const char *directory, const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), before = open(".", O_PATH | O_CLOEXEC);
  strcpy(address.sun_path, name);
  if (chdir(directory) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
    perror("bind");
  if (fchdir(before) < 0) perror("fchdir");
  close(before);
  return fd;
}

static void receive_one(int listener, const char *what) {
  char data[64] = "";
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec iov = {data, sizeof data - 1};
  struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control};
  struct stat got, wanted;
  int fd = -1, socket = accept(listener, NULL, NULL);
  ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (n > 0 && CMSG_FIRSTHDR(&message)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  ok(n == 4 && strcmp(data, "name") == 0 && fstat(fd, &got) == 0 && stat("sent", &wanted) == 0 &&
         got.st_ino == wanted.st_ino,
     what);
  close(fd);
  close(socket);
}

static void test_sockets(void) {
  char directory[220], name[100], path[400];
  memset(directory, 'd', sizeof directory - 1);
  memset(name, 'n', sizeof name - 1);
  directory[sizeof directory - 1] = name[sizeof name - 1] = '\0';
  mkdir(directory, 0755);
  int listener = listen_at(directory, name), near = listen_at(".", "near");
  snprintf(path, sizeof path, "%s/%s", directory, name);
  write_text("sent", "");
  fill(A, open("sent", O_RDONLY | O_CLOEXEC));
  is(RUN(connect, .path = path, .into = B), 0, "connect to a path of 319 bytes");
  is(RUN(send_fd, .socket = B, .fd = A, .name = "name"), 0, "send_fd");
  receive_one(listener, "descriptor and name arrive");
  is(RUN(connect, .path = "near", .into = B), 0, "connect to a short path");
  is(RUN(send_fd, .socket = B, .fd = A, .name = "name"), 0, "send_fd");
  receive_one(near, "descriptor and name arrive there, too");
  close(near);
  is(RUN(connect, .path = "near", .into = C), -ECONNREFUSED, "connect where nobody listens");
  is(RUN(connect, .path = "nowhere", .into = C), -ENOENT, "connect where nothing is");
  path[strlen(path) - 1] = 'x';
  is(RUN(connect, .path = path, .into = C), -ENOENT, "the same with a long path");
  is(RUN(send_fd, .socket = B, .fd = A, .name = "name"), -EPIPE, "nobody receives any more: an error, not a signal");
  close(listener);
}

static void test_bind(void) {
  char directory[220], path[400];
  memset(directory, 'd', sizeof directory - 1); /* made by test_sockets */
  directory[sizeof directory - 1] = '\0';
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(path, sizeof path, "%s/%0100d", directory, 0);
  is(unix_bind(fd, path), -ENAMETOOLONG, "bind to a long path with a name of 100 bytes fails");
  snprintf(path, sizeof path, "%s/bound", directory);
  is(unix_bind(fd, path), 0, "bind to a path of 225 bytes");
  listen(fd, 1);
  is(RUN(connect, .path = path, .into = B), 0, "the path leads to that socket");
  is(unix_bind(fd, "no-directory/bound"), -ENOENT, "bind in a directory that does not exist fails");
  close(fd);
}

void test_terminal(void) {
  test_pty();
  test_sockets();
  test_bind();
}
