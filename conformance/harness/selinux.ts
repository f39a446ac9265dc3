/*
 * Labels for the tests of SELinux: two containers that may not read each other's files, because engines give each its own pair of
 * categories, and files that all containers may use. chcon(1) labels the files, as engines do for `z` and `Z`; the runtime never does.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Bundle, BundleOptions, Patch } from './bundle.ts'
import { patched } from './bundle.ts'
import { type Report, readReport } from './probe.ts'
import { type Box, type CallOptions, type Result, runProgram } from './scenario.ts'

export const own = 's0:c1,c2'
export const foreign = 's0:c3,c4'

export const processLabel = (level: string = own): string => `system_u:system_r:container_t:${level}`
export const fileLabel = (level: string = own): string => `system_u:object_r:container_file_t:${level}`

/** The patch with the labels that an engine gives. */
const labelled = (patch: Patch): Patch =>
  patched({ process: { selinuxLabel: processLabel() }, linux: { mountLabel: fileLabel() } }, patch) as Patch

/** Labels a file, or a directory with all that is in it. */
export function label(box: Box, path: string, context: string): void {
  const result = runProgram(box.dir, ['chcon', '--recursive', '--no-dereference', context, path])
  if (result.status !== 0) throw new Error(result.stderr)
}

/** The kernel ends the labels of processes with a NUL. */
export const plain = (text: string): string => text.replaceAll('\0', '').trim()

export const labelOf = (box: Box, path: string): string =>
  runProgram(box.dir, ['stat', '--format=%C', path]).stdout.trim()

/** A bundle whose root file system every container may use. */
export function labelledBundle(box: Box, patch: Patch = {}, options: BundleOptions = {}): Bundle {
  const bundle = box.bundle(patched(labelled({ root: { readonly: false } }), patch) as Patch, options)
  chmodSync(join(bundle.rootfs, 'tmp'), 0o1777)
  label(box, bundle.rootfs, fileLabel('s0'))
  return bundle
}

/**
 * The arguments of a probe that writes to the root file system: a policy may deny the container its caller's
 * descriptors.
 */
export const reporting = (topics: readonly string[]): readonly string[] => [
  '/bin/sh',
  '-c',
  `exec /bin/probe ${topics.join(' ')} >/tmp/report`,
]

/** What that probe wrote. */
export const reportOf = (bundle: Bundle, result: Result): Report =>
  readReport({ ...result, stdout: readFileSync(join(bundle.rootfs, 'tmp/report'), 'utf8') })

/** Runs the probe in the foreground in a labelled container. */
export function probeLabelled(
  t: Test,
  box: Box,
  topics: readonly string[],
  patch: Patch = {},
  options: CallOptions = {},
): Report {
  const process = { process: { args: reporting(topics) } }
  const bundle = labelledBundle(box, patched(patch, process) as Patch, { name: `bundle-${box.id()}` })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], options)
  t.equal(result.status, 0, 'the probe ran and exited with 0', { stderr: result.stderr })
  return reportOf(bundle, result)
}

/** A directory with a file, both of that label: what an engine would mount. */
export function volume(box: Box, name: string, context: string): string {
  const path = join(box.dir, name)
  mkdirSync(path)
  writeFileSync(join(path, 'file'), 'text\n')
  label(box, path, context)
  return path
}
