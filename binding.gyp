# The addon as a .node file. `root` and `init_image` are given by the Makefile, which runs node-gyp in its own directory
# below build/; sources and flags follow the static program's.
{
  'variables': {
    'root%': '.',
    'init_image%': 'build/init',
    'sanitize%': '',
  },
  'targets': [{
    'target_name': 'runt',
    'sources': [
      '<(root)/addon/embed/init_image.S',
      '<!@(ls <(root)/addon/*.cc <(root)/addon/*.c)',
      '<!@(ls <(root)/addon/steps/*.c | grep -v container_only)',
    ],
    'include_dirs': [
      '<(root)/node_modules/node-addon-api',
      '<(root)/addon',
      '<(root)/addon/steps',
      '<(root)/build/gen',
    ],
    'defines': [
      'NAPI_VERSION=8',
      'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
      'NAPI_DISABLE_CPP_EXCEPTIONS',
      'RUNT_INIT_IMAGE="<(init_image)"',
    ],
    'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_c': ['-std=gnu11'],
    'cflags_cc': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti'],
    'conditions': [
      ['sanitize!=""', {
        'cflags': ['<@(sanitize)', '-fno-omit-frame-pointer', '-g'],
        'ldflags': ['<@(sanitize)'],
      }],
    ],
  }],
}
