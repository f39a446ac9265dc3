/*
 * A container as a service of the machine's own systemd (systemd.service(5), Type=notify): the service counts as started when the container
 * reports readiness, its main process is the container's, and stopping either stops the other.
 */
import { spawnSync } from 'node:child_process'
import type { Patch } from '../../harness/bundle.ts'
import { probing } from '../../harness/probe.ts'
import { runtime } from '../../harness/project.ts'
import { needsFile } from '../../harness/requires.ts'
import { type Box, runProgram, scenario, until } from '../../harness/scenario.ts'

const skip = needsFile('/run/systemd/system')
/** The probe's exit status after SIGTERM. */
const ENDED = 42
/** Reports readiness once it has handlers: pid 1 loses signals that it does not handle. */
const ready: Patch = probing(['handle', 'notify:STATUS=up\nREADY=1', 'wait'])

const property = (unit: string, name: string): string =>
  spawnSync('systemctl', ['show', '--property', name, '--value', unit], { encoding: 'utf8' }).stdout.trim()

/** Starts `runt run` as a service; returns when systemd reports success or failure. */
function serve(box: Box, id: string, bundle: string, flags: readonly string[], ...properties: readonly string[]) {
  const unit = `${id}.service`
  box.defer(() => spawnSync('systemctl', ['kill', '--signal=KILL', unit]))
  const all = ['Type=notify', 'NotifyAccess=all', `SuccessExitStatus=${ENDED}`, ...properties]
  const command = [runtime.path, '--root', box.root, 'run', ...flags, '--bundle', bundle, id]
  const options = ['--quiet', '--collect', `--unit=${unit}`, ...all.map((text) => `--property=${text}`)]
  return { unit, ...runProgram(box.dir, ['systemd-run', ...options, ...command]) }
}

scenario('in the foreground: the main process is the runtime, and a stop is a SIGTERM', { skip }, async (t, box) => {
  const id = box.id()
  const { unit, status, stderr } = serve(box, id, box.bundle(ready).dir, [])
  t.equal(status, 0, stderr)
  t.equal(property(unit, 'ActiveState'), 'active')
  t.equal(box.state(id)?.status, 'running')
  t.not(property(unit, 'MainPID'), String(box.state(id)?.pid))
  t.equal(spawnSync('systemctl', ['stop', unit]).status, 0)
  t.equal(box.state(id), undefined, 'the container is deleted')
  await until(() => property(unit, 'ActiveState') === 'inactive', 'the end of the service')
})

scenario('detached: the main process is the container', { skip }, async (t, box) => {
  const id = box.id()
  const { unit, status, stderr } = serve(box, id, box.bundle(ready).dir, ['--detach'])
  t.equal(status, 0, stderr)
  t.equal(property(unit, 'ActiveState'), 'active')
  t.equal(property(unit, 'MainPID'), String(box.state(id)?.pid))
  t.equal(spawnSync('systemctl', ['stop', unit]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'the end of the container')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('a service without READY=1 fails to start', { skip }, async (t, box) => {
  const id = box.id()
  const silent = box.bundle(probing(['wait'])).dir
  const { unit, status } = serve(box, id, silent, [], 'TimeoutStartSec=2')
  t.not(status, 0)
  await until(() => property(unit, 'ActiveState') !== 'deactivating', 'the end of the service')
  await until(() => box.state(id) === undefined, 'the end of the container')
})
