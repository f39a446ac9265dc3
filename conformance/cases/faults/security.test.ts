/*
 * Fail-open: a call that restricts the container fails. Either the container has all restrictions, or it does
 * not run. Tests all such calls, with the errnos that a kernel or an outer seccomp filter would return.
 */
import { probing } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'
import { difference, guards, topics } from './guards.ts'
import { type Fault, needsFaults, timeout } from './points.ts'
import { strike } from './trials.ts'

const steps =
  'prctl capset capbset_drop cap_ambient_raise setgroups setresuid setresgid seccomp personality mount_setattr ' +
  'umount2 pivot_root close_range reset_signals umask prlimit setns unshare join_session_keyring setsid reopen_null ' +
  'move_mount fsmount open_tree'
/** By number, if libc has no function: __NR_ of x86-64. */
const calls =
  'umount2 setns unshare setsid dup3 syscall_013 syscall_116 syscall_117 syscall_119 syscall_126 syscall_135 ' +
  'syscall_155 syscall_157 syscall_250 syscall_302 syscall_317 syscall_428 syscall_429 syscall_432 syscall_436 syscall_442'
const guarding = new Set([...steps.split(' '), ...calls.split(' ')])
const isGuarding = ({ point, code }: Fault): boolean =>
  guarding.has(point.name.replace(' ', '_')) && (code === 'EPERM' || code === 'EINVAL')

const hook = [{ path: '/bin/true' }]
/** Changes that init makes for a hook and must undo. */
const isOfHook = ({ point, code }: Fault): boolean =>
  /^(dup2|clone|setsid|syscall_(013|014|436))$/.test(point.name.replace(' ', '_')) && code === 'EINVAL'

const cases = {
  'a call that guards the container is refused': {
    only: isGuarding,
    patch: {
      process: { user: { uid: 1000, gid: 1000, additionalGids: [5] } },
      linux: {
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] },
      },
    },
  },
  'a call of a hook is refused': {
    only: isOfHook,
    patch: { hooks: { createContainer: hook, startContainer: hook } },
  },
}

for (const [name, { only, patch }] of Object.entries(cases)) {
  scenario(name, { skip: needsFaults(), timeout }, async (t, box: Box) => {
    const bundle = box.bundle(probing(topics, patch))
    const command = (id: string): readonly string[] => ['run', '--bundle', bundle.dir, id]
    const normal = guards(box.call(command(box.id())))
    await strike(t, box, {
      name,
      lists: ['container', 'init'],
      faults: { only },
      command,
      check: (_, result) => difference(guards(result), normal),
      cleans: 'itself',
    })
  })
}
