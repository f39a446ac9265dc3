/* Moves network devices (config-linux.md, "Network Devices") over rtnetlink(7). */
#include "machine.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kernel.h"
#include "text.h"

/* ---- rtnetlink ---- */

enum { MESSAGE_SIZE = 256, ADDRESS_LIMIT = 128, DUMP_SIZE = 16384, INDEX_ATTEMPTS = 4096 };

#ifndef IFLA_NEW_IFINDEX
#define IFLA_NEW_IFINDEX 49 /* Linux 5.13 */
#endif

struct message {
  _Alignas(struct nlmsghdr) char bytes[MESSAGE_SIZE];
};

static struct nlmsghdr *header_of(struct message *message) {
  return (struct nlmsghdr *)message->bytes;
}

/* Starts a message with its fixed part, which is zeroed. */
static void *begin(struct message *message, int type, int flags, size_t size) {
  memset(message, 0, sizeof *message);
  *header_of(message) = (struct nlmsghdr){
      .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
  return NLMSG_DATA(header_of(message));
}

static int add_attribute(struct message *message, int type, const void *data, size_t length) {
  struct nlmsghdr *header = header_of(message);
  size_t at = NLMSG_ALIGN(header->nlmsg_len);
  if (at + RTA_LENGTH(length) > sizeof message->bytes) return -EMSGSIZE;
  struct rtattr *attribute = (struct rtattr *)(message->bytes + at);
  *attribute = (struct rtattr){.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = (uint16_t)type};
  memcpy(RTA_DATA(attribute), data, length);
  header->nlmsg_len = (uint32_t)(at + RTA_LENGTH(length));
  return 0;
}

/* Sends a request and receives the kernel's response; `name` stands for the system call in errors. */
static int request(struct machine *m, int fd, struct message *message, const char *name) {
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[MESSAGE_SIZE];
  } answer;
  header_of(message)->nlmsg_flags |= NLM_F_ACK;
  ssize_t n = CALL(m, "send", send(fd, message->bytes, header_of(message)->nlmsg_len, 0));
  if (n < 0) return (int)n;
  do n = CALL(m, "recv", recv(fd, &answer, sizeof answer, 0));
  while (n == -EINTR);
  if (n < 0) return (int)n;
  if ((size_t)n < sizeof answer.header + sizeof answer.error || answer.header.nlmsg_type != NLMSG_ERROR) return -EPROTO;
  m->syscall = name;
  return answer.error.error;
}

static int open_rtnetlink(struct machine *m) {
  return (int)CALL(m, "socket", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

/* ---- addresses ---- */

struct addresses {
  int count;
  struct message add[ADDRESS_LIMIT]; /* complete requests, except for the index */
};

static uint32_t flags_of(const struct ifaddrmsg *address, int length) {
  uint32_t flags = address->ifa_flags;
  const struct rtattr *attribute = IFA_RTA(address);
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
    if (attribute->rta_type == IFA_FLAGS) memcpy(&flags, RTA_DATA(attribute), sizeof flags);
  return flags;
}

/* Turns an address of the dump into a request that creates it in the other namespace. IFA_LABEL contains the device's
 * old name. */
static int keep_address(struct addresses *all, const struct nlmsghdr *header, int index) {
  const struct ifaddrmsg *address = NLMSG_DATA(header);
  int length = (int)IFA_PAYLOAD(header);
  if ((int)address->ifa_index != index || address->ifa_scope != RT_SCOPE_UNIVERSE) return 0;
  if (!(flags_of(address, length) & IFA_F_PERMANENT)) return 0;
  if (all->count == ADDRESS_LIMIT) return -E2BIG;
  struct message *add = &all->add[all->count++];
  struct ifaddrmsg *copy = begin(add, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *copy);
  *copy = *address;
  const struct rtattr *attribute = IFA_RTA(address);
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
    if (attribute->rta_type == IFA_LABEL) continue;
    int result = add_attribute(add, attribute->rta_type, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
    if (result < 0) return result;
  }
  return 0;
}

/* Returns 1 if the dump is complete, 0 if more messages follow. */
static int keep_addresses(struct addresses *all, const char *data, size_t size, int index) {
  unsigned left = (unsigned)size;
  for (const struct nlmsghdr *h = (const struct nlmsghdr *)data; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
    if (h->nlmsg_type == NLMSG_DONE) return 1;
    if (h->nlmsg_type == NLMSG_ERROR) return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
    int result = h->nlmsg_type == RTM_NEWADDR ? keep_address(all, h, index) : 0;
    if (result < 0) return result;
  }
  return 0;
}

static int list_addresses(struct machine *m, int fd, int index, struct addresses *all) {
  _Alignas(struct nlmsghdr) static char data[DUMP_SIZE];
  struct message message;
  begin(&message, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
  ssize_t n = CALL(m, "send", send(fd, message.bytes, header_of(&message)->nlmsg_len, 0));
  int done = 0;
  all->count = 0;
  while (n >= 0 && done == 0) {
    n = CALL(m, "recv", recv(fd, data, sizeof data, 0));
    if (n == -EINTR) n = 0;
    m->syscall = "RTM_GETADDR";
    if (n > 0) done = keep_addresses(all, data, (size_t)n, index);
  }
  return n < 0 ? (int)n : done < 0 ? done : 0;
}

/* ---- the device ---- */

static int index_of(struct machine *m, int fd, const char *name) {
  struct ifreq device = {0};
  m->syscall = "ioctl";
  if (strlen(name) >= sizeof device.ifr_name) return -ENAMETOOLONG;
  strcpy(device.ifr_name, name);
  int result = (int)CALL(m, "ioctl", ioctl(fd, SIOCGIFINDEX, &device));
  return result < 0 ? result : device.ifr_ifindex;
}

/* The device keeps its index if that is free in the namespace. The index is chosen here, so that the device can be
 * found afterwards whatever its name is. */
static int free_index(struct machine *m, int fd, int index) {
  for (int i = 0; i < INDEX_ATTEMPTS; i++, index++) {
    struct ifreq device = {.ifr_ifindex = index};
    int result = (int)CALL(m, "ioctl", ioctl(fd, SIOCGIFNAME, &device));
    if (result == -ENODEV) return index;
    if (result < 0) return result;
  }
  return -ENFILE;
}

/* A socket stays in the network namespace in which it was created. Only this thread changes namespace, and back. */
static int open_rtnetlink_in(struct machine *m, int netns) {
  CLEANUP_FD int own = (int)CALL(m, "open", open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (own < 0) return own;
  int result = (int)CALL(m, "setns", setns(netns, CLONE_NEWNET));
  if (result < 0) return result;
  int fd = open_rtnetlink(m);
  result = (int)CALL(m, "setns", setns(own, CLONE_NEWNET));
  if (result == 0) return fd;
  if (fd >= 0) close(fd);
  return result;
}

static int move(struct machine *m, int host, int netns, int index, int new_index, const char *new_name) {
  struct message message;
  struct ifinfomsg *link = begin(&message, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = index;
  int result = add_attribute(&message, IFLA_NET_NS_FD, &netns, sizeof netns);
  if (result == 0) result = add_attribute(&message, IFLA_IFNAME, new_name, strlen(new_name) + 1);
  if (result == 0 && new_index != index)
    result = add_attribute(&message, IFLA_NEW_IFINDEX, &new_index, sizeof new_index);
  return result < 0 ? result : request(m, host, &message, "RTM_NEWLINK");
}

static int set_up(struct machine *m, int inside, int index, struct addresses *all) {
  for (int i = 0; i < all->count; i++) {
    struct ifaddrmsg *address = NLMSG_DATA(header_of(&all->add[i]));
    address->ifa_index = (uint32_t)index;
    int result = request(m, inside, &all->add[i], "RTM_NEWADDR");
    if (result < 0) return result;
  }
  struct message message;
  struct ifinfomsg *link = begin(&message, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  return request(m, inside, &message, "RTM_NEWLINK");
}

static int open_init_netns(struct machine *m) {
  char path[40] = "/proc/";
  text_append_number(path, sizeof path, (uint64_t)m->child, 10);
  text_append(path, sizeof path, "/ns/net");
  return (int)CALL(m, "open", open(path, O_RDONLY | O_CLOEXEC));
}

int op_move_netdev(struct machine *m, const struct step_move_netdev *s) {
  static struct addresses all;
  CLEANUP_FD int opened = s->netns < 0 ? open_init_netns(m) : -1;
  int netns = s->netns < 0 ? opened : machine_fd(m, s->netns);
  if (netns < 0) return netns;
  CLEANUP_FD int host = open_rtnetlink(m);
  if (host < 0) return host;
  int index = index_of(m, host, s->name);
  if (index < 0) return index;
  CLEANUP_FD int inside = open_rtnetlink_in(m, netns);
  if (inside < 0) return inside;
  /* The kernel would check the name only after the move. "%d" asks it for a free name. */
  if (!strchr(s->new_name, '%')) {
    int taken = index_of(m, inside, s->new_name);
    if (taken != -ENODEV) return taken < 0 ? taken : -EEXIST;
  }
  int new_index = free_index(m, inside, index);
  if (new_index < 0) return new_index;
  int result =
      list_addresses(m, host, index, &all); /* before the move, which takes the device down and removes its addresses */
  if (result == 0) result = move(m, host, netns, index, new_index, s->new_name);
  return result < 0 ? result : set_up(m, inside, new_index, &all);
}
