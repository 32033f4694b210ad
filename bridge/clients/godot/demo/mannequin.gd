## A body of capsules on the bones of Godot's humanoid profile.
extends Skeleton3D

const SIZE := 1.25  # the profile's reference poses are of somebody small
const LIVE := Color(0.78, 0.5, 0.3)
const LOST := Color(0.7, 0.14, 0.12)
const BARE := ["Root", "LeftEye", "RightEye", "Jaw"]
const RADIUS_M := {
	"Hips": 0.1,
	"Spine": 0.11,
	"Chest": 0.12,
	"UpperChest": 0.13,
	"Neck": 0.05,
	"Head": 0.09,
	"UpperLeg": 0.075,
	"LowerLeg": 0.055,
	"Foot": 0.04,
	"Shoulder": 0.06,
	"UpperArm": 0.05,
	"LowerArm": 0.04,
	"Hand": 0.025,
}
const FINGER_M := 0.012

var _material := StandardMaterial3D.new()


func _ready() -> void:
	_material.roughness = 0.8
	paint(false)
	var profile := SkeletonProfileHumanoid.new()
	for i in profile.bone_size:
		add_bone(profile.get_bone_name(i))
	for i in profile.bone_size:
		var rest := profile.get_reference_pose(i)
		rest.origin *= SIZE
		set_bone_parent(i, find_bone(profile.get_bone_parent(i)))
		set_bone_rest(i, rest)
	reset_bone_poses()
	for bone in get_bone_count():
		for child in get_bone_children(bone):
			if get_bone_name(bone) not in BARE and get_bone_name(child) not in BARE:
				_dress(bone, get_bone_rest(child).origin)
	_dress(find_bone("Head"), Vector3(0.0, 0.14, 0.02))


func paint(is_live: bool) -> void:
	_material.albedo_color = LIVE if is_live else LOST


## A capsule from the bone to a point in its own axes.
func _dress(bone: int, end: Vector3) -> void:
	var limb := get_bone_name(bone).trim_prefix("Left").trim_prefix("Right")
	var capsule := CapsuleMesh.new()
	capsule.radius = RADIUS_M.get(limb, FINGER_M)
	capsule.height = end.length() + 2.0 * capsule.radius
	capsule.material = _material
	var mesh := MeshInstance3D.new()
	mesh.mesh = capsule
	mesh.position = 0.5 * end
	mesh.quaternion = Quaternion(Vector3.UP, end.normalized())
	var attachment := BoneAttachment3D.new()
	add_child(attachment)
	attachment.bone_name = get_bone_name(bone)
	attachment.add_child(mesh)
