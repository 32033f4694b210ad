## One moment of a performance, in Godot's axes, metres and seconds.
extends RefCounted

const Frame := preload("frame.gd")

## The sender's clock, or ours where it sends none.
var stamp_s := 0.0
## Bone (VMC's name) to position: local to the parent bone, in a T-pose the model's own axes.
var positions := {}
## Bone to rotation: local to the parent bone, none in a T-pose.
var rotations := {}
## Where the whole model is.
var root := Transform3D.IDENTITY
## Blend shape to value, 0 to 1.
var shapes := {}
var camera_name := ""
var camera := Transform3D.IDENTITY
## Vertical.
var fov_deg := 40.0
## Serial to place of every tracked thing.
var trackers := {}
## False while the sender says that nobody moves the body.
var tracking := true


## The moment between two, `part` 0 is `a` and 1 is `b`. What only `b` has is taken from it.
static func between(a: Frame, b: Frame, part: float) -> Frame:
	var blend := Frame.new()
	blend.stamp_s = lerpf(a.stamp_s, b.stamp_s, part)
	for bone: String in b.positions:
		var position: Vector3 = b.positions[bone]
		var rotation: Quaternion = b.rotations[bone]
		if a.positions.has(bone):
			var before: Quaternion = a.rotations[bone]
			position = (a.positions[bone] as Vector3).lerp(position, part)
			rotation = before.slerp(rotation, part)
		blend.positions[bone] = position
		blend.rotations[bone] = rotation
	for shape: String in b.shapes:
		var value: float = b.shapes[shape]
		blend.shapes[shape] = lerpf(a.shapes.get(shape, value) as float, value, part)
	for serial: String in b.trackers:
		var place: Transform3D = b.trackers[serial]
		blend.trackers[serial] = _placed(a.trackers.get(serial, place) as Transform3D, place, part)
	blend.root = _placed(a.root, b.root, part)
	blend.camera_name = b.camera_name
	blend.camera = b.camera
	blend.fov_deg = b.fov_deg
	if a.camera_name == b.camera_name:
		blend.camera = _placed(a.camera, b.camera, part)
		blend.fov_deg = lerpf(a.fov_deg, b.fov_deg, part)
	blend.tracking = b.tracking
	return blend


static func _placed(a: Transform3D, b: Transform3D, part: float) -> Transform3D:
	return a.interpolate_with(b, part)
