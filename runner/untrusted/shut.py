"""A process that shuts itself in: no network, and so much memory, time and disk. It cannot open itself again, nor can its children."""

from __future__ import annotations

import ctypes
import errno
import platform
import resource
import sys
from typing import Any

LARGEST_FILE = 1 << 30
"""Bytes."""

_SYSCALLS = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
"""By machine: how Linux calls it, and the numbers of the calls `socket` and `io_uring_setup`, which make sockets."""

_FORBIDDEN = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def shut_in(memory: int, seconds: int) -> None:
    """Give this process and its children at most so many bytes of memory and seconds of a processor each, and no network."""
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    sys.addaudithook(_refuse)
    forbid_sockets()


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(errno.EACCES, "a spec that is not trusted has no network")


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def forbid_sockets() -> bool:
    """Let the kernel refuse new sockets for this process and its children, also to native code; whether it does.

    Source: seccomp(2), a filter of system calls, which needs no rights and cannot be taken away. Linux on x86-64 and ARM64 only.
    """
    if not sys.platform.startswith("linux") or platform.machine() not in _SYSCALLS:
        return False
    machine, *calls = _SYSCALLS[platform.machine()]
    load, equal, above, end = 0x20, 0x15, 0x35, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES
    words = [(load, 0, 0, 4), (equal, 1, 0, machine), (end, 0, 0, kill), (load, 0, 0, 0)]
    words += [(above, 0, 1, 0x40000000), (end, 0, 0, refuse)]  # the same calls by the numbers of the x32 convention
    for call in calls:
        words += [(equal, 0, 1, call), (end, 0, 0, refuse)]
    words.append((end, 0, 0, allow))
    instructions = (_Instruction * len(words))(*(_Instruction(*word) for word in words))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_rights, filter_calls, mode = 38, 22, 2
    if libc.prctl(no_new_rights, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(filter_calls, mode, ctypes.byref(_Program(len(words), instructions)), 0, 0) == 0)
