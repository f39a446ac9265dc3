// checkpoint (runc-checkpoint(8)): a running container becomes images that CRIU writes, and is deleted unless it is to go on.

import { freezerOf } from '../cgroup/freezer.ts'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { type CheckpointFlags, dumpOptions } from '../criu/dump-options.ts'
import { externalNames, externalNamespaces } from '../criu/external.ts'
import { GROUP_MODE, imageGroup } from '../criu/image-access.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planDump } from '../plan/plan-criu.ts'
import { createSlots } from '../plan/slots.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import { withLock } from '../state/lock.ts'
import { CONFIG_FILE, type ContainerRecord } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import { askCriu, openDirectories, searchPath } from './ask-criu.ts'
import type { Context, Run } from './context.ts'
import { removeContainer } from './remove-container.ts'
import { saveStreams } from './streams-file.ts'

export const DEFAULT_IMAGES = 'checkpoint'

export const checkpoint: Run<'checkpoint'> = async (context, flags, [id = '']) => {
  const { native } = context
  const root = stateRoot(native, context.globals.root).path
  loadContainer(native, root, id)
  await withLock(native, `${root}/${id}`, () => dump(context, loadContainer(native, root, id), flags))
  return 0
}

async function dump(context: Context, container: Container, flags: CheckpointFlags): Promise<void> {
  const { native } = context
  const { directory, record } = container
  const status = containerStatus(native, directory, record)
  if (status !== 'running' && status !== 'paused')
    throw new RuntError('state', `cannot checkpoint a container that is ${status}`)
  const images = flags['image-path'] || DEFAULT_IMAGES
  const work = flags['work-path'] || images
  const config = parseConfig(native.readFile(`${directory}/${CONFIG_FILE}`), CONFIG_FILE).config
  const options = dumpOptions(config, dumpTarget(native, record, config), flags)
  const group = imageGroup(config)
  const isNew = group !== undefined && makeDirectory(native, images)
  const directories = openDirectories(native, { images, work })
  checkParent(native, images, flags['parent-path'])
  if (!flags['pre-dump']) saveStreams(native, images, record.pid)
  askCriu(native, {
    action: flags['pre-dump'] ? 'pre-dump' : 'dump',
    options: () => ({ ...options, ...directories }),
    plan: planDump({ path: searchPath(native) }, isNew ? { images, group } : undefined, createSlots()),
    log: `${work}/dump.log`,
    notified: ({ script }) => {
      if (script === 'status-ready' && flags['status-fd'] >= 0) tellReady(native, flags['status-fd'])
    },
  })
  if (!flags['leave-running'] && !flags['pre-dump']) await removeContainer(context, container, 'spare')
}

/** Searchable for the group that it is going to belong to. A directory that was there is its owner's matter. */
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

function dumpTarget(native: Native, record: ContainerRecord, config: Config) {
  const { pid, rootfs, bundle, cgroups } = record
  const freezer = freezerOf(cgroups)?.file
  return {
    pid,
    rootfs,
    mountinfo: native.readFile(`/proc/${pid}/mountinfo`),
    sources: { bundle, host: hostFacts(native.probe()).cgroups, cgroups },
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

/** CRIU makes a link of it in the new images, so it has to be relative to them. */
function checkParent(native: Native, images: string, parent: string | undefined): void {
  if (parent === undefined || parent === '') return
  const problem = (text: string) => new RuntError('usage', `--parent-path ${parent}: ${text}`)
  if (parent.startsWith('/')) throw problem('must be relative to --image-path')
  const kind = native.status(`${images}/${parent}`)?.kind
  if (kind === undefined) throw problem(`no such file or directory in ${images}`)
  if (kind !== 'directory' && kind !== 'symlink') throw problem('is not a directory')
}
