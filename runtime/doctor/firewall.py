"""What this machine's firewall lets in, as far as it may be read and is understood."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LOOKED_FOR = {"win32": ("Windows'",), "darwin": ("macOS's",)}.get(
    sys.platform, ("ufw", "firewalld", "nftables", "iptables")
)
Port = tuple[str, int]  # "tcp" or "udp", and the number

_NFT_RULE = re.compile(r"\b(tcp|udp|th) dport (\{[^}]*\}|\S+)(.*)")
_NFT_INPUT = re.compile(r"chain \S+ \{\s*type filter hook input [^;]*;(?: policy (\w+);)?")
_IPTABLES_RULE = re.compile(r"-p (tcp|udp)\b.*--dports? (\S+).*-j (ACCEPT|DROP|REJECT)")
_UFW_RULE = re.compile(r"^(\d[\d:,]*)(?:/(tcp|udp))?(?: \(v6\))?\s+(ALLOW|DENY|REJECT|LIMIT)", re.M)
_FIREWALLD_PORTS = re.compile(r"^\s*ports:(.*)$", re.M)


@dataclass(slots=True)
class Firewall:
    """One firewall's word.

    closed   whether it turns away what no rule names; None where that is not known
    opened   first and last port of each range that it names and lets in, and how: "tcp" or "udp"
    barred   the same of those that it turns away
    unread   why its rules could not be read, "" where they were
    """

    name: str
    closed: bool | None = None
    opened: list[tuple[str, int, int]] = field(default_factory=list)
    barred: list[tuple[str, int, int]] = field(default_factory=list)
    unread: str = ""

    def bars(self, port: Port) -> bool:
        """Whether its rules keep this port from other machines, as they are understood here."""
        if _names(self.barred, port):
            return True
        return bool(self.closed) and not _names(self.opened, port)


def _names(ranges: list[tuple[str, int, int]], port: Port) -> bool:
    kind, number = port
    return any(k == kind and first <= number <= last for k, first, last in ranges)


def find() -> list[Firewall]:
    """Every firewall of this machine that is on or may be."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return _macos()
    # ufw and firewalld write their rules through nftables or iptables; their own word is clearer.
    return _ufw() or _firewalld() or _nftables() or _iptables()


def _said(*words: str) -> str | None:
    """What a command prints; None where there is no such command or it is refused."""
    # A plain user's path often lacks the folders of the administrator's programs.
    program = shutil.which(words[0]) or shutil.which(words[0], path="/usr/sbin:/sbin")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *words[1:]],
            capture_output=True,
            text=True,
            timeout=1.5,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            if sys.platform == "linux"
            else None,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _ufw() -> list[Firewall]:
    try:
        on = re.search(r"^ENABLED=yes", Path("/etc/ufw/ufw.conf").read_text(), re.M | re.I)
    except OSError:
        return []
    if not on:
        return []
    text = _said("ufw", "status", "verbose")
    return [read_ufw(text) if text else Firewall("ufw", unread="its rules need root to be read")]


def read_ufw(text: str) -> Firewall:
    """Of `ufw status verbose`."""
    found = Firewall("ufw", closed=bool(re.search(r"Default: (deny|reject) \(incoming\)", text)))
    for numbers, kind, verdict in _UFW_RULE.findall(text):
        to = found.opened if verdict in ("ALLOW", "LIMIT") else found.barred
        for each in (kind,) if kind else ("tcp", "udp"):
            to += _ranges(each, numbers)
    return found


def _firewalld() -> list[Firewall]:
    if _said("firewall-cmd", "--state") is None:
        return []
    text = _said("firewall-cmd", "--list-all")
    if text is None:
        return [Firewall("firewalld", unread="its rules need root to be read")]
    return [read_firewalld(text)]


def read_firewalld(text: str) -> Firewall:
    """Of `firewall-cmd --list-all`."""
    found = Firewall("firewalld", closed="target: ACCEPT" not in text)
    for line in _FIREWALLD_PORTS.findall(text):
        for word in line.split():
            numbers, _, kind = word.partition("/")
            found.opened += _ranges(kind, numbers)
    return found


def _nftables() -> list[Firewall]:
    if shutil.which("nft") is None and shutil.which("nft", path="/usr/sbin:/sbin") is None:
        return []
    text = _said("nft", "list", "ruleset")
    if text is None:
        return [Firewall("nftables", unread="its rules need root to be read")]
    return [read_nftables(text)]


def read_nftables(text: str) -> Firewall:
    """Of `nft list ruleset`; rules on anything else than a port are passed over."""
    policies = _NFT_INPUT.findall(text)
    found = Firewall("nftables", closed="drop" in policies)
    for kind, numbers, rest in _NFT_RULE.findall(text):
        verdict = re.search(r"\b(accept|drop|reject)\b", rest)
        if verdict:
            to = found.opened if verdict[1] == "accept" else found.barred
            for each in ("tcp", "udp") if kind == "th" else (kind,):
                to += _ranges(each, numbers.strip("{} "))
    return found


def _iptables() -> list[Firewall]:
    if shutil.which("iptables") is None and shutil.which("iptables", path="/usr/sbin") is None:
        return []
    text = _said("iptables", "-S")
    if text is None:
        return [Firewall("iptables", unread="its rules need root to be read")]
    return [read_iptables(text)]


def read_iptables(text: str) -> Firewall:
    """Of `iptables -S`."""
    found = Firewall("iptables", closed="-P INPUT DROP" in text)
    for kind, numbers, verdict in _IPTABLES_RULE.findall(text):
        to = found.opened if verdict == "ACCEPT" else found.barred
        to += _ranges(kind, numbers)
    return found


def _ranges(kind: str, numbers: str) -> list[tuple[str, int, int]]:
    """Of "5570", "5570-5571" or "5570:5571", and several with commas."""
    found = []
    for part in numbers.split(","):
        first, _, last = part.strip().replace(":", "-").partition("-")
        if first.isdigit() and (last or first).isdigit():
            found.append((kind, int(first), int(last or first)))
    return found


def _windows() -> list[Firewall]:
    """Not tried: no Windows machine was at hand."""
    text = _said("netsh", "advfirewall", "show", "currentprofile") or ""
    on = re.search(r"\bON\b", text)
    return [Firewall("Windows' firewall", unread="it decides by program")] if on else []


def _macos() -> list[Firewall]:
    """Not tried: no macOS machine was at hand."""
    text = _said("/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate") or ""
    return (
        [Firewall("macOS's firewall", unread="it decides by program")] if "enabled" in text else []
    )
