/* Network devices: the loopback device, and moving a device with its addresses. Uses ip(8) to create them. */
#include "steps_test.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns the output of `ip` in the network namespace of the descriptor. */
static const char *look(int netns, const char *command) {
  int status;
  char line[256];
  snprintf(line, sizeof line, "%s >ip.out 2>&1", command);
  pid_t child = fork();
  if (child == 0) _exit(setns(netns, CLONE_NEWNET) < 0 || system(line) != 0);
  waitpid(child, &status, 0);
  return read_text("ip.out");
}

static int new_namespace(void) {
  if (unshare(CLONE_NEWNET) < 0) return -1;
  return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

#ifndef RUNT_INIT
static void test_moving(int host, int inside) {
  const char *seen;
  is(RUN(move_netdev, .name = "d0", .new_name = "taken", .netns = A), -EEXIST, "a name that is taken inside");
  ok(strstr(look(host, "ip addr show d0"), "10.9.8.7/24"), "the device is still here with its addresses");
  is(RUN(move_netdev, .name = "d0", .new_name = "eth7", .netns = A), 0, "move_netdev");
  seen = look(inside, "ip addr show eth7");
  ok(strstr(seen, "10.9.8.7/24 brd 10.9.8.255 scope global"), "permanent address");
  ok(strstr(seen, "fd00:9::1/64 scope global"), "of either family");
  ok(!strstr(seen, "169.254.3.3"), "not one of link scope");
  ok(!strstr(seen, "10.1.1.1"), "not one with a lifetime");
  ok(strstr(seen, "mtu 1400") && strstr(seen, ",UP"), "attributes are kept, and it is up");
  ok(strstr(look(host, "ip link show d0"), "does not exist"), "it is gone here");
  is(RUN(move_netdev, .name = "d1", .new_name = "any%d", .netns = A), 0, "a name that the kernel chooses");
  ok(strstr(look(inside, "ip addr show any0"), "10.9.9.9/32"), "it chose one");
  is(RUN(move_netdev, .name = "d7", .new_name = "d7", .netns = A), -ENODEV, "a device that does not exist");
  is(RUN(move_netdev, .name = "a-name-that-is-too-long", .new_name = "d7", .netns = A), -ENAMETOOLONG, "nor can");
}
#endif

void test_network(void) {
  int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int inside = new_namespace();
  if (inside < 0) {
    skip("network devices", "no network namespaces");
    return;
  }
  is(RUN(link_up, .name = "lo"), 0, "link_up of the loopback device");
  ok(strstr(look(inside, "ip link show lo"), "LOOPBACK,UP"), "it is up");
  is(RUN(link_up, .name = "none"), -ENODEV, "link_up of a device that does not exist");
  int can = system("ip link add taken type bridge 2>/dev/null") == 0;
  int host = new_namespace();
  can = can && system("ip link add d0 mtu 1400 type veth peer name p0 && ip link set p0 up && ip addr add 10.9.8.7/24 "
                      "brd + dev d0 &&"
                      "ip addr add 169.254.3.3/16 scope link dev d0 && ip link add d1 type veth peer name p1 &&"
                      "ip addr add 10.1.1.1/24 dev d0 valid_lft 1000 preferred_lft 1000 &&"
                      "ip addr add fd00:9::1/64 dev d0 nodad && ip addr add 10.9.9.9 dev d1 && ip link set d0 up") == 0;
  fill(A, fcntl(inside, F_DUPFD_CLOEXEC, 3));
#ifdef RUNT_INIT
  (void)can, (void)host;
#else
  if (can)
    test_moving(host, inside);
  else
    skip("move_netdev", "no ip(8), or no virtual devices");
#endif
  if (setns(before, CLONE_NEWNET) < 0) perror("setns");
}
