/*
 * Podman with cgroups by systemd, its default with systemd: the system's as root, the user's own manager as an unprivileged
 * user. The container is a scope below a slice, with its limits as the unit's properties. Only in the virtual machine.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { either, needsFile, needsV2 } from '../harness/requires.ts'
import { type EngineBox, eventually } from './engine.ts'
import { inspect, must, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

const skip = either(needsFile('/run/systemd/system'), needsV2())
const isRoot = process.getuid?.() === 0
const systemd = ['--cgroup-manager', 'systemd']

const cgroupPath = (box: EngineBox, name: string): string =>
  readFileSync(`/proc/${inspect(box, name, '{{.State.Pid}}')}/cgroup`, 'utf8')
    .trim()
    .slice('0::'.length)

/** A property of a unit, from systemctl. */
function property(unit: string, name: string): string {
  const args = [...(isRoot ? [] : ['--user']), 'show', '--property', name, '--value', unit]
  return spawnSync('systemctl', args, { encoding: 'utf8' }).stdout.trim()
}

podmanTest(
  'a container is a scope of systemd, with its limits, and the scope ends with it',
  { skip },
  async (t, box) => {
    const name = box.name()
    const limits = ['--memory', '64m', '--pids-limit', '40', '--cpus', '0.5']
    must(box, [...systemd, 'run', '--detach', '--name', name, ...limits, image, 'sleep', '1000'])
    const unit = `libpod-${inspect(box, name, '{{.Id}}')}.scope`
    const path = cgroupPath(box, name)
    t.match(path, isRoot ? `/machine.slice/${unit}` : new RegExp(`/user@\\d+\\.service/user\\.slice/.*${unit}`))
    t.equal(property(unit, 'ActiveState'), 'active')
    t.same([property(unit, 'MemoryMax'), property(unit, 'TasksMax')], [String(64 << 20), '40'])
    const dir = join('/sys/fs/cgroup', path)
    const value = (file: string): string => readFileSync(join(dir, file), 'utf8').trim()
    t.same([value('memory.max'), value('pids.max'), value('cpu.max')], [String(64 << 20), '40', '50000 100000'])
    must(box, [...systemd, 'update', '--memory', '96m', name])
    t.same([value('memory.max'), property(unit, 'MemoryMax')], [String(96 << 20), String(96 << 20)])
    must(box, ['pause', name])
    t.equal(inspect(box, name, '{{.State.Status}}'), 'paused')
    must(box, ['unpause', name])
    t.match(must(box, ['exec', name, 'cat', '/proc/self/cgroup']), '0::/', 'exec is in the container’s cgroup')
    t.match(JSON.parse(must(box, ['stats', '--no-stream', '--format', 'json', name]))[0], { name, pids: '1' })
    must(box, ['rm', '--force', '--time', '0', name])
    await eventually(() => !existsSync(dir) && property(unit, 'ActiveState') !== 'active', 'the end of the scope')
  },
)
