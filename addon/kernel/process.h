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
  char start_time[24]; /* field 22, as text */
  char comm[64];       /* kernel worker threads have names longer than TASK_COMM_LEN */
  char state;          /* field 3; 'X' also for a process that is exiting */
  pid_t parent;
};

/* Returns 1, or 0 if there is no such process. */
int process_status(pid_t pid, struct process_status *out);
/* Returns a pidfd of the process `pid` that started at `start_time`; -ESRCH if that process has ended. */
int process_open(pid_t pid, const char *start_time);
/* Returns 1, or 0 if the process has ended. */
int process_signal(pid_t pid, const char *start_time, int signal);
/* Returns 1 if the process has ended, 0 on timeout after `milliseconds` (-1: no limit). */
int process_wait(pid_t pid, const char *start_time, int milliseconds);

/* Returns a pidfd of the process that has the pid now; -ESRCH if there is none. */
int pidfd_open_any(pid_t pid);
/* Returns 1, or 0 if the process has ended. */
int pidfd_signal(int pidfd, int signal);
/* Returns 1 if the process has ended, 0 on timeout after `milliseconds` (-1: no limit). */
int pidfd_wait(int pidfd, int milliseconds);

/* Waits for this child only. Returns its exit status, 128 + the number of the signal that ended it, or -errno. */
int process_reap(pid_t pid);

#ifdef __cplusplus
}
#endif
#endif
