import t from 'tap'
import { sysctlPath } from './sysctl.ts'

t.test('the first separator counts', (t) => {
  t.equal(sysctlPath('net.ipv4.ip_forward'), 'net/ipv4/ip_forward')
  t.equal(sysctlPath('net/ipv4/conf/eth0.100/forwarding'), 'net/ipv4/conf/eth0.100/forwarding')
  t.equal(sysctlPath('net.ipv4.conf.eth0/100.forwarding'), 'net/ipv4/conf/eth0.100/forwarding')
  t.equal(sysctlPath('vm'), 'vm')
  t.end()
})
