/* Turns the input into messages of a hostile init: valid and invalid reports, and packets with descriptors. */
#ifndef FUZZ_PACKETS_H
#define FUZZ_PACKETS_H
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "machine.h"

static const uint8_t *at, *end;

static uint8_t take(void) {
  return at < end ? *at++ : 0;
}

static uint32_t take_word(void) {
  uint32_t word = 0;
  for (int i = 0; i < 4; i++) word = word << 8 | take();
  return word;
}

static void take_text(char *text, size_t size) {
  size_t length = take();
  memset(text, 'A', size); /* 255: without a NUL */
  if (length < 255) memset(text + length % size, 0, size - length % size);
  if (length > 0 && length < 8) text[0] = (char)take();
}

static struct report take_report(void) {
  struct report r = {.kind = take(), .error = -1};
  if (r.kind < 0xf0) r.kind %= 6;
  if (r.kind == 5) r.kind = take_word();
  uint8_t form = take();
  r.step = form & 1 ? take_word() : form >> 4;
  r.error = form & 2 ? (int32_t)take_word() : take();
  r.value = form & 4 ? take_word() : take() % 4;
  take_text(r.syscall, sizeof r.syscall);
  take_text(r.detail, sizeof r.detail);
  return r;
}

/* One packet with as many descriptors as the input says. */
static void send_packet(int socket, const void *data, size_t size, int count) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(8 * sizeof(int))];
  } control;
  struct iovec iov = {.iov_base = (void *)data, .iov_len = size};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  int fds[8] = {0, 1, 2, 0, 1, 2, 0, 1};
  if (count > 0) {
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    control.header = (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
  }
  sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_all(int socket) {
  for (int i = 0; i < 24 && at < end; i++) {
    uint8_t form = take();
    struct report r = take_report();
    send_packet(socket, &r, form < 0xe0 ? sizeof r : take(), form & 1 ? form >> 1 & 7 : 0);
  }
}

#endif
