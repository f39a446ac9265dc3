/*
 * What a user is told about properties of the process, the root file system and the text of config.json.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, failures } from '../../harness/failures.ts'
import { needsCapability, type Skip } from '../../harness/requires.ts'

const withoutCapability = (): Skip => (needsCapability(24n, 'CAP_SYS_RESOURCE') ? false : 'CAP_SYS_RESOURCE is there')
const withoutAppArmor = existsSync('/sys/kernel/security/apparmor') ? 'AppArmor is there' : false
const withoutSelinux = existsSync('/sys/fs/selinux/enforce') ? 'SELinux is there' : false
const typo = ['CAP_NET_ADMN']

failures([
  {
    name: 'user_name',
    fail: (box) => create(box, { process: { user: { uid: 'www-data' } } }),
    property: 'process.user.uid',
    call: 'must be an integer from 0 to 4294967295',
    cause: 'not "www-data"',
    wayOut: 'names are not looked up: see /etc/passwd of the image',
  },
  {
    name: 'cap_typo',
    // The specification: an unknown name is a warning.
    status: 0,
    fail: (box) => {
      // Without a terminal, warnings are only in the log.
      const log = join(box.dir, 'log')
      const bundle = box.bundle({ process: { capabilities: { bounding: typo, effective: [], permitted: [] } } })
      const result = box.call(['--log', log, 'run', '--bundle', bundle.dir, box.id()])
      return { ...result, stderr: readFileSync(log, 'utf8') }
    },
    property: 'process.capabilities.bounding[0]',
    call: 'unknown capability',
    cause: /CAP_NET_ADMN\W+ is left out/,
    wayOut: 'CAP_NET_ADMIN',
  },
  {
    name: 'rlimit_eperm',
    skip: withoutCapability(),
    fail: (box) => create(box, { process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1 << 30, hard: 1 << 30 }] } }),
    property: 'process.rlimits[0] (RLIMIT_NOFILE)',
    call: 'prlimit: EPERM',
    cause: 'raising a hard limit needs CAP_SYS_RESOURCE, which the runtime lacks',
    wayOut: /ask for at most \d+/,
  },
  {
    name: 'oom_adj',
    skip: withoutCapability(),
    fail: (box) => create(box, { process: { oomScoreAdj: -900 } }),
    property: 'process.oomScoreAdj',
    call: /write "-900" to .*oom_score_adj: EACCES/,
    cause: 'needs CAP_SYS_RESOURCE, which it lacks',
    wayOut: /ask for -?\d+ or more/,
  },
  {
    name: 'apparmor',
    skip: withoutAppArmor,
    fail: (box) => create(box, { process: { apparmorProfile: 'container-default' } }),
    property: 'process.apparmorProfile',
    call: 'AppArmor is not enabled',
    cause: 'on this host',
    wayOut: 'enable it, or remove the property',
  },
  {
    name: 'selinux',
    skip: withoutSelinux,
    fail: (box) => create(box, { process: { selinuxLabel: 'system_u:system_r:container_t:s0' } }),
    property: 'process.selinuxLabel',
    call: 'SELinux is not enabled',
    cause: 'on this host',
    wayOut: 'enable it, or remove the property',
  },
  {
    name: 'tty_create',
    fail: (box) => create(box, { process: { terminal: true } }),
    property: 'process.terminal',
    call: 'is required',
    cause: 'is true',
    wayOut: '--console-socket',
  },
  {
    name: 'no_rootfs',
    fail: (box) => create(box, { root: { path: '/nosuch/rootfs' } }),
    property: 'root.path (/nosuch/rootfs)',
    call: 'ENOENT (no such file or directory)',
    cause: '/nosuch does not exist',
    wayOut: 'unpack the image there, or correct root.path',
  },
  {
    name: 'bad_json',
    fail: (box) => {
      const { dir } = box.bundle({}, { text: '{\n  "ociVersion": "1.0.2",\n}\n' })
      return box.call(['create', '--bundle', dir, box.id()])
    },
    property: 'config.json',
    call: /line 3, column 1|:3:1/,
    cause: 'found "}"',
    wayOut: 'expected a string as key',
  },
  {
    name: 'mem_string',
    fail: (box) => create(box, { linux: { resources: { memory: { limit: '8M' } } } }),
    property: 'linux.resources.memory.limit',
    call: 'must be an integer',
    cause: 'not "8M"',
    wayOut: 'from -9223372036854775808 to 9223372036854775807',
  },
])
