#!/bin/sh
# Makes a bundle in build/demo from Debian's static busybox and `runt spec`, and runs it: a container that prints what it
# can see of itself. `make demo` builds everything first. Needs no root.
set -eu
cd "$(dirname "$0")/.."
runt=$PWD/build/runt
bundle=$PWD/build/demo
busybox=$(command -v busybox)

rm -rf "$bundle"
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/etc" "$bundle/rootfs/proc" "$bundle/rootfs/sys" "$bundle/rootfs/dev" \
  "$bundle/rootfs/tmp"
cp "$busybox" "$bundle/rootfs/bin/busybox"
for applet in $("$busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$bundle/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$bundle/rootfs/etc/passwd"
echo 'root:x:0:' >"$bundle/rootfs/etc/group"
cat >"$bundle/rootfs/bin/demo" <<'EOF'
#!/bin/sh
echo "== hostname: $(hostname)"
echo "== user: $(id)"
echo "== processes:"
ps
echo "== mounts:"
mount
echo "== limits:"
ulimit -a
EOF
chmod 755 "$bundle/rootfs/bin/demo"

user=
[ "$(id -u)" = 0 ] || user=--rootless
"$runt" spec $user --bundle "$bundle"
node --input-type=module - "$bundle/config.json" <<'EOF'
import { readFileSync, writeFileSync } from 'node:fs'

const path = process.argv[2]
const config = JSON.parse(readFileSync(path, 'utf8'))
config.hostname = 'runt-demo'
config.process.terminal = false
config.process.args = ['/bin/demo']
config.process.env = ['PATH=/bin']
writeFileSync(path, JSON.stringify(config, null, 2))
EOF

# As an ordinary user the container has a user namespace, and its state is in a directory of the user's.
if [ -n "$user" ]; then
  echo "runt --root $bundle/state run --bundle $bundle demo-$$" >&2
  exec "$runt" --root "$bundle/state" run --bundle "$bundle" "demo-$$"
fi
echo "runt run --bundle $bundle demo-$$" >&2
exec "$runt" run --bundle "$bundle" "demo-$$"
