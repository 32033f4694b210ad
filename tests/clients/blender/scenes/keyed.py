"""A stage that asks for keys: without one, with the right one.  keyed.py ADDRESS KEY"""

import bpy
import house
from sidebar import drawn


def main(address: str, key: str) -> None:
    house.connect(address)
    house.until(lambda: "asks for a key: " in drawn())
    without = drawn()
    bpy.context.scene.understudy.key_file = key
    assert bpy.ops.understudy.connect() == {"FINISHED"}
    house.first_frame(house.module("session").current)
    assert bpy.ops.understudy.record_start() == {"FINISHED"}
    receiver = house.module("session").current.receiver
    house.until(lambda: len(receiver.take) > 3)
    house.finish({"without": without, "with": drawn()})


main(*house.WORDS)
