## A Skeleton3D that VMC's bones move.
##
## VMC's bones have no rotation in a T-pose, so the product of their rotations down to a bone is
## what the pose adds to it in the model's space. The target's bone turns by the same: whatever its
## axes are, `added * aligned * its rest` is where it points. `aligned` turns an arm or a leg that
## rests in an A-pose into the performer's T-pose; it is nothing where the rest is a T-pose.
extends RefCounted

const BoneNames := preload("bone_names.gd")
const Frame := preload("frame.gd")

const FINGERS := ["Thumb", "Index", "Middle", "Ring", "Little"]
const PARTS := ["Proximal", "Intermediate", "Distal"]
## Limb bones, and the bones that say where they point.
const LIMBS := {
	"UpperArm": "LowerArm", "LowerArm": "Hand", "UpperLeg": "LowerLeg", "LowerLeg": "Foot"
}
const LEG := ["UpperLeg", "LowerLeg", "Foot"]
const SAME_LEG := 0.005  # metres; another leg is another performer

## VMC's bone -> bone of the skeleton.
var bones := {}
## Metres here for a metre there: how much longer this character's legs are.
var hips_scale := 1.0

var _skeleton: Skeleton3D
var _parents := _hierarchy()
var _order: Array[int] = []  # bones that are moved, and those between them, parents first
var _roles := {}  # bone -> VMC's bone
var _rests := {}  # bone -> rotation at rest in the skeleton's space
var _aligned := {}  # VMC's bone -> rotation
var _leg_m := -1.0


func _init(skeleton: Skeleton3D, chosen: Dictionary) -> void:
	_skeleton = skeleton
	bones = BoneNames.find(skeleton, chosen)
	var needed := {}
	for role: String in bones:
		var bone: int = bones[role]
		_roles[bone] = role
		_rests[bone] = skeleton.get_bone_global_rest(bone).basis.get_rotation_quaternion()
		while bone >= 0:
			needed[bone] = true
			bone = skeleton.get_bone_parent(bone)
	for bone in skeleton.get_parentless_bones():
		_put_in_order(bone, needed)


## Poses the skeleton. `scale` 0: as the legs' lengths say.
func apply(frame: Frame, scale: float) -> void:
	_measure(frame)
	var added := _added(frame)
	var turned := {}
	for bone in _order:
		var parent := _skeleton.get_bone_parent(bone)
		var above: Quaternion = turned.get(parent, Quaternion.IDENTITY)
		var role: String = _roles.get(bone, "")
		if not added.has(role):
			turned[bone] = above * _skeleton.get_bone_pose_rotation(bone)
			continue
		var rest: Quaternion = _rests[bone]
		var aligned: Quaternion = _aligned.get(role, Quaternion.IDENTITY)
		turned[bone] = (added[role] as Quaternion) * aligned * rest
		_skeleton.set_bone_pose_rotation(bone, (above.inverse() * turned[bone]).normalized())
		if role == "Hips":
			_move_hips(frame, bone, parent, scale if scale > 0.0 else hips_scale)


## VMC's bone -> what the pose adds to its rest, in the model's space.
func _added(frame: Frame) -> Dictionary:
	var added := {}
	for role: String in _parents:
		if frame.rotations.has(role):
			var above: String = _parents[role]
			while above and not added.has(above):
				above = _parents[above]
			var turn: Quaternion = (
				added[above] if above else frame.root.basis.get_rotation_quaternion()
			)
			added[role] = turn * (frame.rotations[role] as Quaternion)
	return added


func _move_hips(frame: Frame, bone: int, parent: int, scale: float) -> void:
	var place := frame.root * (frame.positions["Hips"] as Vector3) * scale
	if parent >= 0:
		place = _skeleton.get_bone_global_pose(parent).affine_inverse() * place
	_skeleton.set_bone_pose_position(bone, place)


## Learns from the performer's bones, which are its T-pose's, what its proportions are.
func _measure(frame: Frame) -> void:
	var leg_m := 0.0
	for part: String in LEG.slice(1):
		leg_m += (frame.positions.get("Left" + part, Vector3.ZERO) as Vector3).length()
	if absf(leg_m - _leg_m) < SAME_LEG:
		return
	_leg_m = leg_m
	hips_scale = _legs_ratio(frame)
	_aligned.clear()
	for side: String in BoneNames.SIDES:
		for limb: String in LIMBS:
			var end: String = side + LIMBS[limb]
			if bones.has(side + limb) and bones.has(end) and frame.positions.has(end):
				_aligned[side + limb] = _shortest(
					_rest_of(end) - _rest_of(side + limb), frame.positions[end] as Vector3
				)
		var hand: Quaternion = _aligned.get(side + "LowerArm", Quaternion.IDENTITY)
		_aligned[side + "Hand"] = hand
		for finger: String in FINGERS:
			for part: String in PARTS:
				_aligned[side + finger + part] = hand


## How much farther above its feet this character's hips are than the performer's.
func _legs_ratio(frame: Frame) -> float:
	var theirs_m := 0.0
	for part: String in LEG:
		theirs_m -= (frame.positions.get("Left" + part, Vector3.ZERO) as Vector3).y
	if theirs_m < 0.05 or not bones.has("Hips") or not bones.has("LeftFoot"):
		return 1.0  # a sender without bone lengths, or a body without legs
	return (_rest_of("Hips") - _rest_of("LeftFoot")).y / theirs_m


func _rest_of(role: String) -> Vector3:
	return _skeleton.get_bone_global_rest(bones[role] as int).origin


func _put_in_order(bone: int, needed: Dictionary) -> void:
	if needed.has(bone):
		_order.append(bone)
		for child in _skeleton.get_bone_children(bone):
			_put_in_order(child, needed)


static func _shortest(from: Vector3, to: Vector3) -> Quaternion:
	if from.length() < 0.001 or to.length() < 0.001:
		return Quaternion.IDENTITY
	return Quaternion(from.normalized(), to.normalized())


## VMC's bone -> its parent, parents first; the hips' is empty.
static func _hierarchy() -> Dictionary:
	var parents := {
		"Hips": "",
		"Spine": "Hips",
		"Chest": "Spine",
		"UpperChest": "Chest",
		"Neck": "UpperChest",
		"Head": "Neck",
		"Jaw": "Head",
	}
	for side: String in BoneNames.SIDES:
		parents[side + "Eye"] = "Head"
		parents[side + "UpperLeg"] = "Hips"
		parents[side + "LowerLeg"] = side + "UpperLeg"
		parents[side + "Foot"] = side + "LowerLeg"
		parents[side + "Toes"] = side + "Foot"
		parents[side + "Shoulder"] = "UpperChest"
		parents[side + "UpperArm"] = side + "Shoulder"
		parents[side + "LowerArm"] = side + "UpperArm"
		parents[side + "Hand"] = side + "LowerArm"
		for finger: String in FINGERS:
			var above := side + "Hand"
			for part: String in PARTS:
				parents[side + finger + part] = above
				above = side + finger + part
	return parents
