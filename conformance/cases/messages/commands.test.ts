/*
 * What a user is told by commands on a container that is not in the right state, or whose state is damaged.
 */
import { mkdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterCommands, failures } from '../../harness/failures.ts'
import { needsController } from '../../harness/requires.ts'
import { type Box, type Result, until } from '../../harness/scenario.ts'

type Call = (id: string) => Result | Promise<Result>

/** The call on a container that runs this. */
async function onContainer(box: Box, args: readonly string[], call: Call): Promise<Result> {
  const bundle = box.bundle({ process: { args } })
  const id = box.id()
  box.call(['run', '--detach', '--bundle', bundle.dir, id])
  const result = await call(id)
  box.call(['delete', '--force', id])
  return result
}

const sleeping = ['sleep', '1000']

function createOnFullDisk(box: Box): Result {
  const root = join(box.dir, 'full')
  mkdirSync(root)
  const commands = `mount -t tmpfs -o size=4k,nr_inodes=100 none ${root} && head -c 4096 /dev/zero >${root}/full`
  return box.call(['create', '--bundle', box.bundle().dir, box.id()], { root, ...afterCommands(commands) })
}

failures([
  {
    name: 'exec_stopped',
    status: 255,
    fail: (box) =>
      onContainer(box, ['true'], async (id) => {
        await until(() => box.state(id)?.status === 'stopped', 'stopped')
        return box.call(['exec', id, 'true'])
      }),
    property: /^runt exec [^ ]+: /,
    call: 'cannot exec in a stopped container',
    cause: 'its process has ended',
    wayOut: 'delete it, and run it again',
  },
  {
    name: 'exec_paused',
    status: 255,
    skip: needsController('freezer'),
    fail: (box) =>
      onContainer(box, sleeping, (id) => {
        box.call(['pause', id])
        const result = box.call(['exec', id, 'true'])
        box.call(['resume', id])
        return result
      }),
    property: /^runt exec [^ ]+: /,
    call: 'cannot exec in a paused container',
    cause: 'paused',
    wayOut: 'use --ignore-paused to override',
  },
  {
    name: 'exec_username',
    status: 255,
    fail: (box) => onContainer(box, sleeping, (id) => box.call(['exec', '--user', 'nosuch', id, 'true'])),
    property: '--user nosuch',
    call: 'it must be a number',
    cause: '"nosuch" is no user id',
    wayOut: 'from 0 to 4294967294',
  },
  {
    name: 'state_trunc',
    fail: (box) =>
      onContainer(box, sleeping, (id) => {
        truncateSync(join(box.root, id, 'state.json'), 10)
        return box.call(['state', id])
      }),
    property: 'state.json',
    call: 'unexpected end of string',
    cause: 'state.json: unexpected end',
    wayOut: /"runt delete --force [^ ]+" removes the container/,
  },
  {
    name: 'enospc',
    fail: createOnFullDisk,
    property: '/full/',
    call: 'write: ENOSPC (no space left on device)',
    cause: /the file system of \/.*\/full\/[^ ]+ is full/,
    wayOut: 'free space, or choose another --root',
  },
  {
    name: 'a container that does not exist',
    fail: (box) => box.call(['state', box.id()]),
    property: /^runt state [^ ]+: /,
    call: 'container does not exist',
    cause: /in \/.*\/state/,
    wayOut: 'see --root',
  },
])
