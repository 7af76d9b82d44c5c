/** System calls that a web function has no use for and that have opened walls before. The rest is allowed. */
const refused = [
  'acct', 'add_key', 'bpf', 'clock_adjtime', 'clock_settime', 'create_module', 'delete_module', 'finit_module', 'fsconfig',
  'fsmount', 'fsopen', 'fspick', 'get_kernel_syms', 'init_module', 'io_uring_enter', 'io_uring_register', 'io_uring_setup',
  'ioperm', 'iopl', 'kcmp', 'kexec_file_load', 'kexec_load', 'keyctl', 'lookup_dcookie', 'mount', 'mount_setattr', 'move_mount',
  'move_pages', 'name_to_handle_at', 'nfsservctl', 'open_by_handle_at', 'open_tree', 'perf_event_open', 'pivot_root',
  'process_vm_readv', 'process_vm_writev', 'ptrace', 'query_module', 'quotactl', 'reboot', 'request_key', 'setns', 'settimeofday',
  'stime', 'swapoff', 'swapon', 'syslog', 'umount', 'umount2', 'unshare', 'uselib', 'userfaultfd', 'vhangup', 'vm86', 'vm86old',
];

const EPERM = 1;

/** The seccomp part of an OCI configuration. */
export const seccompProfile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
  syscalls: [{ names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM }],
};
