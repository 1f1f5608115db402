"""Runs a command in a pseudo-terminal and passes on what it writes and its exit code.

Usage: in-terminal.py COLUMNS ROWS TYPED COMMAND...

TYPED is a JSON list of pairs: the text that must have appeared, and what is typed then. The second pair waits for its text
after the first one was typed, and so on.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

columns, rows = int(sys.argv[1]), int(sys.argv[2])
typed = [(after.encode(), text.encode()) for after, text in json.loads(sys.argv[3])]

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
    if typed and typed[0][0] in seen:
        os.write(terminal, typed.pop(0)[1])
        seen = b""

sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
