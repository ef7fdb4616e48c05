"""Instructions of the guest, from the kernel's first one on, counted with QEMU's `-icount`.

With `-icount shift=0` every instruction takes one nanosecond of the machine's time and one tick of
its time stamp counter, so that the ticks in the kernel's log are instructions.
"""

LIMIT = 100_000_000
