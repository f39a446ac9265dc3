/*
 * containerd's CRI plugin on runt, with the calls of a kubelet: a pod whose RuntimeClass names the handler of examples/kubernetes, a
 * container in it, exec with its statuses, limits and their update, statistics, security contexts, stop and removal. Pods use the
 * host's network, except for one with a CNI plugin that is made here.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupOf } from '../harness/cgroup.ts'
import { projectRoot } from '../harness/project.ts'
import { needsCapability, type Skip } from '../harness/requires.ts'
import { cniPlugins, containerdEngine, image, must } from './containerd.ts'
import { type Cri, connectCri } from './cri.ts'
import { type EngineBox, engineTests, eventually, hungry } from './engine.ts'

const runtimeClass = readFileSync(join(projectRoot, 'examples/kubernetes/runtimeclass.yaml'), 'utf8')
const handler = /^handler: (\S+)$/m.exec(runtimeClass)?.[1] ?? ''

const engine = containerdEngine()
const criTest = engineTests({
  ...engine,
  name: 'cri',
  prepare: async (box) => {
    installCni()
    await engine.prepare(box)
    const pod = await newPod(box)
    await pod.remove()
  },
})

/* A CNI plugin (CNI specification, ADD and DEL): a veth pair into the pod's namespace, and the names that containerd expects. */
const plugin = `#!/bin/sh
set -e
cat >/dev/null
enter="nsenter --net=$CNI_NETNS"
case $CNI_COMMAND,$CNI_IFNAME in
ADD,lo) $enter ip link set lo up ;;
ADD,*)
  ip link add pod0 type veth peer name pod1
  ip link set pod1 netns "$(basename "$CNI_NETNS")"
  $enter sh -c "ip link set pod1 name $CNI_IFNAME; ip link set $CNI_IFNAME up; ip addr add 10.96.32.2/24 dev $CNI_IFNAME"
  ip link set pod0 up
  ip addr add 10.96.32.1/24 dev pod0 ;;
esac
[ $CNI_COMMAND != ADD ] ||
  echo '{"cniVersion": "0.4.0", "interfaces": [{"name": "'$CNI_IFNAME'", "sandbox": "'$CNI_NETNS'"}],
    "ips": [{"version": "4", "address": "10.96.32.2/24", "interface": 0}]}'
`

function installCni(): void {
  mkdirSync(cniPlugins)
  for (const name of ['cable', 'loopback']) writeFileSync(join(cniPlugins, name), plugin, { mode: 0o755 })
  mkdirSync('/etc/cni/net.d', { recursive: true })
  const list = { cniVersion: '0.4.0', name: 'test', plugins: [{ type: 'cable' }] }
  writeFileSync('/etc/cni/net.d/10-test.conflist', JSON.stringify(list))
}

interface Pod {
  readonly cri: Cri
  readonly id: string
  readonly logs: string
  /** Creates and starts a container; returns its id. */
  readonly start: (config: object, linux?: object) => Promise<string>
  readonly create: (config: object, linux?: object) => Promise<string>
  readonly remove: () => Promise<void>
}

/* Namespaces of the machine (NODE), of the pod, or of the container alone. */
const onHost = { network: 'NODE', pid: 'CONTAINER', ipc: 'POD' }

async function newPod(box: EngineBox, linux: object = {}, name = box.name()): Promise<Pod> {
  const cri = connectCri()
  const logs = join(box.dir, `logs-${name}`)
  mkdirSync(logs)
  const config = {
    metadata: { name, uid: `uid-${name}`, namespace: 'default', attempt: 0 },
    log_directory: logs,
    linux: { cgroup_parent: '/kubepods', security_context: { namespace_options: onHost }, ...linux },
  }
  const { pod_sandbox_id: id } = await cri.call('RunPodSandbox', { config, runtime_handler: handler })
  let serial = 0
  const create = async (container: object, options: object = {}): Promise<string> => {
    const metadata = { name: `c${++serial}`, attempt: 0 }
    const whole = { metadata, image: { image }, log_path: `${metadata.name}.log`, ...container }
    const security = { namespace_options: onHost, ...(options as { security_context?: object }).security_context }
    const linuxOptions = { ...options, security_context: security }
    const request = { pod_sandbox_id: id, config: { ...whole, linux: linuxOptions }, sandbox_config: config }
    return (await cri.call('CreateContainer', request)).container_id
  }
  const pod: Pod = {
    cri,
    id,
    logs,
    create,
    start: async (container, options) => {
      const container_id = await create(container, options)
      await cri.call('StartContainer', { container_id })
      return container_id
    },
    remove: async () => {
      await cri.call('StopPodSandbox', { pod_sandbox_id: id })
      await cri.call('RemovePodSandbox', { pod_sandbox_id: id })
      cri.close()
    },
  }
  return pod
}

/** A pod that ends with the test. */
async function podFor(box: EngineBox, linux?: object): Promise<Pod> {
  const pod = await newPod(box, linux)
  box.defer(pod.remove)
  return pod
}

const sleeping = { command: ['sleep', '1000'] }

const exec = async (pod: Pod, container_id: string, ...cmd: readonly string[]) => {
  const { stdout, stderr, exit_code } = await pod.cri.call('ExecSync', { container_id, cmd, timeout: 60 })
  return { stdout: stdout.toString(), stderr: stderr.toString(), status: exit_code }
}

const statusOf = async (pod: Pod, container_id: string) =>
  (await pod.cri.call('ContainerStatus', { container_id })).status

async function ended(pod: Pod, id: string) {
  let status = await statusOf(pod, id)
  for (let tries = 0; status.state !== 'CONTAINER_EXITED' && tries < 1200; tries++) {
    await new Promise((done) => setTimeout(done, 100))
    status = await statusOf(pod, id)
  }
  return status
}

criTest('a pod by its RuntimeClass, a container, exec, stop, remove', {}, async (t, box) => {
  const pod = await podFor(box)
  t.match(await pod.cri.call('Version', {}), { runtime_name: 'containerd', runtime_api_version: 'v1' })
  const { status } = await pod.cri.call('PodSandboxStatus', { pod_sandbox_id: pod.id })
  t.match(status, { state: 'SANDBOX_READY', runtime_handler: handler })
  const id = await pod.start({ ...sleeping, envs: [{ key: 'A', value: 'b' }], working_dir: '/tmp' })
  t.equal((await statusOf(pod, id)).state, 'CONTAINER_RUNNING')
  t.same(await exec(pod, id, 'sh', '-c', 'pwd; echo $A; echo err >&2; exit 7'), {
    stdout: '/tmp\nb\n',
    stderr: 'err\n',
    status: 7,
  })
  t.equal((await exec(pod, id, 'sh', '-c', 'kill -9 $$')).status, 137)
  await t.rejects(exec(pod, id, 'missing'), /executable file .*not found in \$PATH/)
  await pod.cri.call('StopContainer', { container_id: id, timeout: 1 })
  t.match(await statusOf(pod, id), { state: 'CONTAINER_EXITED', exit_code: 137 })
  await pod.cri.call('RemoveContainer', { container_id: id })
  await t.rejects(statusOf(pod, id), /not found/)
})

criTest('output, exit status, and a program that cannot be run', {}, async (t, box) => {
  const pod = await podFor(box)
  const id = await pod.start({ command: ['sh', '-c', 'echo out; exit 3'] })
  t.match(await ended(pod, id), { exit_code: 3, reason: 'Error' })
  await eventually(() => /stdout F out$/m.test(readFileSync(join(pod.logs, 'c1.log'), 'utf8')), 'the log')
  const missing = await pod.create({ command: ['missing'] })
  await t.rejects(pod.cri.call('StartContainer', { container_id: missing }), /executable file .*not found in \$PATH/)
  t.match(await statusOf(pod, missing), { state: 'CONTAINER_EXITED', reason: 'StartError' })
})

criTest('limits, their update, statistics, out of memory', {}, async (t, box) => {
  const pod = await podFor(box)
  const resources = { memory_limit_in_bytes: 40 << 20, cpu_quota: 50_000, cpu_period: 100_000, cpu_shares: 512 }
  const id = await pod.start(sleeping, { resources })
  const pid = Number(new RegExp(`^${id} +(\\d+)`, 'm').exec(must(box, ['--namespace', 'k8s.io', 'task', 'ls']))?.[1])
  const limit = (): string => {
    const dir = cgroupOf(pid, 'memory')
    return box.run(['sh', '-c', `cat ${dir}/memory.limit_in_bytes 2>/dev/null || cat ${dir}/memory.max`]).stdout.trim()
  }
  t.match(cgroupOf(pid, 'memory'), /\/kubepods\//)
  t.equal(limit(), String(40 << 20))
  await pod.cri.call('UpdateContainerResources', { container_id: id, linux: { memory_limit_in_bytes: 50 << 20 } })
  t.equal(limit(), String(50 << 20))
  const { stats } = await pod.cri.call('ContainerStats', { container_id: id })
  t.ok(Number(stats.memory.working_set_bytes.value) > 0 && Number(stats.cpu.usage_core_nano_seconds.value) > 0)
  const little = { resources: { memory_limit_in_bytes: 8 << 20 } }
  t.match(await ended(pod, await pod.start({ command: ['tail', '/dev/zero'] }, little)), { exit_code: 137 })
  t.match(await ended(pod, await pod.start({ command: hungry }, little)), { exit_code: 137, reason: 'OOMKilled' })
})

criTest('security contexts', {}, async (t, box) => {
  const pod = await podFor(box, { sysctls: { 'kernel.msgmax': '4321' } })
  const security_context = {
    run_as_user: { value: 1000 },
    readonly_rootfs: true,
    no_new_privs: true,
    capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['NET_BIND_SERVICE'] },
    seccomp: { profile_type: 'RuntimeDefault' },
  }
  const id = await pod.start(sleeping, { security_context })
  const { stdout } = await exec(pod, id, 'cat', '/proc/self/status')
  t.match(stdout, /^Uid:\t1000\t.*^CapBnd:\t0{13}400$.*^NoNewPrivs:\t1$.*^Seccomp:\t2$/ms)
  t.match(await exec(pod, id, 'touch', '/x'), { status: 1, stderr: /Read-only/ })
  t.equal((await exec(pod, id, 'cat', '/proc/sys/kernel/msgmax')).stdout, '4321\n', 'of the pod')
})

const lacking: Skip = needsCapability(24n, 'CAP_SYS_RESOURCE')
criTest('privileged', { peers: lacking === false ? {} : { runc: lacking, crun: lacking } }, async (t, box) => {
  const privileged = { namespace_options: onHost, privileged: true }
  const pod = await podFor(box, { security_context: { ...privileged } })
  const id = await pod.start(sleeping, { security_context: { privileged: true } })
  t.match(await exec(pod, id, 'sh', '-c', 'mount -t tmpfs none /tmp && grep " /tmp " /proc/mounts'), {
    status: 0,
    stdout: /tmpfs/,
  })
})

criTest('two containers of a pod share what is the pod’s', {}, async (t, box) => {
  const pod = await podFor(box)
  const ids = [await pod.start(sleeping), await pod.start(sleeping)]
  const links = async (kind: string) =>
    Promise.all(ids.map(async (id) => (await exec(pod, id, 'readlink', `/proc/self/ns/${kind}`)).stdout))
  for (const [kind, shared] of [
    ['ipc', true],
    ['net', true],
    ['pid', false],
    ['mnt', false],
  ] as const) {
    const [first, second] = await links(kind)
    t.equal(first === second, shared, kind)
  }
})

criTest('a pod with a network of its own', {}, async (t, box) => {
  const namespace_options = { ...onHost, network: 'POD' }
  const pod = await podFor(box, { security_context: { namespace_options } })
  const start = (...command: readonly string[]) => pod.start({ command }, { security_context: { namespace_options } })
  await start('nc', '-ll', '-p', '80', '-e', 'hostname')
  const other = await start('sleep', '1000')
  t.match((await exec(pod, other, 'ip', '-o', '-4', 'addr', 'show', 'eth0')).stdout, /inet 10\.96\.32\.2\/24/)
  const name = (await exec(pod, other, 'hostname')).stdout
  const ask = (): string => box.run(['busybox', 'nc', '-w', '2', '10.96.32.2', '80']).stdout
  await eventually(() => ask() === name, 'an answer from the pod')
  t.equal((await exec(pod, other, 'nc', '-w', '2', '127.0.0.1', '80')).stdout, name, 'and between its containers')
})
