/*
 * run --seccomp-log: each call that the profile denies is reported with its rule, and the result of the call is the same
 * as without the flag (seccomp_unotify(2)).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'

const denying = (action: string, more: object = {}) => ({
  seccomp: {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['sync'], action: 'SCMP_ACT_ALLOW' },
      { names: ['mkdir', 'mkdirat'], action, ...more },
    ],
  },
})

scenario('run --seccomp-log reports what is denied', { skip }, (t, box) => {
  for (const noNewPrivileges of [true, false]) {
    const script = 'mkdir /tmp/a; echo $?; mkdir /tmp/b; echo $?; umask 77 && echo allowed; exit 5'
    const bundle = box.bundle(
      {
        process: { args: ['sh', '-c', script], noNewPrivileges },
        linux: denying('SCMP_ACT_ERRNO', { errnoRet: 13 }),
      },
      { name: `log-${noNewPrivileges}` },
    )
    const id = box.id()
    const result = box.call(['run', '--seccomp-log', '--bundle', bundle.dir, id])
    t.equal(result.status, 5, result.stderr)
    t.equal(result.stdout, '1\n1\nallowed\n', 'the container sees the errors')
    t.match(result.stderr, /Permission denied/, "with the profile's errno")
    t.match(
      result.stderr,
      /seccomp: mkdir(at\(0xffffff9c, |\()\\"\/tmp\/a\\", 0x1ff\) of SCMP_ARCH_\w+ by pid \d+ \(\w+\): denied with ERRNO\(EACCES\) by linux\.seccomp\.syscalls\[1\]/,
    )
    t.match(result.stderr, /mkdir(at)? of SCMP_ARCH_\w+: denied 2 times by linux\.seccomp\.syscalls\[1\]/)
    t.notMatch(result.stderr, /umask/, 'nothing is said of what is allowed')
    t.equal(box.state(id), undefined, 'and the container is gone')
    t.notOk(existsSync(join(box.root, id)))
  }
})

scenario('run --seccomp-log kills where the profile kills', { skip }, (t, box) => {
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'mkdir /tmp/a; echo $?'] },
    linux: denying('SCMP_ACT_KILL_PROCESS'),
  })
  const result = box.call(['run', '--seccomp-log', '--bundle', bundle.dir, box.id()])
  t.match(result.stdout, /^(137\n)?$/, 'SIGKILL, of the shell itself if it has mkdir built in')
  const first = box.bundle(
    { process: { args: ['mkdir', '/tmp/a'] }, linux: denying('SCMP_ACT_KILL_PROCESS') },
    { name: 'first' },
  )
  for (const flags of [[], ['--seccomp-log']])
    t.equal(box.call(['run', ...flags, '--bundle', first.dir, box.id()]).status, 159, `SIGSYS ${flags}`)
  t.match(result.stderr, /denied with KILL\w* \(here with SIGKILL\) by linux\.seccomp\.syscalls\[1\]/)
})

scenario(
  'run --seccomp-log explains the filter that was loaded, not a config.json edited since',
  { skip },
  (t, box) => {
    // poststart: the filter is loaded, and no notification has been answered yet.
    const edit = (dir: string) => ({ path: '/bin/sh', args: ['sh', '-c', `cd '${dir}' && cp edited.json config.json`] })
    const bundle = box.bundle({
      process: { args: ['sh', '-c', 'mkdir /tmp/a'] },
      linux: denying('SCMP_ACT_ERRNO', { errnoRet: 13 }),
    })
    const file = join(bundle.dir, 'config.json')
    const config = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...config, hooks: { poststart: [edit(bundle.dir)] } }))
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }
    writeFileSync(join(bundle.dir, 'edited.json'), JSON.stringify(config))
    const result = box.call(['run', '--seccomp-log', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1, result.stderr)
    t.match(result.stderr, /mkdir(at)?\(.*denied with ERRNO\(EACCES\) by linux\.seccomp\.syscalls\[1\]/)
    t.same(JSON.parse(readFileSync(file, 'utf8')).linux.seccomp.syscalls, [], 'config.json was edited')
  },
)

scenario('run --seccomp-log fails if it cannot be applied', { skip }, (t, box) => {
  const { dir } = box.bundle({ linux: denying('SCMP_ACT_ERRNO') })
  const detached = box.call(['run', '--detach', '--seccomp-log', '--bundle', dir, box.id()])
  t.equal(detached.status, 1)
  t.match(detached.stderr, '--detach')
  const env = { NOTIFY_SOCKET: '/run/systemd/notify' }
  const notifying = box.call(['run', '--seccomp-log', '--bundle', dir, box.id()], { env })
  t.equal(notifying.status, 1)
  t.match(notifying.stderr, 'NOTIFY_SOCKET')
  const terminal = box.bundle({ process: { terminal: true }, linux: denying('SCMP_ACT_ERRNO') }, { name: 'terminal' })
  const refused = box.call(['run', '--seccomp-log', '--bundle', terminal.dir, box.id()])
  t.equal(refused.status, 1)
  t.match(refused.stderr, 'process.terminal')
})

scenario('run --seccomp-log prints strings of the program as one line', { skip }, (t, box) => {
  const long = 'x'.repeat(255)
  const script = `mkdir "$(printf 'a\\nruntime: lie')" /tmp/${long}/${long}; true`
  const bundle = box.bundle({
    process: { args: ['sh', '-c', script] },
    linux: denying('SCMP_ACT_ERRNO'),
  })
  const result = box.call(['run', '--seccomp-log', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  const lines = result.stderr.split('\n').filter((line) => line.includes('seccomp: mkdir'))
  t.match(lines[0], 'a\\\\nruntime: lie', 'a line break is escaped')
})
