// checkpoint (runc-checkpoint(8)): CRIU saves a running container to images; the container is deleted unless
// --leave-running is given.

import { freezerOf } from '../cgroup/freezer.ts'
import type { Context, Run } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { openDirectories, runCriuRequest, searchPath } from '../criu/criu-request.ts'
import { type CheckpointFlags, dumpOptions } from '../criu/dump-options.ts'
import { externalMounts, externalNames, externalNamespaces } from '../criu/external.ts'
import { findMounts } from '../criu/find-mounts.ts'
import { GROUP_MODE, imageGroup } from '../criu/image-access.ts'
import { type NamedMount, nameMounts } from '../criu/name-mounts.ts'
import { planDump } from '../criu/plan-criu.ts'
import { saveStreams } from '../criu/streams-file.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { parseMountTable } from '../host/mount-table.ts'
import { savedConfig } from '../launch/load-bundle.ts'
import { removeContainer } from '../launch/remove-container.ts'
import type { Native } from '../native.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import { withLock } from '../state/lock.ts'
import type { ContainerRecord } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import { createSlots } from '../steps/slots.ts'

export const DEFAULT_IMAGES = 'checkpoint'

export const checkpoint: Run<'checkpoint'> = (context, flags, [id = '']) => {
  const { native } = context
  const root = stateRoot(native, context.globals.root).path
  loadContainer(native, root, id)
  withLock(native, `${root}/${id}`, () => dump(context, loadContainer(native, root, id), flags))
  return 0
}

function dump(context: Context, container: Container, flags: CheckpointFlags): void {
  const { native } = context
  const { directory, record } = container
  const status = containerStatus(native, directory, record)
  if (status !== 'running' && status !== 'paused')
    throw new RuntError('state', `cannot checkpoint a container that is ${status}`)
  const images = flags['image-path'] || DEFAULT_IMAGES
  const work = flags['work-path'] || images
  const config = savedConfig(native, directory)
  const mounts = flags['pre-dump'] ? [] : namedMounts(native, record, config)
  const options = dumpOptions(config, { ...dumpTarget(native, record, config), mounts }, flags)
  const group = imageGroup(config)
  const isNew = group !== undefined && makeDirectory(native, images)
  const directories = openDirectories(native, { images, work })
  checkParent(native, images, flags['parent-path'])
  if (!flags['pre-dump']) saveStreams(native, images, record.pid)
  runCriuRequest(native, {
    action: flags['pre-dump'] ? 'pre-dump' : 'dump',
    options: () => ({ ...options, ...directories }),
    plan: planDump({ path: searchPath(native) }, isNew ? { images, group } : undefined, createSlots()),
    log: `${work}/dump.log`,
    notified: ({ script }) => {
      if (script === 'status-ready' && flags['status-fd'] >= 0) tellReady(native, flags['status-fd'])
    },
  })
  if (!flags['leave-running'] && !flags['pre-dump']) removeContainer(context, container, 'spare')
}

/** Creates a directory that the group of the container's root may search. An existing one keeps its owner and mode. */
function makeDirectory(native: Native, images: string): boolean {
  try {
    return native.mkdirAll(images, GROUP_MODE)
  } catch (error) {
    throw hostFailure(`--image-path ${images}`, error)
  }
}

function tellReady(native: Native, fd: number): void {
  native.write(fd, '\0')
  native.close(fd)
}

/** Throws for a mount that `restore` could not make again. */
function namedMounts(native: Native, { pid, bundle, cgroups }: ContainerRecord, config: Config): NamedMount[] {
  const hosts = externalMounts(config, { bundle, host: hostFacts(native.probe()).cgroups, cgroups })
  const table = parseMountTable(native.readFile(`/proc/${pid}/mountinfo`))
  return nameMounts(table, findMounts(native, hosts), config.linux)
}

function dumpTarget(native: Native, record: ContainerRecord, config: Config) {
  const { pid, rootfs, cgroups } = record
  const freezer = freezerOf(cgroups)?.file
  return {
    pid,
    rootfs,
    freezer: freezer?.slice(0, freezer.lastIndexOf('/')),
    namespaces: Object.fromEntries(
      externalNamespaces(config).map(({ type }) => [type, inodeOf(native, pid, externalNames[type]?.ns ?? type)]),
    ),
  }
}

/** namespaces(7): the link reads `net:[4026531840]`. */
function inodeOf(native: Native, pid: number, name: string): string {
  const link = native.readLink(`/proc/${pid}/ns/${name}`) ?? ''
  return link.slice(link.indexOf('[') + 1, -1)
}

/** CRIU creates a link to it in the new images, so the path must be relative to them. */
function checkParent(native: Native, images: string, parent: string | undefined): void {
  if (parent === undefined || parent === '') return
  const problem = (text: string) => new RuntError('usage', `--parent-path ${parent}: ${text}`)
  if (parent.startsWith('/')) throw problem('must be relative to --image-path')
  const kind = native.status(`${images}/${parent}`)?.kind
  if (kind === undefined) throw problem(`no such file or directory in ${images}`)
  if (kind !== 'directory' && kind !== 'symlink') throw problem('is not a directory')
}
