/*
 * completion: the scripts in the shells themselves, on a terminal. Each line ends with TABs and Enter; a program in the
 * place of runt writes down the arguments that it then gets, and asks the real one about completions.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { onTerminal } from '../../harness/console.ts'
import { probing } from '../../harness/probe.ts'
import { projectRoot, runtime } from '../../harness/project.ts'
import { needsCommand } from '../../harness/requires.ts'
import { type Box, type Running, scenario, until } from '../../harness/scenario.ts'

const file = (name: string): string => readFileSync(join(projectRoot, 'completions', name), 'utf8')

/** How each shell is started with the script and with a prompt that has the number of lines that have run. */
const shells = {
  bash: (dir: string): readonly string[] => {
    writeFileSync(join(dir, 'rc'), `${file('runt.bash')}\nPS1='READY $(wc -l <lines)>'\nbind 'set bell-style none'\n`)
    return ['bash', '--noprofile', '--rcfile', 'rc', '-i']
  },
  zsh: (dir: string): readonly string[] => {
    mkdirSync(join(dir, 'functions'))
    writeFileSync(join(dir, 'functions/_runt'), file('_runt'))
    const rc = [
      'fpath=($PWD/functions $fpath)',
      'autoload -U compinit; compinit -u -D',
      "setopt PROMPT_SUBST NO_BEEP; PROMPT='READY $(wc -l <lines)>'",
    ]
    writeFileSync(join(dir, '.zshrc'), `${rc.join('\n')}\n`)
    return ['zsh', '-d', '-i']
  },
  fish: (dir: string): readonly string[] => {
    writeFileSync(join(dir, 'rc'), `${file('runt.fish')}\nfunction fish_prompt; echo "READY "(wc -l <lines)">"; end\n`)
    return ['fish', '-C', 'set fish_greeting; source rc', '-i']
  },
} as const

/** What is typed, and the arguments that the program must get; the ids begin with "made-" and "going-". */
const linesFor = (made: string, going: string): readonly (readonly [typed: string, args: readonly string[]])[] => [
  ['crea\tx', ['create', 'x']],
  ['--log-f\tjs\tlist', ['--log-format', 'json', 'list']],
  ['list --form\tjs\t', ['list', '--format', 'json']],
  ['list --format=js\t', ['list', '--format=json']],
  ['plan --format tex\t', ['plan', '--format', 'text']],
  ['--root state start \t', ['--root', 'state', 'start', made]],
  ['--root=state start \t', ['--root=state', 'start', made]],
  ['--root="state" start \t', ['--root=state', 'start', made]],
  ["--root 'my state' start \t", ['--root', 'my state', 'start', made]],
  ['--root my\\ state start \t', ['--root', 'my state', 'start', made]],
  ['exec -u 0:0 --cap CAP_NET_R\tx sh', ['exec', '-u', '0:0', '--cap', 'CAP_NET_RAW', 'x', 'sh']],
  ['--root state exec go\tl\t', ['--root', 'state', 'exec', going, 'lines']],
  ['--root state exec go\t./on\t', ['--root', 'state', 'exec', going, './only']],
  ['--root state exec going --detac\t', ['--root', 'state', 'exec', 'going', '--detac']],
  ['--root state run ma\t', ['--root', 'state', 'run', 'ma']],
  ['kill going SIGHU\t', ['kill', 'going', 'SIGHUP']],
  ['kill going STK\t', ['kill', 'going', 'STKFLT']],
  ['seccomp --syscall mkdira\t', ['seccomp', '--syscall', 'mkdirat']],
  ['create -b bun\tx', ['create', '-b', 'bundledirectory/x']],
  ['--root=sta\t', ['--root=state']],
  ['--root sta\t', ['--root', 'state']],
  ['help validat\t', ['help', 'validate']],
  ['completion fi\t', ['completion', 'fish']],
]

/** Without the slash after a directory, which zsh takes back. */
const recorded = (dir: string): readonly (readonly string[])[] =>
  readFileSync(join(dir, 'lines'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\u001f').map((word) => word.replace(/\/$/, '')))

/** A working directory with a created and a running container, files, and the program in the place of runt. */
function prepare(box: Box, made: string, going: string): string {
  const dir = join(box.dir, 'work')
  for (const name of ['bin', 'bundledirectory']) mkdirSync(join(dir, name), { recursive: true })
  writeFileSync(join(dir, 'bundlefile'), '')
  writeFileSync(join(dir, 'only'), '')
  writeFileSync(join(dir, 'lines'), '')
  symlinkSync('state', join(dir, 'my state'))
  const real = resolve(projectRoot, runtime.path)
  const script = `#!/bin/sh
[ "$1 $2" = 'completion words' ] && exec ${real} "$@"
line=$1
shift
for word; do line="$line$(printf '\\037')$word"; done
printf '%s\\n' "$line" >>lines
`
  writeFileSync(join(dir, 'bin/runt'), script, { mode: 0o755 })
  const root = join(dir, 'state')
  const { dir: bundle } = box.bundle(probing(['pause']))
  for (const id of [made, going]) box.call(['create', '--bundle', bundle, id], { root })
  box.call(['start', going], { root })
  box.defer(() => {
    for (const id of [made, going]) box.call(['delete', '--force', id], { root })
  })
  return dir
}

async function type(running: Running, dir: string, typed: string, before: number): Promise<void> {
  // The prompt is there, so the shell reads keys.
  await until(() => running.output().stdout.includes(`READY ${before}>`), `the prompt before ${typed}`)
  running.write(`runt ${typed}\r`)
  await until(() => recorded(dir).length > before, `the end of ${typed}`)
}

for (const [name, start] of Object.entries(shells)) {
  scenario(
    `TAB in ${name}`,
    { skip: needsCommand(name), peers: { runc: 'has no such command', crun: 'has no such command' } },
    async (t, box) => {
      const [made, going] = [`made-${box.id()}`, `going-${box.id()}`]
      const lines = linesFor(made, going)
      const dir = prepare(box, made, going)
      const variables = [
        `HOME=${dir}`,
        `ZDOTDIR=${dir}`,
        `PATH=${dir}/bin:${process.env.PATH}`,
        'TERM=xterm',
        'LC_ALL=C',
      ]
      const running = box.helper([
        ...onTerminal(50, 200),
        'env',
        '-C',
        dir,
        '-u',
        'XDG_DATA_DIRS',
        ...variables,
        ...start(dir),
      ])
      for (const [i, [typed]] of lines.entries()) await type(running, dir, typed, i)
      running.write('exit\r')
      await running.exited
      const found = recorded(dir)
      for (const [i, [typed, args]] of lines.entries()) t.same(found[i], args, JSON.stringify(typed))
    },
  )
}

scenario('completion prints the installed scripts', { peers: { runc: 'has none', crun: 'has none' } }, (t, box) => {
  for (const [shell, name] of [
    ['bash', 'runt.bash'],
    ['zsh', '_runt'],
    ['fish', 'runt.fish'],
  ] as const)
    t.equal(box.call(['completion', shell]).stdout, file(name), shell)
  const other = box.call(['completion', 'tcsh'])
  t.equal(other.status, 1)
  t.match(other.stderr, 'unknown shell "tcsh": bash, zsh or fish')
})

scenario('completion words never fails', { peers: { runc: 'has none', crun: 'has none' } }, (t, box) => {
  const ask = (...words: readonly string[]) => box.call(['completion', 'words', ...words], { root: null })
  writeFileSync(join(box.dir, 'file'), '')
  for (const words of [
    ['--root', '', 'start', ''],
    ['--root', `${box.dir}/none`, 'start', ''],
    [`--root=${box.dir}/file`, 'state', ''],
    ['--nosuch', ''],
    ['nosuch', ''],
    [],
  ])
    t.match(ask(...words), { status: 0, stderr: '' }, words.join(' '))
  t.same(ask('list', '--format', '').stdout, 'table\njson\n')
  t.match(ask('--r').stdout, /^--root\tdirectory for the state .*\n--rootless\t.*\n$/)
})
