/*
 * help: "--help", "-h" of every command and "help COMMAND" print a page in runc's form with status 0; an unknown
 * command or flag is an error that names it.
 */
import { scenario } from '../../harness/scenario.ts'

const commands = ['create', 'delete', 'features', 'kill', 'list', 'run', 'spec', 'start', 'state'] as const

const flags: Readonly<Record<(typeof commands)[number], readonly string[]>> = {
  create: ['--bundle', '-b', '--console-socket', '--pid-file', '--no-pivot', '--no-new-keyring', '--preserve-fds'],
  delete: ['--force', '-f'],
  features: [],
  kill: [],
  list: ['--format', '-f', '--quiet', '-q'],
  run: ['--bundle', '--console-socket', '--detach', '-d', '--keep', '--no-subreaper', '--pid-file', '--preserve-fds'],
  spec: ['--bundle', '--rootless'],
  start: [],
  state: [],
}

scenario('help of the program', { peers: { crun: 'another form' } }, (t, box) => {
  for (const args of [['--help'], ['-h'], ['help'], []]) {
    const result = box.call(args, { root: args.length === 0 ? null : box.root })
    t.equal(result.status, 0, args.join(' '))
    t.match(result.stdout, /^NAME:\n/)
    t.match(result.stdout.split('\n')[1], /Open Container Initiative runtime/)
    for (const name of commands) t.match(result.stdout, new RegExp(`^ +${name}\\b`, 'm'), `lists ${name}`)
    for (const flag of ['--root', '--log', '--log-format', '--debug', '--systemd-cgroup', '--rootless', '--version']) {
      t.match(result.stdout, flag)
    }
  }
})

scenario('help of every command', { peers: { crun: 'another form' } }, (t, box) => {
  for (const name of commands) {
    const page = box.call([name, '--help'])
    t.equal(page.status, 0, `${name} --help`)
    t.match(page.stdout, /^NAME:\n/)
    t.match(page.stdout.split('\n')[1], new RegExp(`^ +\\S+ ${name} - `))
    t.match(page.stdout, /^USAGE:$/m)
    for (const flag of flags[name]) t.match(page.stdout, new RegExp(`(^|[ ,])${flag}\\b`, 'm'), `${name} has ${flag}`)
    t.equal(box.call([name, '-h']).stdout, page.stdout, `${name} -h`)
    t.equal(box.call(['help', name]).stdout, page.stdout, `help ${name}`)
  }
})

scenario('help of an unknown command is an error', { peers: { crun: 'another form' } }, (t, box) => {
  const result = box.call(['nosuch', '-h'])
  t.not(result.status, 0)
  t.match(result.stdout + result.stderr, /No help topic for 'nosuch'/)
})

scenario(
  'an unknown command or flag',
  { peers: { crun: 'other words', runc: '1.1 exits 3 for a command' } },
  (t, box) => {
    const command = box.call(['creat'])
    t.equal(command.status, 1)
    t.match(command.stderr, /creat/)
    const flag = box.call(['create', '--bundel', box.dir, box.id()])
    t.equal(flag.status, 1)
    t.match(flag.stdout + flag.stderr, /bundel/)
    const global = box.call(['--rooot', box.dir, 'list'])
    t.equal(global.status, 1)
    t.match(global.stdout + global.stderr, /rooot/)
  },
)

scenario('flags with =', { peers: { crun: 'takes no value for --force' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call([`--root=${box.root}`, 'create', `--bundle=${bundle.dir}`, id]).status, 0)
  t.equal(box.call(['delete', '--force=true', id]).status, 0)
})

scenario('Go’s flags with one dash', { peers: { crun: 'reads them as short flags' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(
    box.call(['create', '-bundle', bundle.dir, '-no-new-keyring', id]).status,
    0,
    'containerd sends -no-subreaper',
  )
  t.equal(box.call(['delete', '-force', id]).status, 0)
})
