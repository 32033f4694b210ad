"""Your own program on the stream: prints where every character's hips are, once a frame."""

import sys

from understudy.bridge import Subscriber

address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5570"
for frame in Subscriber(address, timeout_s=10):
    for subject in frame.subjects:
        x, y, z = subject.pose.positions[0]
        print(
            f"{frame.timecode} {subject.name}: {x:+.2f} {y:+.2f} {z:+.2f} m, {subject.state.name}"
        )
