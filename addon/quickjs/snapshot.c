// Saves the state after start-up: the build runs the program once with --make-snapshot, and the program writes a copy
// of its own ELF file in which the segment of the arena (snapshot.ld) contains the memory. The code is the same file,
// linked without PIE, so every pointer in the arena stays valid. The kernel maps the pages privately from the page
// cache, so a start costs only the pages that are touched.
//
// Variables outside of the arena start with their initial values in the new process. So only libc may have changed them
// since main(); the program lists the differences, and fails the build for any that is not known to be harmless.
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

enum {
  PAGE = 4096,
  MAX_SECTIONS = 64,
  SPARE = 1024 * 1024,  // of memory behind the snapshot: more than `create` of a usual config takes
  EXIT_INTERNAL = 70,
};

static IN_SNAPSHOT struct {
  int valid;
  struct engine engine;
} saved = {0};

struct engine *snapshot_engine(void) {
  return saved.valid ? &saved.engine : NULL;
}

// Where the segment starts (snapshot.ld).
extern char runt_snapshot_start[];

// Variables that may differ: QuickJS's counter of class ids (a started program registers no classes), and musl's lazily
// resolved clock_gettime.
static const char *const HARMLESS[] = {"js_class_id_alloc", "vdso_func"};

// This program's ELF file, and for each of its writable sections a copy from the time of snapshot_begin().
static struct {
  char *file;
  struct {
    const char *start;
    char *copy;
    size_t size;
  } section[MAX_SECTIONS];
  int sections;
} before;

static char *map_file(const char *path, size_t *size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) return NULL;
  *size = (size_t)info.st_size;
  char *file = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  return file == MAP_FAILED ? NULL : file;
}

static Elf64_Shdr *sections_of(char *file) {
  return (Elf64_Shdr *)(file + ((Elf64_Ehdr *)file)->e_shoff);
}

int snapshot_begin(void) {
  size_t size;
  before.file = map_file("/proc/self/exe", &size);
  if (!before.file) return EXIT_INTERNAL;
  const Elf64_Shdr *section = sections_of(before.file);
  for (int i = 0; i < ((Elf64_Ehdr *)before.file)->e_shnum && before.sections < MAX_SECTIONS; i++, section++) {
    int writable = (section->sh_flags & (SHF_WRITE | SHF_ALLOC | SHF_TLS)) == (SHF_WRITE | SHF_ALLOC);
    if (!writable || section->sh_addr >= (uintptr_t)runt_snapshot_start) continue;
    char *copy = mmap(NULL, section->sh_size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return EXIT_INTERNAL;
    int index = before.sections++;
    before.section[index].start = (const char *)section->sh_addr;
    before.section[index].size = section->sh_size;
    before.section[index].copy = copy;
  }
  for (int i = 0; i < before.sections; i++)
    memcpy(before.section[i].copy, before.section[i].start, before.section[i].size);
  return 0;
}

// Returns the name of the variable at an address; needs a program that has not been stripped.
static const char *symbol_at(uintptr_t address) {
  const Elf64_Shdr *section = sections_of(before.file);
  for (int i = 0; i < ((Elf64_Ehdr *)before.file)->e_shnum; i++) {
    if (section[i].sh_type != SHT_SYMTAB) continue;
    const char *names = before.file + section[section[i].sh_link].sh_offset;
    const Elf64_Sym *symbol = (const Elf64_Sym *)(before.file + section[i].sh_offset);
    for (size_t n = section[i].sh_size / sizeof *symbol; n > 0; n--, symbol++)
      if (ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT && address >= symbol->st_value &&
          address < symbol->st_value + symbol->st_size)
        return names + symbol->st_name;
  }
  return "(no symbol)";
}

static int is_harmless(const char *name) {
  for (size_t i = 0; i < sizeof HARMLESS / sizeof *HARMLESS; i++)
    if (strcmp(HARMLESS[i], name) == 0) return 1;
  return 0;
}

static int changed_words(void) {
  int changed = 0;
  for (int i = 0; i < before.sections; i++) {
    for (size_t at = 0; at + 4 <= before.section[i].size; at += 4) {
      const char *now = before.section[i].start + at;
      if (now >= (char *)&before && now < (char *)(&before + 1)) continue;
      if (memcmp(now, before.section[i].copy + at, 4) == 0) continue;
      const char *name = symbol_at((uintptr_t)now);
      if (is_harmless(name)) continue;
      dprintf(STDERR_FILENO, "snapshot: %s at %p was changed, but is not in the arena\n", name, (const void *)now);
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

// A stripped file loses its section headers as well: they do not describe the snapshot, and a second strip would rely
// on them and cut it off. An unstripped file keeps them for debuggers.
static void patch_sections(char *file, uintptr_t start, size_t offset) {
  Elf64_Ehdr *elf = (Elf64_Ehdr *)file;
  Elf64_Shdr *section = sections_of(file);
  int has_symbols = 0;
  for (int i = 0; i < elf->e_shnum; i++) {
    has_symbols |= section[i].sh_type == SHT_SYMTAB;
    if (section[i].sh_addr == start && section[i].sh_type == SHT_PROGBITS) section[i].sh_offset = offset;
  }
  if (!has_symbols) elf->e_shoff = elf->e_shnum = elf->e_shstrndx = 0;
}

// Points the program header of the arena at the end of the file.
static int patch_segment(char *file, uintptr_t start, size_t offset, size_t size, size_t memory) {
  const Elf64_Ehdr *elf = (const Elf64_Ehdr *)file;
  Elf64_Phdr *program = (Elf64_Phdr *)(file + elf->e_phoff);
  for (int i = 0; i < elf->e_phnum; i++) {
    if (program[i].p_type != PT_LOAD || program[i].p_vaddr != start) continue;
    program[i].p_offset = offset;
    program[i].p_filesz = size;
    program[i].p_memsz = memory;
    return 0;
  }
  return -1;
}

static int write_program(const char *template, const char *path, const char *start, size_t size, size_t memory) {
  static const char zeros[PAGE];
  size_t length;
  char *file = map_file(template, &length);
  if (!file) return -1;
  size_t offset = (length + PAGE - 1) / PAGE * PAGE;
  patch_sections(file, (uintptr_t)start, offset);
  if (patch_segment(file, (uintptr_t)start, offset, size, memory) < 0) return -1;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0) return -1;
  int failed =
      write_all(fd, file, length) < 0 || write_all(fd, zeros, offset - length) < 0 || write_all(fd, start, size) < 0;
  return close(fd) < 0 || failed ? -1 : 0;
}

int snapshot_write(const struct engine *engine, const char *template, const char *path) {
  if (changed_words() > 0) return EXIT_INTERNAL;
  arena_forget_free();
  saved.engine = *engine;
  saved.valid = 1;
  char *start = runt_snapshot_start;
  size_t size = ((size_t)(arena_top() - start) + PAGE - 1) / PAGE * PAGE;
  size_t memory = (size_t)(arena_end_after(SPARE) - start);
  if (write_program(template, path, start, size, memory) == 0) return 0;
  dprintf(STDERR_FILENO, "snapshot: cannot write %s\n", path);
  return EXIT_INTERNAL;
}
