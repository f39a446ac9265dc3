/*
 * Prints what libseccomp knows about every system call on every architecture, for generate-syscalls.mjs and for the
 * test that compares the generated tables. Lines: "name ARCH number", where the number is the one the kernel sees, or
 * negative where the call exists on that architecture only behind socketcall(2) or ipc(2).
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; uint32_t token; } archs[] = {
#define A(name) { #name, SCMP_ARCH_##name }
  A(X86), A(X86_64), A(X32), A(ARM), A(AARCH64), A(MIPS), A(MIPS64), A(MIPS64N32), A(MIPSEL), A(MIPSEL64),
  A(MIPSEL64N32), A(PPC), A(PPC64), A(PPC64LE), A(S390), A(S390X), A(PARISC), A(PARISC64), A(RISCV64),
#ifdef SCMP_ARCH_LOONGARCH64
  A(LOONGARCH64), A(M68K), A(SH), A(SHEB),
#endif
#undef A
};

int main(void) {
  static const unsigned bases[][2] = { { 0, 8192 }, { 0xf0000, 0xf0100 }, { 0x40000000, 0x40001000 } };
  const struct scmp_version *version = seccomp_version();
  char line[256];

  printf("# libseccomp %u.%u.%u\n", version->major, version->minor, version->micro);
  /* Numbers first: the name that libseccomp gives to a number decides how rules apply to other architectures. */
  for (size_t a = 0; a < sizeof(archs) / sizeof(archs[0]); a++)
    for (size_t b = 0; b < 3; b++)
      for (unsigned nr = bases[b][0]; nr < bases[b][1]; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(archs[a].token, (int)nr);
        if (name)
          printf("num %s %s %u\n", archs[a].name, name, nr);
        free(name);
      }
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    for (size_t a = 0; a < sizeof(archs) / sizeof(archs[0]); a++)
      printf("name %s %s %d\n", archs[a].name, line, seccomp_syscall_resolve_name_arch(archs[a].token, line));
  }
  return 0;
}
