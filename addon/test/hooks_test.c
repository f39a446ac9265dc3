/* Hooks that do not end, do not read, print much or nothing, or leave processes behind; and what a hook is given. */
#include "steps_test.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static char *const no_strings[] = {NULL};
static const struct strings NOTHING = {0, no_strings};

static int run(const char *path, const struct strings *args, int64_t timeout, const char *head) {
  return RUN(run_hook, .path = path, .args = *args, .env = NOTHING, .timeout = timeout, .stdin_head = head,
             .stdin_tail = "}");
}

static int shell(const char *script, int64_t timeout) {
  char *const items[] = {"hook", "-c", (char *)(uintptr_t)script, NULL};
  return run("/bin/sh", &(struct strings){3, items}, timeout, "{\"pid\":");
}

/* Whether the process exists and is not a zombie. */
static int is_alive(int pid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const char *state = strchr(read_text(path), ')');
  return state && state[2] != 'Z' && state[2] != 'X';
}

static void end(int pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void test_ends(void) {
  is(shell("exit 0", 0), 0, "a hook that succeeds");
  is(shell("echo out; echo cause >&2; exit 3", 0), -ECHILD, "a hook that fails");
  ok(strcmp(m.detail, "exit status 3: out\ncause") == 0, "the detail has status and output");
  is(shell("kill -TERM $$", 0), -ECHILD, "a hook that is killed");
  ok(strcmp(m.detail, "signal 15 (TERM)") == 0, "the detail has the signal");
  is(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1", 0), -ECHILD,
     "a hook that prints much");
  ok(strstr(m.detail, "line 19999") && strlen(m.detail) < 180, "the detail has the last of it");
  is(run("/nonexistent/hook", &NOTHING, 0, ""), -ENOENT, "a hook that is not there");
  ok(strcmp(m.syscall, "execve") == 0, "is an error of execve");
  is(run("/etc/passwd", &NOTHING, 0, ""), -EACCES, "a hook that is not executable");
  is(run("/bin/true", &NOTHING, 0, ""), 0, "a hook without arguments gets its path as the first");
}

static void test_timeout(void) {
  int status, killed = 0, others = 0;
  is(shell("echo begun; sleep 20 & sleep 20", 1), -ETIMEDOUT, "a hook that does not end");
  ok(strcmp(m.detail, "timed out after 1 s: begun") == 0, "the detail has the time");
  while (waitpid(-1, &status, 0) > 0) *(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? &killed : &others) += 1;
  /* The shell itself may have reaped one of the two. */
  ok(killed > 0 && others == 0, "what it started is killed with it");
  is(shell("trap '' TERM HUP INT; while :; do echo; done", 1), -ETIMEDOUT, "a hook that prints without end");
  is(shell("exit 0", 1000), 0, "a timeout that is not needed");
}

static void test_left_behind(void) {
  is(shell("sleep 1000 & echo $! >hook.pid; exit 0", 0), 0, "a hook that leaves a process with its output open");
  int pid = atoi(read_text("hook.pid"));
  ok(pid > 0 && is_alive(pid), "is not waited for longer than itself");
  is(shell("yes & echo $! >hook2.pid; sleep 0.1; exit 4", 0), -ECHILD,
     "the same with a process that prints without end");
  end(pid);
  end(atoi(read_text("hook2.pid")));
}

static void test_state(void) {
  static char large[1 << 20];
  memset(large, 'x', sizeof large - 1);
  is(shell("cat >state", 0), 0, "a hook that reads its state");
#ifdef RUNT_INIT
  char wanted[64];
  snprintf(wanted, sizeof wanted, "{\"pid\":%d}", getpid());
  ok(strcmp(read_text("state"), wanted) == 0, "which has init's pid as init sees it");
#else
  ok(strcmp(read_text("state"), "{\"pid\":4711}") == 0, "which has init's pid");
#endif
  char *const count[] = {"sh", "-c", "wc -c >state", NULL};
  is(run("/bin/sh", &(struct strings){3, count}, 0, large), 0, "a state larger than a pipe");
  ok(atoi(read_text("state")) > 1 << 20, "arrives whole");
  is(run("/bin/true", &NOTHING, 0, large), 0, "a large state that is not read");
}

static void test_surroundings(void) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int leak = open("/", O_RDONLY);
  is(shell("env >hook.env; ls -l /proc/$$/fd >hook.fds; grep -E 'Sig(Blk|Ign)' /proc/self/status >hook.signals", 0), 0,
     "a hook that looks around");
  ok(!strstr(read_text("hook.env"), "HOME") && !strstr(read_text("hook.env"), "USER"),
     "has nothing of our environment");
  ok(!strstr(read_text("hook.fds"), " 3 ->") && !strstr(read_text("hook.fds"), "-> /\n"), "no descriptor beyond 2");
  ok(strcmp(read_text("hook.signals"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n") == 0,
     "no signal blocked or ignored");
  close(leak);
  sigprocmask(SIG_SETMASK, NULL, &set);
  ok(sigismember(&set, SIGUSR1), "our own signal mask is as before");
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  signal(SIGPIPE, SIG_DFL);
  fill(B, open("hook.out", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  char *const items[] = {"sh", "-c", "echo one; echo two >&2; exit 1", NULL};
  is(RUN(run_hook, .path = "/bin/sh", .args = {3, items}, .env = NOTHING, .stdin_head = "", .stdin_tail = "",
         .output = B, .errors = B),
     -ECHILD, "a hook with files for its output");
  ok(strcmp(read_text("hook.out"), "one\ntwo\n") == 0, "has it there");
  ok(strcmp(m.detail, "exit status 1") == 0, "and not in the detail");
}

/* In a child that is pid 1 of a pid namespace, as init is: it inherits the hook's orphans, and must not take them for
 * the hook. */
static int as_first_process(void) {
  if (shell("sleep 0.1 & sleep 0.2 & cat >first.state; exit 6", 0) != -ECHILD) return 1;
  if (strcmp(m.detail, "exit status 6") != 0) return 2;
#ifdef RUNT_INIT
  if (strcmp(read_text("first.state"), "{\"pid\":1}") != 0) return 3;
#endif
  if (shell("sleep 20 & sleep 20", 1) != -ETIMEDOUT) return 4;
  return getpid() == 1 ? 0 : 5;
}

/* In a child that has closed descriptors 0 to 2, so that new descriptors would get these numbers. */
static int without_stdio(void) {
  close(0), close(1), close(2);
  if (shell("cat >closed.state; echo printed; exit 5", 0) != -ECHILD) return 1;
  if (strcmp(m.detail, "exit status 5: printed") != 0) return 2;
  return strncmp(read_text("closed.state"), "{\"pid\":", 7) == 0 ? 0 : 3;
}

void test_hooks(void) {
  int status = 0;
  test_ends();
  test_timeout();
  test_left_behind();
  test_state();
  test_surroundings();
  in_child(without_stdio, "a hook of a runtime without descriptors 0 to 2");
  is(waitpid(-1, &status, WNOHANG), -1, "no zombie is left");
  pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWPID) < 0) _exit(77);
    child = fork();
    if (child == 0) _exit(as_first_process());
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  waitpid(child, &status, 0);
  is(WEXITSTATUS(status), 0, "hooks of the first process of a pid namespace");
}
