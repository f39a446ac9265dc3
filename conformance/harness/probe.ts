/*
 * Reads the output of probe.c, the test process inside the container: sections by topic, and formats that many tests
 * read (status, mountinfo, pairs).
 */
import type { Test } from 'tap'
import type { Bundle, Patch } from './bundle.ts'
import { patched } from './bundle.ts'
import type { Box, CallOptions, Result } from './scenario.ts'

export interface Report {
  readonly result: Result
  /** The text of a section; throws if the probe did not reach the topic. */
  readonly text: (topic: string) => string
  readonly lines: (topic: string) => readonly string[]
  /** A section of "name value…" lines as an object. */
  readonly pairs: (topic: string) => Readonly<Record<string, string>>
  readonly mounts: () => readonly MountLine[]
}

export interface MountLine {
  readonly root: string
  readonly target: string
  readonly options: readonly string[]
  /** shared:N, master:N …, without the numbers. */
  readonly propagation: readonly string[]
  readonly type: string
  readonly source: string
  readonly superOptions: readonly string[]
}

/** One line of /proc/PID/mountinfo, proc_pid_mountinfo(5). */
export function parseMount(line: string): MountLine {
  const [head = '', tail = ''] = line.split(' - ')
  const [, , , root = '', target = '', options = '', ...optional] = head.split(' ')
  const [type = '', source = '', superOptions = ''] = tail.split(' ')
  return {
    root,
    target,
    options: options.split(','),
    propagation: optional.map((word) => word.split(':')[0] ?? ''),
    type,
    source,
    superOptions: superOptions.split(','),
  }
}

/** Cuts a probe's output into its sections. */
export function readReport(result: Result): Report {
  const sections = new Map<string, string>()
  for (const part of `\n${result.stdout.replaceAll('\r', '')}`.split('\n== ').slice(1)) {
    const end = part.indexOf('\n')
    sections.set(end < 0 ? part : part.slice(0, end), end < 0 ? '' : part.slice(end + 1).replace(/\n$/, ''))
  }
  const text = (topic: string): string => {
    const found = sections.get(topic)
    if (found === undefined) {
      throw new Error(`no "${topic}" from the container: status ${result.status}\n${result.stdout}\n${result.stderr}`)
    }
    return found
  }
  const lines = (topic: string): readonly string[] =>
    text(topic)
      .split('\n')
      .filter((line) => line !== '')
  return {
    result,
    text,
    lines,
    pairs: (topic) =>
      Object.fromEntries(
        lines(topic).map((line) => {
          const at = line.search(/[ :=]/)
          return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).trim()]
        }),
      ),
    mounts: () => lines('file:/proc/self/mountinfo').map(parseMount),
  }
}

/** The patch with the probe and its topics as the container's process. */
export const probing = (topics: readonly string[], patch: Patch = {}): Patch =>
  patched(patch, { process: { args: ['/bin/probe', ...topics] } }) as Patch

/** Runs the probe in the foreground in a new container and reads its report. */
export function runProbe(
  test: Test,
  box: Box,
  topics: readonly string[],
  patch: Patch = {},
  options: CallOptions = {},
): Report {
  const bundle = box.bundle(probing(topics, patch), { name: `bundle-${box.id()}` })
  return probeBundle(test, box, bundle, options)
}

/** Runs the probe of an existing bundle. */
export function probeBundle(test: Test, box: Box, bundle: Bundle, options: CallOptions = {}): Report {
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], options)
  test.equal(result.status, 0, 'the probe ran and exited with 0', { stderr: result.stderr })
  return readReport(result)
}
