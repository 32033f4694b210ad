"""Where things lie in the vectors that the network reads and writes. No numpy, no torch.

body (280)
  pose      135  hips x, y, z in the root's frame, then 22 joints' first two matrix columns, local
  rate      135  the pose less the pose of the tick before
  contacts    4  left heel, left toe, right heel, right toe, 0..1
  travel      3  the root's velocity x, z in m/s in its own frame, and its turn in rad/s
  phase       3  cosine and sine of the gait's phase, which is 0 at the left foot's mid-stance and
                 pi at the right's; and 0..1 how much the body steps
path (26)     six samples ahead, each x, z, facing x, facing z in the root's frame; then the styles
"""

from __future__ import annotations

from typing import Literal, get_args

JOINTS = 22
SAMPLES = 6
POSE = slice(0, 3 + 6 * JOINTS)
RATE = slice(POSE.stop, 2 * POSE.stop)
CONTACTS = slice(RATE.stop, RATE.stop + 4)
TRAVEL = slice(CONTACTS.stop, CONTACTS.stop + 3)
PHASE = slice(TRAVEL.stop, TRAVEL.stop + 3)
BODY = PHASE.stop
RATE_HZ = 60.0
# Traits that a slider sets at any time, -1..1, 0 neutral: tired to energetic, tall to crouched, and
# a gaze that is fixed to one that is restless. The network acts the first two.
Trait = Literal["energy", "crouch", "restless"]
TRAITS: tuple[str, ...] = get_args(Trait)
STYLES = TRAITS[:2]
PATH = 4 * SAMPLES + len(STYLES)
