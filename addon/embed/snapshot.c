// Decides how the state after start-up is kept: the build runs the program once with --make-snapshot, and the program
// writes a copy of its own ELF file in which the segment of the arena (snapshot.ld) has the memory as its contents.
// The code is the same file, linked without PIE, so every pointer in the arena stays right. The kernel maps the pages
// privately from the page cache: starting costs only the pages that are touched.
//
// Variables outside the arena start afresh in the new process. So nothing but libc may have changed one of them since
// main(); the differences are listed, and anything not known to be harmless fails the build.
#include "snapshot.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "embed.h"

enum { PAGE = 4096, MAX_SECTIONS = 64, EXIT_INTERNAL = 70 };

static IN_SNAPSHOT struct {
  int valid;
  struct engine engine;
} saved = {0};

struct engine *snapshot_engine(void) {
  return saved.valid ? &saved.engine : NULL;
}

// The ELF file of this program, and for each of its writable sections a copy from the time of snapshot_begin().
static struct {
  char *file;
  size_t size;
  struct {
    const char *start;
    char *copy;
    size_t size;
  } section[MAX_SECTIONS];
  int sections;
} before;

static void *map_anonymous(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static int map_self(void) {
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) return -1;
  before.size = (size_t)info.st_size;
  before.file = mmap(NULL, before.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  return before.file == MAP_FAILED ? -1 : 0;
}

static const Elf64_Shdr *sections(const Elf64_Ehdr **elf) {
  *elf = (const Elf64_Ehdr *)before.file;
  return (const Elf64_Shdr *)(before.file + (*elf)->e_shoff);
}

int snapshot_begin(void) {
  if (map_self() < 0) return EXIT_INTERNAL;
  const Elf64_Ehdr *elf;
  const Elf64_Shdr *section = sections(&elf);
  for (int i = 0; i < elf->e_shnum && before.sections < MAX_SECTIONS; i++, section++) {
    int writable = (section->sh_flags & (SHF_WRITE | SHF_ALLOC | SHF_TLS)) == (SHF_WRITE | SHF_ALLOC);
    if (!writable || section->sh_addr >= (uintptr_t)&saved / PAGE * PAGE) continue;
    char *copy = map_anonymous(section->sh_size + 1);
    if (!copy) return EXIT_INTERNAL;
    int index = before.sections++;
    before.section[index].start = (const char *)section->sh_addr;
    before.section[index].size = section->sh_size;
    before.section[index].copy = copy;
  }
  // Last, so that what happens here is not seen as a difference; `before` itself is skipped by unchanged().
  for (int i = 0; i < before.sections; i++)
    memcpy(before.section[i].copy, before.section[i].start, before.section[i].size);
  return 0;
}

static int changed_words(void) {
  int changed = 0;
  for (int i = 0; i < before.sections; i++) {
    for (size_t at = 0; at + 4 <= before.section[i].size; at += 4) {
      const char *now = before.section[i].start + at;
      if (now >= (char *)&before && now < (char *)(&before + 1)) continue;
      if (memcmp(now, before.section[i].copy + at, 4) == 0) continue;
      dprintf(STDERR_FILENO, "snapshot: variable at %p changed\n", (const void *)now);
      changed++;
    }
  }
  return changed;
}

static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(fd, data, size);
    if (written <= 0) return -1;
    data += written;
    size -= (size_t)written;
  }
  return 0;
}

// Points the program header (and the section header, for debuggers) of the arena at the end of the file.
static int patch_headers(uintptr_t start, size_t offset, size_t size) {
  const Elf64_Ehdr *elf;
  Elf64_Shdr *section = (Elf64_Shdr *)sections(&elf);
  for (int i = 0; i < elf->e_shnum; i++)
    if (section[i].sh_addr == start && section[i].sh_type == SHT_PROGBITS) section[i].sh_offset = offset;
  Elf64_Phdr *program = (Elf64_Phdr *)(before.file + elf->e_phoff);
  for (int i = 0; i < elf->e_phnum; i++) {
    if (program[i].p_type != PT_LOAD || program[i].p_vaddr != start) continue;
    program[i].p_offset = offset;
    program[i].p_filesz = size;
    return 0;
  }
  return -1;
}

static int write_program(const char *path, const char *start, size_t size) {
  static const char zeros[PAGE];
  size_t offset = (before.size + PAGE - 1) / PAGE * PAGE;
  if (patch_headers((uintptr_t)start, offset, size) < 0) return -1;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0) return -1;
  int failed = write_all(fd, before.file, before.size) < 0 || write_all(fd, zeros, offset - before.size) < 0 ||
               write_all(fd, start, size) < 0;
  return close(fd) < 0 || failed ? -1 : 0;
}

int snapshot_write(const struct engine *engine, const char *path) {
  int changed = changed_words();
  if (changed > 0) return EXIT_INTERNAL;
  saved.engine = *engine;
  saved.valid = 1;
  char *start = (char *)((uintptr_t)&saved / PAGE * PAGE);
  size_t size = ((size_t)(arena_top() - start) + PAGE - 1) / PAGE * PAGE;
  if (write_program(path, start, size) == 0) return 0;
  dprintf(STDERR_FILENO, "snapshot: cannot write %s\n", path);
  return EXIT_INTERNAL;
}
