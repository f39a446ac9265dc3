/* Processes of the host, named by pid and start time and addressed by pidfd. Functions return 0 (or what their comment
 * says) or -errno. */
#ifndef RUNT_PROCESS_H
#define RUNT_PROCESS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From proc_pid_stat(5). */
struct process_status {
  char start_time[24]; /* field 22 as it stands there */
  char comm[64];       /* the kernel's own workers have longer names than TASK_COMM_LEN */
  char state;
  pid_t parent;
};

/* 1, or 0 when there is no such process. */
int process_status(pid_t pid, struct process_status *out);
/* A pidfd of the process `pid` that started at `start_time`; -ESRCH when that process is gone. */
int process_open(pid_t pid, const char *start_time);
/* 1, or 0 when the process is gone. */
int process_signal(pid_t pid, const char *start_time, int signal);
/* 1 when the process has ended, 0 when it is still there after `milliseconds` (-1: wait for ever). */
int process_wait(pid_t pid, const char *start_time, int milliseconds);

/* A pidfd of whatever has the pid now; -ESRCH when nothing has. */
int pidfd_open_any(pid_t pid);
/* 1, or 0 when the process is gone. */
int pidfd_signal(int pidfd, int signal);
/* 1 when the process has ended, 0 when it is still there after `milliseconds` (-1: wait for ever). */
int pidfd_wait(int pidfd, int milliseconds);

/* Waits for the end of this child and of no other. Its exit status, 128 + the signal that ended it, or -errno. */
int process_reap(pid_t pid);

#ifdef __cplusplus
}
#endif
#endif
