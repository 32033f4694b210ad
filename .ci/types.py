"""mypy over the packages under their import names, which takes one link."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("runtime", "bridge", "models", "shaders")


def main() -> int:
    place = ROOT / "build" / "types"
    place.mkdir(parents=True, exist_ok=True)
    link = place / "understudy"
    if not link.exists():
        if sys.platform == "win32":  # a link needs a right there, a junction does not
            subprocess.run(["cmd", "/c", "mklink", "/J", str(link), str(ROOT)], check=True)
        else:
            link.symlink_to(ROOT)
    named = [word for name in PACKAGES for word in ("-p", f"understudy.{name}")]
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--explicit-package-bases"]
    return subprocess.call(
        [sys.executable, "-m", "mypy", *options, *named, *sys.argv[1:]], cwd=place
    )


if __name__ == "__main__":
    sys.exit(main())
