/* The libc functions themselves, without the wrappers of calls.c. Seven words hold the parameters of any of them. */
#ifndef RUNT_REAL_H
#define RUNT_REAL_H

typedef long call(long, long, long, long, long, long, long);
extern call __real_open, __real_close, __real_fcntl, __real_write;

#define REAL_(name, a, b, c, d, ...) __real_##name((long)(a), (long)(b), (long)(c), (long)(d), 0, 0, 0)
#define REAL(name, ...) REAL_(name, __VA_ARGS__, 0, 0, 0, 0)

#endif
