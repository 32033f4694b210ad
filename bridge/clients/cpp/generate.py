"""Writes include/understudy/understudy_generated.h from the schema with a flatc of your choice.

    python generate.py                         # flatc of your PATH, into include/
    python generate.py --flatc DIR/flatc --out DIR

What flatc writes only compiles with the FlatBuffers headers of its own version. The one that is
checked in is of Debian 12's flatbuffers-compiler, 2.0.8.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "schema" / "understudy.fbs"
NAME = "understudy_generated.h"

GUARD = """\
#include <flatbuffers/base.h>
#if FLATBUFFERS_VERSION_MAJOR != {0} || FLATBUFFERS_VERSION_MINOR != {1}
#error "understudy_generated.h was written by flatc {0}.{1}.{2} and your FlatBuffers headers are \
of another version: run `python generate.py --flatc FLATC` (bridge/clients/cpp) with the flatc of \
your headers."
#endif

"""


def generate(flatc: str, out: Path, schema: Path = SCHEMA) -> str:
    """Writes the header into folder `out`; returns flatc's version."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run(
                [flatc, "--cpp", "-o", scratch, str(schema)], check=True, capture_output=True
            )
        except FileNotFoundError:
            sys.exit(f"There is no {flatc}: install flatbuffers-compiler or give --flatc.")
        except subprocess.CalledProcessError as error:
            sys.exit(f"{flatc} refused {schema}: {error.stderr.decode().strip()}")
        text = (Path(scratch) / NAME).read_text()
    version = re.findall(r"FLATBUFFERS_VERSION_\w+ == (\d+)", text)
    include = '#include "flatbuffers/flatbuffers.h"'
    out.mkdir(parents=True, exist_ok=True)
    (out / NAME).write_text(text.replace(include, GUARD.format(*version) + include, 1))
    return ".".join(version)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flatc", default="flatc")
    parser.add_argument("--out", type=Path, default=HERE / "include" / "understudy")
    chosen = parser.parse_args()
    print(f"{chosen.out / NAME}, for FlatBuffers {generate(chosen.flatc, chosen.out)}")
