"""The files of this repository, as the tests in this folder look at them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "data", "node_modules", "reports"}


def repository_files() -> list[Path]:
    """Tracked files and new ones that are not ignored; without git, all but caches and environments."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        names = [path for path in paths if path.parts[0] not in NOT_OURS and "cache" not in str(path)]
    else:
        names = [Path(name) for name in listed.split("\0") if name]
    # A file deleted but not yet committed is still listed.
    return sorted(ROOT / name for name in names if (ROOT / name).is_file())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
