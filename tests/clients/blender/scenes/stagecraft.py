"""Cameras, props and a face, followed and recorded.  stagecraft.py ADDRESS COUNT"""

import bpy
import house

SHAPES = ("Basis", "jawOpen", "EyeBlink_L", "browinnerup", "unrelated")


def face() -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    made = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(made)
    for i, name in enumerate(SHAPES):
        key = made.shape_key_add(name=name)
        key.data[0].co.y += i
        key.value = 0.0
    return made


def look(sequence: int) -> dict[str, object]:
    scene = bpy.context.scene
    camera = house.evaluated(scene.understudy.cameras["A"].target)
    prop = house.evaluated(scene.understudy.props["ball"].target)
    drawn = house.evaluated(bpy.data.objects["Face"])
    keys = bpy.data.objects["Face"].data.shape_keys.key_blocks
    return {
        "sequence": sequence,
        "camera": [list(row) for row in camera.matrix_world],
        "lens": [
            camera.data.lens,
            camera.data.sensor_width,
            camera.data.sensor_height,
            camera.data.dof.focus_distance,
            camera.data.dof.aperture_fstop,
        ],
        "fit": camera.data.sensor_fit,
        "dof": camera.data.dof.use_dof,
        "prop": [list(row) for row in prop.matrix_world],
        "keys": {key.name: key.value for key in keys},
        "vertex": drawn.to_mesh().vertices[0].co.y,
    }


def main(address: str, count: str) -> None:
    mesh = face()
    session = house.connect(address)
    scene = bpy.context.scene
    house.first_frame(session)
    bpy.ops.object.select_all(action="DESELECT")
    mesh.select_set(True)
    assert bpy.ops.understudy.add_faces(subject="Ann") == {"FINISHED"}
    followed = []
    assert bpy.ops.understudy.record_start() == {"FINISHED"}
    while len(followed) < int(count):
        before = session.frame.sequence
        house.until(lambda: session.frame.sequence != before)  # noqa: B023
        followed.append(look(session.frame.sequence))
    assert bpy.ops.understudy.record_stop() == {"FINISHED"}
    recorded = house.module("recording").last.recorded
    decode = house.module("wire.bridge.wire.decoder").decode_frame
    frames = [decode(one.message, session.receiver.skeletons)[0] for one in recorded]
    assert bpy.ops.understudy.disconnect() == {"FINISHED"}
    played = []
    fps = scene.render.fps / scene.render.fps_base
    for frame in frames:
        at = 1 + (frame.capture_ns - frames[0].capture_ns) / 1e9 * fps
        scene.frame_set(int(at), subframe=at - int(at))
        played.append(look(frame.sequence))
    markers = [m.name for m in sorted(scene.timeline_markers, key=lambda m: m.frame)]
    house.finish({"followed": followed, "played": played, "markers": markers})


main(*house.WORDS)
