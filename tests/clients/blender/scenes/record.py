"""Records a take, and plays its actions back without the stage.

record.py ADDRESS COUNT CURRENT|TIMECODE
"""

import bpy
import house
import numpy as np


def main(address: str, count: str, place: str) -> None:
    session = house.connect(address)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    scene.understudy.place = place
    scene.frame_set(11)
    house.first_frame(session)
    scene.understudy.zero = session.frame.timecode[:2] + ":00:00:00"
    house.ready()
    house.wait()
    house.until(lambda: session.receiver.poll() is not None)
    assert bpy.ops.understudy.record_start() == {"FINISHED"}
    house.until(lambda: len(session.receiver.take) >= int(count))
    assert bpy.ops.understudy.record_stop() == {"FINISHED"}
    recorded = list(house.module("recording").last.recorded)
    skeletons = session.receiver.skeletons
    frames = [
        house.module("wire.bridge.wire.decoder").decode_frame(r.message, skeletons)[0]
        for r in recorded
    ]
    assert bpy.ops.understudy.disconnect() == {"FINISHED"}
    entry = scene.understudy.subjects[0]
    action = entry.rig.animation_data.action
    begin, fps = 11.0, scene.render.fps / scene.render.fps_base
    if place == "TIMECODE":
        _, minutes, seconds, count = map(int, frames[0].timecode.split(":"))
        begin = (60 * minutes + seconds + count / 30) * fps
    played = []
    for frame in frames:
        at = begin + (frame.capture_ns - frames[0].capture_ns) / 1e9 * fps
        at = float(np.float32(at))  # Blender keeps the time of a key so
        scene.frame_set(int(at), subframe=at - int(at))
        played.append({"sequence": frame.sequence, "bones": house.bones(entry.rig)})
    house.finish(
        {
            "played": played,
            "markers": [(m.name, m.frame) for m in scene.timeline_markers],
            "action": action.name,
            "kept": action.use_fake_user,
            "begin": begin,
            "first": frames[0].timecode,
            "last": frames[-1].timecode,
            "slots": len(getattr(action, "slots", ())),
            "end": scene.frame_end,
        }
    )


main(*house.WORDS)
