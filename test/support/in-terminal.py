"""Runs a command in a pseudo-terminal and passes on what it writes and its exit code.

Usage: in-terminal.py COLUMNS ROWS CTRL_C_AFTER COMMAND...

Presses Ctrl-C when the text CTRL_C_AFTER appears, if it is not empty.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, rows, ctrl_c_after = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()

child, terminal = pty.fork()
if child == 0:
    # Of the child's own standard output, so that it has its size before the command asks for it.
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[4], sys.argv[4:])

seen = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:  # Linux says EIO when nobody has the terminal open any more.
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    seen += data
    if ctrl_c_after and ctrl_c_after in seen:
        ctrl_c_after = b""
        os.write(terminal, b"\x03")

sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
