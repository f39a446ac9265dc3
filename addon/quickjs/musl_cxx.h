// Included first when C++ is compiled for the static program: libstdc++'s headers are configured for glibc and would
// use functions that musl lacks. The types that both use come from musl's headers.
#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t
#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK

// errno_name.c; glibc declares it in <string.h>.
extern "C" const char *strerrorname_np(int code);
