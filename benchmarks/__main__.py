"""All benchmarks, one after the other, each in a process and a database of its own.

    python -m benchmarks [rounds] [agreement] [confidence] [detectors] [blinding] [shift] [naming] [planting]

All but `rounds`, `shift` and `planting` read the real outputs in REVIEW_DATA (by default ../shared/data).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

DATA = Path(os.environ.get("REVIEW_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
BENCHMARKS = {
    "rounds": ["-m", "benchmarks.rounds"],
    "agreement": ["-m", "benchmarks.agreement"],
    "confidence": ["-m", "benchmarks.confidence", "--data", str(DATA)],
    "detectors": ["-m", "benchmarks.detectors", "--data", str(DATA)],
    "blinding": ["-m", "benchmarks.blinding", "--data", str(DATA)],
    "shift": ["-m", "benchmarks.shift"],
    "planting": ["-m", "benchmarks.planting"],
    "naming": ["-m", "benchmarks.naming", "--data", str(DATA)],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all of them by default")
    names = parser.parse_args().names or list(BENCHMARKS)
    failed = []
    for name in names:
        print(f"# {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "DATA_DIR": folder}
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=environment, check=True)
            if subprocess.run([sys.executable, *BENCHMARKS[name]], env=environment).returncode:
                failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
