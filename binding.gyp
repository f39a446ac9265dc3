# The addon as a .node file. The Makefile runs node-gyp in a directory of its own below build/ that links to addon/, and
# says by RUNT_ROOT where all else is; sources and flags follow the static program's.
{
  'variables': {
    'root': '<!(echo "${RUNT_ROOT:-$PWD}")',
    'init_image': '<!(echo "${RUNT_INIT_IMAGE:-$PWD/build/init}")',
    'sanitize': '<!(echo "${RUNT_SANITIZE_FLAGS:-}")',
  },
  'targets': [{
    'target_name': 'runt',
    'sources': [
      'addon/quickjs/init_image.S',
      '<!@(ls addon/binding/*.cc addon/kernel/*.c addon/machine/*.c addon/runtime/*.c)',
    ],
    'include_dirs': [
      '<(root)/node_modules/node-addon-api',
      '<(root)/addon',
      '<(root)/addon/binding',
      '<(root)/addon/kernel',
      '<(root)/addon/machine',
      '<(root)/addon/runtime',
      '<(root)/build/gen',
    ],
    'defines': [ 'RUNT_NODE',
      'NAPI_VERSION=8',
      'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
      'RUNT_INIT_IMAGE="<(init_image)"',
    ],
    'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_c': ['-std=gnu11', '-D_GNU_SOURCE='],
    'cflags_cc': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti'],
    'conditions': [
      ['sanitize!=""', {
        'cflags': ['<@(sanitize)', '-fno-omit-frame-pointer', '-g'],
        'ldflags': ['<@(sanitize)'],
      }],
    ],
  }],
}
